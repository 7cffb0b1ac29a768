"""Reads the short dialogues of people.tsv and tells whether an answer is right.

One dialogue a line: kind, language, what is said (turns parted by " // ", in a group each begins with its speaker),
words of which one must be in the last answer (parted by " ~ "), words that must not. A kind "fixed zh" has that
language fixed.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).parent / "people.tsv"


@dataclass(frozen=True, slots=True)
class Case:
    """A short dialogue; `expected` and `forbidden` are compared without case."""

    kind: str
    language: str
    said: tuple[str, ...]
    expected: tuple[str, ...]
    forbidden: tuple[str, ...]

    @property
    def fixed(self) -> str:
        """The language that the channel fixed, as people write it; "" for none."""
        return self.kind.removeprefix("fixed ") if self.kind.startswith("fixed ") else ""

    def is_right(self, answer: str) -> bool:
        """Whether the last answer has one of the expected words and none of the forbidden ones."""
        lowered = answer.lower()
        hit = any(word in lowered for word in self.expected)
        return hit and not any(word in lowered for word in (*self.forbidden, "\ufffd"))


def cases() -> list[Case]:
    """All of them."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Case(kind, language, tuple(said.split(" // ")), _words(expected), _words(forbidden))
        for kind, language, said, expected, forbidden in (row + [""] * (5 - len(row)) for row in rows)
    ]


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in cell.split(" ~ ") if word)
