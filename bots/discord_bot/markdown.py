"""A model's Markdown as Discord shows it: its own, which has no tables, so these become aligned code. Pure."""

import re
import unicodedata
from collections.abc import Iterator

_FENCE = re.compile(r"^ {0,3}(?:`{3,}|~{3,})")
_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_BAR = re.compile(r"(?<!\\)\|")


def with_tables_as_code(markdown: str) -> str:
    """The text with each table outside of a code fence turned into a code block with straight columns."""
    return "\n".join(_blocks(markdown.split("\n")))


def _blocks(lines: list[str]) -> Iterator[str]:
    at, fenced = 0, False
    while at < len(lines):
        fenced ^= bool(_FENCE.match(lines[at]))
        if fenced or not _is_table(lines, at):
            yield lines[at]
            at += 1
            continue
        end = at + 2
        while end < len(lines) and "|" in lines[end]:
            end += 1
        yield from _aligned([_cells(line) for line in (lines[at], *lines[at + 2 : end])])
        at = end


def _is_table(lines: list[str], at: int) -> bool:
    return "|" in lines[at] and at + 1 < len(lines) and "|" in lines[at + 1] and bool(_RULE.match(lines[at + 1]))


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(line.strip().removeprefix("|").removesuffix("|"))]


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    columns = max(len(row) for row in rows)
    full = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(_width(row[column]) for row in full) for column in range(columns)]
    yield "```"
    for number, row in enumerate(full):
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)
    yield "```"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
