"""What was said on Discord while nobody listened: a session that begins anew brings nothing of it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import discord

from bots.discord_bot.failures import discord_errors
from bots.discord_bot.last_seen import LastSeen, Mark
from bots.discord_bot.receive import to_message
from core.errors import PermanentError, RetryableError
from core.telemetry import log
from core.values.events import Message

_LOG = log("discord")
_MOST = 100
_OLDEST_S = 24 * 3600
_TRIES = 3
_COMPLETE_S = 15.0
Storing = Callable[[Message], Awaitable[None]]


class Session:
    """A session of one shard began: what was said before it has to be read, and before what it brings.

    `complete` is set once Discord has told of the shard's servers, so that their channels are known.
    """

    def __init__(self, client: discord.Client, complete: asyncio.Event) -> None:
        self.client = client
        self.complete = complete


async def catch_up(session: Session, me: int, last_seen: LastSeen | None, store: Storing) -> None:
    """Store what was said in active channels while nobody listened; what is known already is dropped there.

    What the session brings waits meanwhile: it would move the marks from which the rest is read.
    """
    if last_seen is None:
        return
    marks = await _marks(last_seen)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_COMPLETE_S):
            await session.complete.wait()
    for mark in marks:
        if session.client.is_closed():
            return  # the next session reads it
        await _read(session.client, mark, me, store)


async def _marks(last_seen: LastSeen) -> list[Mark]:
    while True:
        try:
            return await last_seen.recent()
        except RetryableError as error:
            _LOG.warning("what was said meanwhile is not read yet: %s", error)
            await asyncio.sleep(error.after_s)


async def _read(client: discord.Client, mark: Mark, me: int, store: Storing) -> None:
    for _ in range(_TRIES):
        try:
            with discord_errors("reading what was said meanwhile"):
                for told in await _said_since(client, mark):
                    if (message := to_message(told, me)) is not None:
                        await store(message)
            return
        except RetryableError as error:
            _LOG.warning("channel %d: %s", mark.channel, error)
            await asyncio.sleep(error.after_s)
        except PermanentError as error:
            return _LOG.info("channel %d: %s", mark.channel, error)
    _LOG.error("channel %d: what was said meanwhile could not be read", mark.channel)


async def _said_since(client: discord.Client, mark: Mark) -> list[discord.Message]:
    """The latest messages, oldest first: in a busy channel more was said than is read."""
    oldest = discord.utils.utcnow() - timedelta(seconds=_OLDEST_S)
    after = max(mark.message, discord.utils.time_snowflake(oldest))
    if mark.direct:
        channel = client.get_partial_messageable(mark.channel, type=discord.ChannelType.private)
    else:
        found = client.get_channel(mark.channel) or await client.fetch_channel(mark.channel)
        if not isinstance(found, discord.abc.Messageable):
            return []
        channel = found
    latest = channel.history(after=discord.Object(after), limit=_MOST, oldest_first=False)
    return [told async for told in latest][::-1]
