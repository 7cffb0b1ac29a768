"""docs/speed.svg and docs/speed.zh-Hans.svg from `benchmarks/out/lm.json`: `python -m benchmarks.picture`."""

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.report import OUT

DOCS = Path(__file__).parents[1] / "docs"
OURS, OTHERS = "#2f6fde", "#9aa4b2"
_WIDTH, _LEFT, _BAR, _STEP = 760, 250, 20, 28
_ZH = {
    "8 chats at once, 64 tokens of context: tokens per second": "8 个聊天同时进行，上文 64 个词元：每秒词元数",
    "8 chats at once, 1,024 tokens of context: tokens per second": "8 个聊天同时进行，上文 1,024 个词元：每秒词元数",
    "One chat reads 512 tokens: tokens per second": "一个聊天读入 512 个词元：每秒词元数",
    "One chat writes: tokens per second": "一个聊天写出：每秒词元数",
    "First word of turn 20 after 2,000 tokens: milliseconds": "第 20 轮（上文 2,000 个词元）的第一个词：毫秒",
    "transformers, continuous batching": "transformers 连续批处理",
    "Parley, the channel's cache kept": "Parley，保留频道缓存",
    "computed again": "重新计算",
}

Panel = tuple[str, tuple[tuple[str, float, str], ...]]


def panels(lm: Mapping[str, float]) -> tuple[Panel, ...]:
    """Titles, and under each its bars: label, value, colour."""

    def pair(key: str) -> tuple[tuple[str, float, str], ...]:
        ours, theirs = lm[f"{key}_ours_tokens_s"], lm[f"{key}_theirs_tokens_s"]
        return ("Parley, int8", ours, OURS), ("llama.cpp, Q8_0", theirs, OTHERS)

    continuous = ("transformers, continuous batching", lm["hf_continuous_batch8_tokens_s"], OTHERS)
    kept, again = lm["ttft_turn20_ms"], lm["ttft_turn20_ms"] * lm["recompute_over_kept"]
    return (
        (
            "8 chats at once, 64 tokens of context: tokens per second",
            (*pair("batch8_over_llamacpp_ctx64"), continuous),
        ),
        ("8 chats at once, 1,024 tokens of context: tokens per second", pair("batch8_over_llamacpp_ctx1024")),
        ("One chat writes: tokens per second", pair("single_over_llamacpp_decode")),
        ("One chat reads 512 tokens: tokens per second", pair("single_over_llamacpp_prefill")),
        (
            "First word of turn 20 after 2,000 tokens: milliseconds",
            (("Parley, the channel's cache kept", kept, OURS), ("computed again", again, OTHERS)),
        ),
    )


def drawn(lm: Mapping[str, float], words: Mapping[str, str]) -> str:
    """The picture."""
    y, lines = 10, []
    for title, bars in panels(lm):
        y += 22
        lines.append(f'<text x="16" y="{y}" class="title">{words.get(title, title)}</text>')
        y += 10
        most = max(value for _, value, _ in bars)
        for label, value, colour in bars:
            length = max(2, round((_WIDTH - _LEFT - 80) * value / most))
            middle = y + _BAR // 2 + 5
            lines += [
                f'<text x="{_LEFT - 10}" y="{middle}" text-anchor="end">{words.get(label, label)}</text>',
                f'<rect x="{_LEFT}" y="{y}" width="{length}" height="{_BAR}" rx="3" fill="{colour}"/>',
                f'<text x="{_LEFT + length + 8}" y="{middle}" class="value">{value:,.0f}</text>',
            ]
            y += _STEP
        y += 8
    style = "text{font:13px sans-serif;fill:#24292f}.title{font-weight:bold}.value{font-weight:bold}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y + 6}" viewBox="0 0 {_WIDTH} {y + 6}">\n'
        f'<style>{style}</style>\n<rect width="100%" height="100%" rx="8" fill="#ffffff"/>\n'
        + "\n".join(lines)
        + "\n</svg>\n"
    )


def main() -> None:
    """Draw."""
    lm = json.loads((OUT / "lm.json").read_text())
    for name, words in (("speed.svg", {}), ("speed.zh-Hans.svg", _ZH)):
        (DOCS / name).write_text(drawn(lm, words), "utf-8")
        print(f"written: docs/{name}")


if __name__ == "__main__":
    main()
