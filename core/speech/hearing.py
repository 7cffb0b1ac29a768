"""What ears are to Parley, here or on a server: one method, and what they heard."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.speech import languages

MAX_AUDIO_S = 600
_SURE, _SURE_BRIEF = 0.7, 0.4
"""The confidence from which Whisper's words are believed. Whisper base was less sure of 1 of 202 English and Chinese
sentences that it heard without an error, and of 36 of 96 that it misheard; "No." and "Okay." it heard rightly at 0.5.
"""
_BRIEF_TOKENS = 3
_LOOPS = 2.4
"""Compression ratio of a text that repeats itself; Whisper's own threshold (Radford et al. 2022, section 4.5)."""
_MOST_NAMES, _LONGEST_NAME = 6, 30
"""Of people, in characters. Anyone chooses their own name, and a whole text of them would be no hint."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a transcript, from `start_s` to `end_s` of what was heard: its tokens and their mean logarithm of
    probability, and how well it compresses, which a text that repeats itself does.
    """

    text: str
    start_s: float
    end_s: float
    tokens: int
    mean_logprob: float
    compression_ratio: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said, its language (BCP 47 without region) and the sound's length in seconds.

    confidence: the mean probability of a token, 0 to 1, and 0 for words in a circle, which `text` has three times.
    language_probability: 1 for a language that was ordered. doubtful: the confidence is below what these ears need to
    be believed.
    """

    text: str
    language: str
    duration_s: float
    confidence: float = 1.0
    language_probability: float = 1.0
    doubtful: bool = False
    segments: tuple[Segment, ...] = ()


class Hearing(Protocol):
    """One loaded recogniser, or one of a server. Nothing that it does blocks the event loop."""

    name: str
    weight_bytes: int

    @property
    def bits(self) -> int:
        """Of a weight, as it is computed with; 0 of one that is not here."""
        ...

    @property
    def translates(self) -> bool:
        """Whether it can write down in English what is said in another language."""
        ...

    async def transcribe(
        self,
        data: bytes,
        *,
        language: str | None = None,
        likely: Sequence[str] = (),
        names: Sequence[str] = (),
        in_english: bool = False,
    ) -> Transcript:
        """The words of a voice note.

        `language` is an order, `likely` are the chat's languages, newest first, which decide where the ears are not
        sure; a model that knows only English ignores both. Chinese is written in their script, simplified unless they
        say otherwise. `names` are those that may be said, likeliest first. `in_english` is for ears that `translate`.

        UserError: audio_empty, audio_unreadable, audio_no_sound, audio_too_long, audio_silent, audio_only_english.
        RetryableError or PermanentError when they cannot.
        """
        ...

    async def close(self) -> None:
        """Give back threads and connections; idempotent."""
        ...


def confidence_of(segments: Sequence[Segment]) -> float:
    """The mean probability of a token, 0 to 1; 0 for words in a circle."""
    if any(segment.compression_ratio > _LOOPS for segment in segments):
        return 0.0
    tokens = [segment.tokens + 1 for segment in segments]
    total = sum(segment.mean_logprob * count for segment, count in zip(segments, tokens, strict=True))
    return math.exp(total / sum(tokens))


def sure_from(segments: Sequence[Segment]) -> float:
    """The confidence from which a Whisper's words are believed."""
    return _SURE if sum(segment.tokens for segment in segments) > _BRIEF_TOKENS else _SURE_BRIEF


def before(language: str, likely: Sequence[str], names: Sequence[str]) -> str | None:
    """What the decoder reads first: names that may be said, and the script of the chat."""
    plain = [" ".join(name.split()) for name in names]
    known = [name for name in dict.fromkeys(plain) if 0 < len(name) <= _LONGEST_NAME][:_MOST_NAMES]
    # The script last, which then counts most: 7 of 82 characters were wrong so, and 12 with the names last.
    return "。".join(filter(None, (", ".join(known), languages.example(language, likely)))) or None
