"""How the built-in model answers what it was not trained for: feelings as feelings, statements as statements.

One TOML file a language: `[[kind]]` entries, each with expressions over folded words (wording.any_of) and its answer,
the first that is found counts; `[texts]` are what is said when nothing else fits.
"""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from core.thinking import wording
from core.thinking.moment import Moment

_MOST_CHARS = 300
_FEW_CHARS = 80
_FEELINGS = 3
"""The first kinds of each file: a death, bad news, good news."""
_BAD, _GOOD = 1, 2
_SAD_EMOJI = frozenset("😭😢💔😞😔😟☹🙁😿😥😓😩😫😖😣🤒🤕🤧")
_GLAD_EMOJI = frozenset("🎉🥳🎂🏆🎊🍾🥂🎁👶💍🎓🥇")


@dataclass(frozen=True, slots=True)
class _Manners:
    kinds: tuple[tuple[re.Pattern[str], str], ...]
    texts: dict[str, str]


def answer(moment: Moment) -> str:
    """What is said to a feeling, news, a wish or emoji; "" to everything else."""
    if len(moment.text) > _MOST_CHARS:
        return ""
    if not any(char.isalnum() for char in moment.text):
        return _to_signs(moment)
    plain = wording.folded(moment.text)
    spoken = "zh-Hans" if wording.has_han(plain) else "en"
    for at, (pattern, _) in enumerate(_manners(spoken).kinds):
        if pattern.search(plain):
            return _manners("zh-Hans" if moment.chinese else "en").kinds[at][1]
    return ""


def _to_signs(moment: Moment) -> str:
    """What is said to emoji, and to punctuation."""
    kinds, signs = _manners("zh-Hans" if moment.chinese else "en").kinds, frozenset(moment.text)
    sad, glad = bool(signs & _SAD_EMOJI), bool(signs & _GLAD_EMOJI)
    if sad != glad:
        return kinds[_BAD if sad else _GOOD][1]
    return said("emoji" if any(unicodedata.category(char) == "So" for char in signs) else "no_words", moment)


def felt(moment: Moment) -> str:
    """What is said to sad or good news told in few words; "" to everything else."""
    if len(moment.text) > _FEW_CHARS or wording.asks(moment.text):
        return ""
    plain = wording.folded(moment.text)
    spoken, shown = "zh-Hans" if wording.has_han(plain) else "en", "zh-Hans" if moment.chinese else "en"
    kinds = enumerate(_manners(spoken).kinds[:_FEELINGS])
    return next((_manners(shown).kinds[at][1] for at, (pattern, _) in kinds if pattern.search(plain)), "")


def said(key: str, moment: Moment) -> str:
    """One of the texts, in the language of the answer."""
    return _manners("zh-Hans" if moment.chinese else "en").texts[key]


def not_understood(moment: Moment) -> str:
    """An honest answer to what the built-in model has none for; how to get a better one to owners, once a chat."""
    if not wording.asks(moment.text):
        return said("told", moment)
    hints = {_manners(language).texts["cannot_owner"] for language in ("en", "zh-Hans")}
    hinted = any(turn.reply in hints for turn in moment.dialogue.turns)
    return said("cannot_owner" if moment.owner and not hinted else "cannot", moment)


@cache
def _manners(language: str) -> _Manners:
    raw: dict[str, Any] = tomllib.loads((resources.files(__name__) / f"{language}.toml").read_text("utf-8"))
    sets: dict[str, str] = raw.get("sets", {})
    spaced = not raw.get("unspaced", False)
    kinds = tuple((wording.any_of(kind["said"], sets, spaced=spaced), kind["answer"]) for kind in raw["kind"])
    return _Manners(kinds, raw["texts"])
