"""What a chat platform is to Parley: five methods and a record of limits.

All but `listen` need nothing but requests, so that a worker on another machine can answer without a
connection of its own to the platform's event stream.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.values.channel import ChannelKey, MediaRef, Person, PlatformName
from core.values.events import PlatformEvent
from core.values.parts import Sendable
from core.values.turn import Activity


@dataclass(frozen=True, slots=True)
class Budget:
    """One send every `every_s` seconds in the long run, `burst` at once; `name` "" is the channel's own."""

    every_s: float
    burst: int
    name: str = ""


Accept = Callable[[PlatformEvent], Awaitable[bool]]
"""Stores one event and returns whether it is new; RetryableError when it could not be stored."""


def _unlimited(_: ChannelKey) -> Sequence[Budget]:
    return ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a platform can carry.

    text_units: UTF-16 code units in one text. media_bytes: the largest file that can be fetched. draft_gap_s: the
    pause between two drafts of a growing answer, None where `send` shows none; draft_fades_s: after how long a draft
    must be repeated to stay visible, None when it stays. shows_transcript: whether a transcript has a place of its own
    beside the text. typing_every_s: how often the typing sign must be repeated. mentions_ping: whether an @name in
    plain text pings its owner, so that it must be defused. draws_tables: whether Markdown's tables are left
    to it. idempotent: whether a part that is sent twice is seen once.
    budgets: how fast a channel may be sent to.
    """

    text_units: int
    media_bytes: int
    draft_gap_s: float | None = None
    draft_fades_s: float | None = None
    shows_transcript: bool = False
    typing_every_s: float = 4.0
    mentions_ping: bool = False
    draws_tables: bool = False
    budgets: Callable[[ChannelKey], Sequence[Budget]] = _unlimited
    idempotent: bool = False


class Platform(Protocol):
    """One place where people talk."""

    @property
    def name(self) -> PlatformName:
        """The platform of the channels that it serves."""
        ...

    @property
    def limits(self) -> Limits:
        """What it can carry."""
        ...

    async def listen(self, accept: Accept) -> None:
        """Hand every event to `accept` until cancelled; acknowledge to the platform only what `accept` has stored."""
        ...

    async def fetch(self, media: MediaRef, cap_bytes: int) -> bytes:
        """The file's bytes; UserError when it is larger than the cap, PermanentError when it is gone for good."""
        ...

    async def send(self, part: Sendable) -> str:
        """Send one part and return its platform id ("" for what has none).

        A text or a notice that replaces a message is an edit of it, and its id is returned.
        PermanentError when it can never arrive, ChannelGone when no other can either, VoiceForbidden when no voice note
        can, Uncertain when it is not known whether it did.
        """
        ...

    async def typing(self, channel: ChannelKey, activity: Activity = "typing") -> None:
        """Show that an answer is being made, or recorded; best effort."""
        ...

    async def administers(self, channel: ChannelKey, person: Person) -> bool:
        """Whether a person may change what concerns everybody in a channel; RetryableError when nobody can say."""
        ...


class Words(Protocol):
    """What Parley says itself."""

    def say(self, key: str, language: str, /, **params: object) -> str:
        """The phrase of this key with its blanks filled, in the nearest language there is."""
        ...

    def command(self, name: str, language: str) -> str:
        """What a command does, in a few words."""
        ...
