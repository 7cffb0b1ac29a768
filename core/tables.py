"""Markdown's tables as aligned code, for platforms that have no tables. Pure; called before a text is split."""

import re
import unicodedata
from collections.abc import Iterator

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_BAR = re.compile(r"(?<!\\)\|")


def as_code(markdown: str) -> str:
    """The text with each table outside of a code fence turned into a code block with straight columns."""
    return "\n".join(_blocks(markdown.split("\n")))


def _blocks(lines: list[str]) -> Iterator[str]:
    at, fence = 0, ""
    while at < len(lines):
        fence = _fence_after(lines[at], fence)
        if fence or not _is_table(lines, at):
            yield lines[at]
            at += 1
            continue
        end = at + 2
        while end < len(lines) and "|" in lines[end]:
            end += 1
        yield from _aligned([_cells(line) for line in (lines[at], *lines[at + 2 : end])])
        at = end


def _fence_after(line: str, fence: str) -> str:
    """The marker of the code fence that is open after this line, "" for none."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    if not fence:
        return found[1]
    return "" if found[1].startswith(fence) else fence


def _is_table(lines: list[str], at: int) -> bool:
    return "|" in lines[at] and at + 1 < len(lines) and "|" in lines[at + 1] and bool(_RULE.match(lines[at + 1]))


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(line.strip().removeprefix("|").removesuffix("|"))]


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    columns = max(len(row) for row in rows)
    full = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(_width(row[column]) for row in full) for column in range(columns)]
    marker = "````" if any("```" in cell for row in rows for cell in row) else "```"
    yield marker
    for number, row in enumerate(full):
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)
    yield marker


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
