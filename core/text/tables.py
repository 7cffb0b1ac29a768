"""Markdown's tables as aligned code, for platforms that have no tables. Pure; called before a text is split."""

import re
import unicodedata
from collections.abc import Iterator

Fence = tuple[str, str]
"""The marker and the language of the code fence that is open, both "" when none is."""
_FENCE = re.compile(r"[ \t]*(`{3,7}|~{3,7})(?![`~])[ \t]*([\w+#.-]{0,20})([^`]*)")
"""Marker, language, and whatever else stands there. Within a list it may be indented by any number of spaces."""
_RULE = re.compile(r":?-+:?")
_WIDEST = 40
"""One long cell would fill a hundred others up with spaces, and the answer with parts."""
_BAR = re.compile(r"(?<!\\)\|")


def as_code(markdown: str) -> str:
    """The text with each table outside of a code fence turned into a code block with straight columns."""
    return "\n".join(_blocks(markdown.split("\n")))


def fence_after(line: str, fence: Fence) -> Fence:
    """What is open after one more line."""
    found = _FENCE.fullmatch(line)
    if found is None:
        return fence
    if not fence[0]:
        return found[1], found[2]
    return ("", "") if found[1].startswith(fence[0]) and not (found[2] or found[3].strip()) else fence


def _blocks(lines: list[str]) -> Iterator[str]:
    at, fence = 0, ("", "")
    while at < len(lines):
        fence = fence_after(lines[at], fence)
        if fence[0] or not _is_table(lines, at):
            yield lines[at]
            at += 1
            continue
        end = at + 2
        while end < len(lines) and "|" in lines[end]:
            end += 1
        yield from _aligned([_cells(line) for line in (lines[at], *lines[at + 2 : end])])
        at = end


def _is_table(lines: list[str], at: int) -> bool:
    head, rule = lines[at], lines[at + 1] if at + 1 < len(lines) else ""
    return "|" in head and "|" in rule and all(_RULE.fullmatch(cell) for cell in _cells(rule))


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(line.strip().removeprefix("|").removesuffix("|"))]


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    columns = max(len(row) for row in rows)
    full = [row + [""] * (columns - len(row)) for row in rows]
    widths = [min(_WIDEST, max(_width(row[column]) for row in full)) for column in range(columns)]
    longest = max(len(run) for row in rows for cell in row for run in re.findall("`*", cell))
    marker = "`" * min(7, max(3, longest + 1))
    yield marker
    for number, row in enumerate(full):
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)
    yield marker


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
