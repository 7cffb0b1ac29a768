"""What a chat platform is to Parley: four methods and a record of limits.

`send`, `fetch` and `typing` need nothing but requests, so that a worker on another machine can answer without a
connection of its own to the platform's event stream.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from core.message import ChannelKey, MediaRef, Message, Part, PlatformName, Reaction

Accept = Callable[[Message | Reaction], Awaitable[bool]]
"""Stores one event and returns whether it is new; RetryableError when it could not be stored."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a platform can carry.

    text_units: UTF-16 code units in one text. media_bytes: the largest file that can be fetched. drafts: whether
    `send` shows growing answers. shows_heard: whether a transcript has a place of its own beside the text.
    typing_every_s: how often the typing sign must be repeated. mentions_ping: whether an @name in plain text pings its
    owner, so that it must be defused.
    """

    text_units: int
    media_bytes: int
    drafts: bool = False
    shows_heard: bool = False
    typing_every_s: float = 4.0
    mentions_ping: bool = False


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

    async def send(self, part: Part) -> str:
        """Send one part and return its platform id ("" for what has none); PermanentError when it can never arrive."""
        ...

    async def typing(self, channel: ChannelKey) -> None:
        """Show that an answer is being made; best effort."""
        ...
