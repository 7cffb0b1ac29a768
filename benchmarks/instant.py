"""A model and a platform that take no time, so that what is left is Parley's own share; and Redis calls counted."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection

from core.lm.base import Capability, Piece, Request, Text, Usage, Utterance
from core.platform import Accept, Limits
from core.speech.synthesis import Speaking
from core.speech.transcription import WhisperHearing
from core.thinking import profiles
from core.thinking.engine import Engine
from core.values.channel import ChannelKey, MediaRef, Person, PlatformName
from core.values.parts import Sendable
from core.values.turn import Activity

ANSWERING = "You wrote: "


class InstantModel:
    """Answers at once."""

    name = "instant"
    context_tokens = 8192
    revision = ""
    capabilities: frozenset[Capability] = frozenset(("instructions",))
    weight_bytes = 0

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """One text, with words of its own: one that only repeats would be held back."""
        yield Text(f"{ANSWERING}{request.utterances[-1].text}")
        yield Usage(1, 1)

    def count_tokens(self, utterances: Sequence[Utterance]) -> int:
        """Words."""
        return sum(len(utterance.text.split()) + 4 for utterance in utterances)

    def forget(self, channel: str) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing to close."""


class InstantPlatform:
    """Takes every part at once and tells who waits for it."""

    name: PlatformName = "telegram"
    limits = Limits(text_units=4096, media_bytes=1)

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Event] = {}

    async def listen(self, accept: Accept) -> None:
        """Never called: the benchmark accepts."""

    async def fetch(self, media: MediaRef, cap_bytes: int) -> bytes:
        """Never called: nothing but text."""
        return b""

    async def send(self, part: Sendable) -> str:
        """Arrives at once."""
        self._waiting[part.turn].set()
        return part.nonce

    async def typing(self, channel: ChannelKey, activity: Activity = "typing") -> None:
        """Shown at once."""

    async def administers(self, channel: ChannelKey, person: Person) -> bool:
        """Everybody."""
        return True

    def expect(self, turn: str) -> None:
        """Before the message of this turn is accepted."""
        self._waiting[turn] = asyncio.Event()

    async def answered(self, turn: str) -> None:
        """Wait for the answer of a turn that was expected."""
        await self._waiting[turn].wait()
        del self._waiting[turn]


def engine() -> Engine:
    """Ears and voice are never used: nothing is heard, so nothing is loaded."""
    return Engine(
        InstantModel(), WhisperHearing.__new__(WhisperHearing), Speaking.__new__(Speaking), profiles.load("plain")
    )


class RoundTrips:
    """What this process sends to Redis, from its making on; a pipeline is one."""

    def __init__(self) -> None:
        self.count = 0
        send = AbstractConnection.send_packed_command

        async def counted(connection: AbstractConnection, *args: Any, **kwargs: Any) -> None:
            self.count += 1
            await send(connection, *args, **kwargs)

        AbstractConnection.send_packed_command = counted  # type: ignore[method-assign]
