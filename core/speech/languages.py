"""Which language a voice note is in: what the ears hear, weighed with what the chat makes likely. Pure."""

from collections.abc import Mapping, Sequence

_SURE = 0.6
"""From here on what is heard stands against whatever the chat makes likely. Whisper base took "How are you today?" for
Japanese at up to 0.42 and a German question for German at 0.83, in short clips of a synthetic voice.
"""
_LIKELY = 20.0
"""How many times likelier a language of the chat is than another, before anything is heard."""


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
