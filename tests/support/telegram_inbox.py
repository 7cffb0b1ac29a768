"""A Telegram platform that listens to a local Telegram, and what it heard."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from bots.locales import Phrases
from bots.telegram_bot.platform import TelegramPlatform
from core.errors import RetryableError
from core.values.channel import ChannelKey
from core.values.events import Message, PlatformEvent
from tests.platforms.telegram_server import TOKEN, TelegramServer

HERE = ChannelKey("telegram", "42:7")


class Inbox:
    """An `accept` in memory that can refuse."""

    def __init__(self) -> None:
        self.events: list[PlatformEvent] = []
        self.refuse = 0

    async def accept(self, event: PlatformEvent) -> bool:
        if self.refuse:
            self.refuse -= 1
            raise RetryableError("Redis is away")
        self.events.append(event)
        return True

    async def wait(self, count: int) -> list[PlatformEvent]:
        async with asyncio.timeout(10):
            while len(self.events) < count:
                await asyncio.sleep(0.01)
        return self.events

    async def messages(self, count: int) -> list[Message]:
        return [event for event in await self.wait(count) if isinstance(event, Message)]


def platform(telegram: TelegramServer, token: str = TOKEN) -> TelegramPlatform:
    return TelegramPlatform(token, api_base=telegram.base, phrases=Phrases())


@contextlib.asynccontextmanager
async def listening(bot: TelegramPlatform, inbox: Inbox) -> AsyncGenerator[None]:
    before = asyncio.all_tasks()
    task = asyncio.create_task(bot.listen(inbox.accept))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert asyncio.all_tasks() <= before


async def heard(telegram: TelegramServer, count: int) -> list[PlatformEvent]:
    inbox = Inbox()
    async with listening(platform(telegram), inbox):
        await inbox.wait(count)
        await telegram.wait_quiet(0.2)
    return inbox.events
