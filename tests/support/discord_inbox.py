"""A Discord platform that listens to a local Discord, and what it heard."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from bots.discord_bot.platform import DiscordPlatform
from bots.locales import Phrases
from core.errors import RetryableError
from core.values.events import Message, PlatformEvent
from tests.platforms.discord_server import DiscordServer

OGG = b"OggS" + bytes(range(256)) * 40


class Inbox:
    """Stores events in a list, refusing as often as it is told."""

    def __init__(self) -> None:
        self.events: list[PlatformEvent] = []
        self.refuse = 0

    async def accept(self, event: PlatformEvent) -> bool:
        if self.refuse:
            self.refuse -= 1
            raise RetryableError("no store", after_s=0.01)
        self.events.append(event)
        return True

    async def wait(self, count: int) -> list[PlatformEvent]:
        async with asyncio.timeout(5):
            while len(self.events) < count:
                await asyncio.sleep(0.005)
        return self.events

    async def message(self) -> Message:
        """The only event so far, a message."""
        [event] = await self.wait(1)
        assert isinstance(event, Message)
        return event


def platform_of(server: DiscordServer, token: str | None = None) -> DiscordPlatform:
    return DiscordPlatform(
        token or server.token,
        api_base=server.api,
        gateway=server.gateway,
        phrases=Phrases(),
        identify_gap_s=0.02,
    )


@contextlib.asynccontextmanager
async def listening(platform: DiscordPlatform, server: DiscordServer) -> AsyncGenerator[Inbox]:
    inbox = Inbox()
    running = asyncio.create_task(platform.listen(inbox.accept))
    try:
        await server.wait_ready()
        yield inbox
    finally:
        running.cancel()
        await asyncio.wait((running,))
