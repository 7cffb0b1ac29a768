"""What was said at Discord while nobody listened: read from the channels that were active, as far back as a day."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import discord

from bots.discord_bot.failures import discord_errors
from bots.discord_bot.heard import Heard, Mark
from bots.discord_bot.receive import to_message
from core.errors import PermanentError, RetryableError
from core.message import Event
from core.telemetry import log

_LOG = log("discord")
_MOST = 100
_BACK_S = 24 * 3600
Keep = Callable[[Event], Awaitable[None]]


async def catch_up(client: discord.Client, me: int, keep: Keep, heard: Heard | None) -> None:
    """Keep what was said in active channels while nobody listened; what is known already is dropped there."""
    try:
        marks = await heard.recent() if heard is not None else []
    except RetryableError as error:
        return _LOG.warning("what was said meanwhile is not read: %s", error)
    for mark in marks:
        try:
            with discord_errors("reading what was said meanwhile"):
                for told in await _said_since(client, mark):
                    if (message := to_message(told, me)) is not None:
                        await keep(message)
        except (RetryableError, PermanentError) as error:
            _LOG.info("channel %d: %s", mark.channel, error)


async def _said_since(client: discord.Client, mark: Mark) -> list[discord.Message]:
    """The latest messages, oldest first: in a busy channel more was said than is read."""
    oldest = discord.utils.utcnow() - timedelta(seconds=_BACK_S)
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
