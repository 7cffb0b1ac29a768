"""Parley's language engine beside what else runs on a processor: `make bench-lm` (QUICK=1: the same, rougher).

Random weights in real shapes, eight bits on both sides, all threads. Each pair is measured in turn in this one process;
a figure is the best of the rounds, for what else runs on a machine can only add to it.
"""

import gc
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
import transformers

from benchmarks import report
from benchmarks.lm_chat import turns
from benchmarks.lm_parley import Parley
from benchmarks.lm_transformers import Continuous, Pipeline
from benchmarks.weights import prompt, random_model
from core.lm.local.loading import load
from core.lm.local.quantization import quantized

QUICK = bool(os.environ.get("QUICK"))
ROUNDS = 3 if QUICK else 5
TOKENS = 32 if QUICK else 64
CHATS = 8
READ_TOKENS = 512
LENGTHS = (64, 1024)
SHAPES = ("Qwen2-0.5B",) if QUICK else ("Qwen2-0.5B", "SmolLM-135M")


def in_turn(*work: Callable[[], float], best: Callable[[Iterable[float]], float] = max) -> list[float]:
    """The best round of each: `max` of tokens a second, `min` of seconds. In every round one follows the other.

    A first round is for nothing but to warm up.
    """
    rounds = [[each() for each in work] for _ in range(ROUNDS + 1)]
    return [best(values) for values in zip(*rounds[1:], strict=True)]


def alone(parley: Parley, shape: str) -> dict[str, float]:
    """Eight chats over one, at each length."""
    figures: dict[str, float] = {}
    rows = []
    for context in LENGTHS:
        one, eight = in_turn(*(_writing(parley, chats, context) for chats in (1, CHATS)))
        rows.append((f"{context} tokens of context", f"{one:.1f}", f"{eight:.1f}", f"{eight / one:.2f}"))
        figures |= {f"single_ctx{context}_tokens_s": one, f"batch8_ctx{context}_tokens_s": eight}
        figures[f"batch8_over_single_ctx{context}"] = eight / one
    figures["batch8_over_single"] = figures["batch8_over_single_ctx64"]
    report.table((f"{shape} int8, tokens/s", "1 chat", f"{CHATS} chats", "ratio"), rows)
    return figures


def beside_itself(parley: Parley, shape: str) -> dict[str, float]:
    """int8 beside LM_QUANTIZE=none, where weights stored in bfloat16 stay so if the processor is good at it."""
    rows, figures = [], {}
    for dtype in (torch.float32, torch.bfloat16):
        full, name = Parley(random_model(shape, dtype)), str(dtype).removeprefix("torch.")
        for what, pair in (
            (f"1 chat reads {READ_TOKENS} tokens", [lambda it=it: it.read(READ_TOKENS) for it in (parley, full)]),
            ("1 chat writes", [_writing(it, 1, 64) for it in (parley, full)]),
            (f"{CHATS} chats write", [_writing(it, CHATS, 64) for it in (parley, full)]),
        ):
            eight, other = in_turn(*pair)
            rows.append((f"{name}: {what}", f"{other:.1f}", f"{eight:.1f}", f"{eight / other:.2f}"))
            figures[f"int8_over_{name}_{what.replace(' ', '_')}"] = eight / other
        del full
        gc.collect()
    report.table((f"{shape}, Parley, tokens/s", "none", "int8", "ratio"), rows)
    return figures


def beside_continuous(parley: Parley, shape: str) -> dict[str, float]:
    """Eight chats beside transformers' continuous batching of the same int8 weights."""
    continuous = Continuous(quantized(random_model(shape)))
    ours, theirs = in_turn(_writing(parley, CHATS, 64), _writing(continuous, CHATS, 64))
    rows = [(continuous.name, f"{theirs:.1f}", ""), (parley.name, f"{ours:.1f}", f"{ours / theirs:.2f}")]
    report.table((f"{shape} int8, {CHATS} chats after 64 tokens", "tokens/s", "ratio"), rows)
    return {"batch8_over_hf_continuous": ours / theirs, "hf_continuous_batch8_tokens_s": theirs}


def beside_pipeline(parley: Parley, shape: str) -> dict[str, float]:
    """A whole answer to one chat beside transformers.pipeline, which has no int8 of its own for processors."""
    took: dict[str, float] = {}
    for dtype in (torch.float32, torch.bfloat16):
        other = Pipeline(random_model(shape, dtype))
        ids = prompt(other.prompt_tokens)
        ours, theirs = in_turn(
            lambda ids=ids: _timed(lambda: parley.say(ids, TOKENS)), lambda other=other: other.answer(TOKENS), best=min
        )
        took[other.name] = theirs / ours
        row = (other.name, f"{theirs:.2f}", ""), (f"{parley.name}, int8", f"{ours:.2f}", f"{theirs / ours:.2f}")
        report.table((f"{shape}, one answer of {TOKENS} tokens", "seconds", "times as fast"), row)
        del other
        gc.collect()
    return {"single_over_pipeline": min(took.values())}


def beside_llamacpp(parley: Parley, shape: str, folder: Path) -> dict[str, float]:
    """The same weights in Q8_0 by llama.cpp; nothing where it is not installed."""
    if importlib.util.find_spec("llama_cpp") is None or importlib.util.find_spec("gguf") is None:
        print(
            "\nllama.cpp is not installed (pip install 'parley[bench]' compiles it): its rows and figures are left out."
        )
        return {}
    from benchmarks.gguf_file import write_gguf
    from benchmarks.lm_llamacpp import LlamaCppChild

    path = folder / f"{shape}.gguf"
    write_gguf(random_model(shape), path)
    other = LlamaCppChild(path)
    rows, figures = [], {}

    def pair(what: str, key: str, ours: Callable[[], float], theirs: Callable[[], float]) -> None:
        mine, its = in_turn(ours, theirs)
        rows.append((what, f"{its:.1f}", f"{mine:.1f}", f"{mine / its:.2f}"))
        figures[key] = mine / its
        figures[f"{key}_ours_tokens_s"], figures[f"{key}_theirs_tokens_s"] = mine, its

    reads = (lambda: parley.read(READ_TOKENS)), (lambda: other.read(READ_TOKENS))
    pair(f"1 chat reads {READ_TOKENS} tokens", "single_over_llamacpp_prefill", *reads)
    for chats, context, key in (
        (1, 64, "single_over_llamacpp_decode"),
        (CHATS, 64, "batch8_over_llamacpp_ctx64"),
        (CHATS, 1024, "batch8_over_llamacpp_ctx1024"),
    ):
        both = _writing(parley, chats, context), _writing(other, chats, context)
        pair(f"{chats} chat{'s' * (chats > 1)} after {context:,} tokens", key, *both)
    other.close()
    report.table((f"{shape}, tokens/s", other.name, f"{parley.name}, int8", "ratio"), rows)
    return figures


def shipped() -> dict[str, float]:
    """The model that ships, in float32 as it is served, beside the pipeline."""
    parley, other = Parley(load(None).model), Pipeline(load(None).model)
    ids = prompt(other.prompt_tokens)
    ours, theirs = in_turn(lambda: _timed(lambda: parley.say(ids, TOKENS)), lambda: other.answer(TOKENS), best=min)
    one, eight = in_turn(*(_writing(parley, chats, 64) for chats in (1, CHATS)))
    rows = [
        (
            f"one answer of {TOKENS} tokens, ms: transformers.pipeline, Parley",
            *(f"{s * 1000:.0f}" for s in (theirs, ours)),
        ),
        (f"tokens/s: 1 chat, {CHATS} chats", f"{one:.0f}", f"{eight:.0f}"),
    ]
    report.table(("the model that ships", "", ""), rows)
    return {"shipped_over_pipeline": theirs / ours, "shipped_batch8_over_single": eight / one}


def main() -> None:
    """Measure and print."""
    transformers.logging.set_verbosity_error()
    print(f"{report.machine()}, torch {torch.__version__}, transformers {transformers.__version__}")
    print(f"{torch.get_num_threads()} threads, {ROUNDS} rounds, {TOKENS} tokens an answer")
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        for at, shape in enumerate(SHAPES):
            found = _measured(shape, Path(folder))
            figures |= found if not at else {f"{key}_{shape}": value for key, value in found.items()}
    figures |= shipped()
    report.close("lm", figures)


def _measured(shape: str, folder: Path) -> dict[str, float]:
    parley = Parley(random_model(shape), int8=True)
    figures = turns(parley, shape, in_turn) | alone(parley, shape)
    for beside in (beside_itself, beside_continuous, beside_pipeline):
        figures |= beside(parley, shape)
        gc.collect()
    return figures | beside_llamacpp(parley, shape, folder)


def _writing(engine: Any, chats: int, context: int) -> Callable[[], float]:
    return lambda: engine.write(chats, context, TOKENS)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
