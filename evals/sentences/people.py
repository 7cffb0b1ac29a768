"""Reads the short dialogues of people.tsv and tells whether an answer is right.

One dialogue a line: kind, language, what is said (turns parted by " // ", in a group each begins with its speaker),
words of which one must be in the last answer (parted by " ~ "), words that must not, and for minds other than the one
that ships what stands for the first words, where those are its own. A kind "fixed zh" has that language fixed.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

_FREE = ("statement", "wish", "nonsense")
"""To these a mind answers in its own words: right is all that does not repeat them."""
_TOLD = ("recall", "class", "home", "typos", "spoken", "mixed")
"""In these the person tells something and asks for it later."""
_LIKE = {
    "sorry": ("condolence", "tough", "difficult", "hard time", "understand", "miss"),
    "happy": ("congrat", "great", "wonderful", "glad", "exciting", "amazing", "proud"),
    "难过": ("抱歉", "遗憾", "安慰", "理解", "心疼", "难受", "节哀", "休息", "放松"),
    "高兴": ("恭喜", "祝贺", "太好", "太棒", "快乐", "真棒"),
    "没有告诉": ("不知道", "无法", "没有提", "没说", "抱歉"),
    "not told": ("don't know", "do not know", "don't have", "do not have", "didn't", "did not", "not mention", "sorry"),
    "cannot": ("can't", "don't", "unable"),
}
"""What other minds say for the words of the one that ships."""
_AS_ITS_OWN = re.compile(r"(?:yes, |sure, |as of [^,]*,[^,]*, )?(?:(?:my|i|i'm|we)\b|我)(?!.*(?:you|你))")
"""What the person told of themselves, told as the mind's own."""
_FILE = Path(__file__).parent / "people.tsv"


@dataclass(frozen=True, slots=True)
class Case:
    """A short dialogue; `expected` and `forbidden` are compared without case."""

    kind: str
    language: str
    said: tuple[str, ...]
    expected: tuple[str, ...]
    forbidden: tuple[str, ...]
    known: tuple[str, ...] = ()

    @property
    def fixed(self) -> str:
        """The language that the channel fixed, as people write it; "" for none."""
        return self.kind.removeprefix("fixed ") if self.kind.startswith("fixed ") else ""

    def is_right(self, answer: str, *, knows: bool = False) -> bool:
        """Whether the last answer has one of the expected words and none of the forbidden ones.

        `knows`: the mind is not the one that ships, and says things in its own words.
        """
        lowered = answer.lower()
        if knows and (self.kind in _FREE or self.known == ("*",)):
            hit = bool(lowered) and (self.kind == "wish" or not self.repeats(answer))
        else:
            expected = self.known if knows and self.known else self.expected
            also = [word for each in expected for word in _LIKE.get(each, ())] if knows else []
            hit = any(word in lowered for word in (*expected, *also))
        if knows and self.kind in _TOLD and len(self.said) > 1 and _AS_ITS_OWN.match(lowered):
            return False
        return hit and not any(word in lowered for word in (*self.forbidden, "\ufffd"))

    def repeats(self, answer: str) -> bool:
        """Whether an answer is the last message, letter for letter."""
        said, given = (re.sub(r"[\W_]", "", text).casefold() for text in (self.said[-1], answer))
        return bool(said) and said == given


def cases() -> list[Case]:
    """All of them."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Case(kind, language, tuple(said.split(" // ")), _words(expected), _words(forbidden), _words(known))
        for kind, language, said, expected, forbidden, known in (row + [""] * (6 - len(row)) for row in rows)
    ]


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in cell.split(" ~ ") if word)
