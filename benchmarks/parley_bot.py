"""Parley on Telegram with an instant model, the other bot: `python -m benchmarks.parley_bot BASE DIR`.

Everything else is the product's own. Telegram's pace of one message a second in a chat and 30 in all is lifted, because
the echo bot knows none; what it costs to keep account of it is still paid. A line on stdin is answered with the number
of Redis round trips so far.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import uvloop

from benchmarks import instant
from bots.app import App
from bots.locales import Phrases
from bots.telegram_bot.platform import TelegramPlatform
from core.platform import Budget
from core.store.redis import open_store
from core.text.language import language_of
from core.thinking.engines import Engines
from core.values.channel import ChannelKey
from tests.platforms.telegram_server import TOKEN
from tests.support.settings import settings_of


class InstantApp(App):
    """Parley without models to load."""

    @contextlib.asynccontextmanager
    async def engines(self) -> AsyncGenerator[Engines, None]:
        """The instant one."""
        await asyncio.to_thread(language_of, "warm-up")
        yield Engines.of(instant.engine())


def unpaced(channel: ChannelKey) -> Sequence[Budget]:
    """As many budgets as Telegram's, which nothing exhausts."""
    return tuple(replace(budget, every_s=0.001, burst=1000) for budget in TelegramPlatform.limits.budgets(channel))


async def main(base: str, folder: str) -> None:
    """Run until killed."""
    trips = instant.RoundTrips()
    settings = settings_of(access="open", telegram_token=TOKEN, telegram_api_base=base)
    platform = TelegramPlatform(TOKEN, api_base=base, phrases=Phrases())
    platform.limits = replace(platform.limits, budgets=unpaced)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with open_store("", Path(folder)) as store:
        running = asyncio.create_task(InstantApp(settings, store).run({"telegram": platform}))
        while await lines.readline():
            print(trips.count, flush=True)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
