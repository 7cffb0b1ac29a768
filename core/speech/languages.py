"""Which language a voice note is in: what the ears hear, weighed with what the chat makes likely. Pure."""

from collections.abc import Mapping, Sequence

_SURE = 0.6
"""From here on what is heard stands against whatever the chat makes likely. Whisper base took "How are you today?" for
Japanese at up to 0.42 and a German question for German at 0.83, in short clips of a synthetic voice.
"""
_LIKELY = 20.0
"""How many times likelier a language of the chat is than another, before anything is heard."""

_SIMPLIFIED, _TRADITIONAL = "以下是普通话的句子。", "以下是普通話的句子。"
_WRITTEN_TRADITIONALLY = {"hant", "tw", "hk", "mo"}
"""Scripts and regions in BCP 47 tags of Chinese."""


def base(tag: str) -> str:
    """The language of a BCP 47 tag as Whisper calls it: "zh" of "zh-Hans"."""
    return tag.replace("_", "-").split("-")[0].lower()


def likeliest(heard: Mapping[str, float], likely: Sequence[str] = (), allowed: Sequence[str] = ()) -> tuple[str, float]:
    """The language and how probable it is, 0 to 1. `heard` must not be empty.

    `likely` are the chat's languages, a prior and never an order; `allowed` those that it may be at all, () for any.
    """
    possible = {language: share for language, share in heard.items() if language in allowed} or dict(heard)
    best = max(possible, key=lambda language: possible[language])
    if possible[best] < _SURE:
        known = {base(tag) for tag in likely}
        possible = {language: share * (_LIKELY if language in known else 1) for language, share in possible.items()}
        best = max(possible, key=lambda language: possible[language])
    return best, possible[best] / (sum(possible.values()) or 1)


def example(language: str, likely: Sequence[str] = ()) -> str:
    """A sentence in the script that the chat reads; "" for a language that has one script.

    Whisper goes on as the text before it is written (its authors: github.com/openai/whisper, discussion 277). Left
    alone, Whisper base wrote Mandarin in traditional characters.
    """
    if language != "zh":
        return ""
    tag = next((tag for tag in likely if base(tag) == "zh"), language)
    parts = tag.replace("_", "-").lower().split("-")
    return _SIMPLIFIED if _WRITTEN_TRADITIONALLY.isdisjoint(parts) or "hans" in parts else _TRADITIONAL
