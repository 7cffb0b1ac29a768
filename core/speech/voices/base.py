"""What a voice is to Parley: one method. `core.speech.synthesis` makes a voice note of what it says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from core.speech.audio import Waveform

MAX_SPEECH_S = 60
"""The text beside a note has the rest."""
_PAUSE_S = 0.35
"""Between sentences that are made one by one."""


@dataclass(frozen=True, slots=True)
class Sound:
    """float32[T], mono, -1..1."""

    samples: Waveform
    rate_hz: int


class Voice(Protocol):
    """One loaded voice. Nothing that it does blocks the event loop."""

    @property
    def name(self) -> str:
        """As the owner chose it."""
        ...

    async def say(self, sentences: Sequence[str], language: str) -> Sound:
        """The sentences, about a minute at most. Without Markdown; `language` is a BCP 47 tag.

        RetryableError or PermanentError when it cannot.
        """
        ...

    async def close(self) -> None:
        """Give back threads and connections; idempotent."""
        ...


def one_by_one(pieces: Iterable[Waveform], rate_hz: int) -> Sound:
    """Sentence after sentence until the next would pass the limit; a first one that passes it alone is cut."""
    room = MAX_SPEECH_S * rate_hz
    taken: list[Waveform] = []
    for piece in pieces:
        if taken:
            piece = np.concatenate([np.zeros(int(_PAUSE_S * rate_hz), np.float32), piece])
            if len(piece) > room:
                break
        taken.append(piece[:room])
        room -= len(taken[-1])
    return Sound(np.concatenate(taken) if taken else np.zeros(0, np.float32), rate_hz)
