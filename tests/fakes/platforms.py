"""A platform in memory: what was sent lies in a list."""

import asyncio
from typing import Any

from core.errors import PermanentError, UserError
from core.platform import Accept, Limits
from core.values.channel import ChannelKey, MediaRef, Person, PlatformName
from core.values.events import PlatformEvent
from core.values.parts import DraftPart, NoticePart, RemovalPart, Sendable, TextPart
from core.values.turn import Activity


class FakePlatform:
    def __init__(self, name: PlatformName = "telegram", limits: Limits | None = None) -> None:
        self.name: PlatformName = name
        self.limits = limits or Limits(text_units=4096, media_bytes=20 * 2**20)
        self.told: asyncio.Queue[PlatformEvent] = asyncio.Queue()
        self.sent: list[Any] = []  # parts of all kinds: a test knows which it looks at
        self.typed: list[ChannelKey] = []
        self.activities: list[Activity] = []
        self.files: dict[str, bytes] = {}
        self.errors: list[Exception] = []
        self.admins: set[str] = set()
        self.errors_for: dict[str, list[Exception]] = {}
        self.sending = 0
        self.gate: asyncio.Event | None = None

    async def listen(self, accept: Accept) -> None:
        """Hand on what is `told`; most tests accept for themselves."""
        while True:
            await accept(await self.told.get())

    async def fetch(self, media: MediaRef, cap_bytes: int) -> bytes:
        if media.handle not in self.files:
            raise PermanentError("gone")
        if len(self.files[media.handle]) > cap_bytes:
            raise UserError("file_too_big", limit_mb=cap_bytes // 2**20)
        return self.files[media.handle]

    async def send(self, part: Sendable) -> str:
        if errors := self.errors or self.errors_for.get(part.kind):
            raise errors.pop(0)
        if self.gate is not None:
            self.sending += 1
            await self.gate.wait()
        self.sent.append(part)
        if isinstance(part, RemovalPart):
            return ""
        replaced = part.replaces if isinstance(part, TextPart | NoticePart | DraftPart) else ""
        return replaced or f"sent-{part.nonce}"

    async def typing(self, channel: ChannelKey, activity: Activity = "typing") -> None:
        if errors := self.errors_for.get("typing"):
            raise errors.pop(0)
        self.typed.append(channel)
        self.activities.append(activity)

    async def administers(self, channel: ChannelKey, person: Person) -> bool:
        return person.id in self.admins

    def texts(self, channel: ChannelKey) -> list[str]:
        return [part.text for part in self.sent if part.channel == channel and isinstance(part, TextPart | NoticePart)]
