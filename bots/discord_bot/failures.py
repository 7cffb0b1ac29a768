"""What goes wrong at Discord in Parley's own errors: the one place where discord.py's and aiohttp's are turned."""

from collections.abc import Generator
from contextlib import contextmanager

import aiohttp
import discord

from core.errors import AssistantError, ChannelGone, PermanentError, RetryableError, SettingError, TooFast

_SETTING = "DISCORD_TOKEN"
_REFUSED_TOKEN = ("a token that Discord refuses", "the bot token from discord.com/developers")
_BANNED_S = 60.0  # discord/http.py: a 429 without `Via` comes from Cloudflare; asking on prolongs the ban
_SERVER_S, _CONNECTION_S = 5.0, 1.0
_REASON_CHARS = 200
_GONE = (10003, 50001, 50007, 50013, 50278, 160005)
"""Unknown channel, no access, closed direct messages, no permission, no common server, locked thread
(developers/topics/opcodes-and-status-codes)."""


@contextmanager
def discord_errors(doing: str) -> Generator[None]:
    """Turn the errors of discord.py, aiohttp and the network; `doing` begins the reason.

    A bot without a privileged intent is no trouble: whoever listens does with less.
    """
    try:
        yield
    except discord.PrivilegedIntentsRequired:
        raise
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        raise explain(error, doing) from error


def explain(error: Exception, doing: str) -> AssistantError:
    """The error to raise instead."""
    match error:
        case discord.LoginFailure():
            return SettingError(_SETTING, *_REFUSED_TOKEN)
        case discord.ConnectionClosed():
            return _explain_close(error, doing)
        case discord.RateLimited():
            return TooFast(f"{doing}: too many requests", error.retry_after)
        case discord.GatewayNotFound():
            return RetryableError(f"{doing}: Discord has no gateway right now", _SERVER_S)
        case discord.HTTPException():
            return _explain_answer(error, doing)
        case aiohttp.ClientError() | OSError():
            return RetryableError(f"{doing}: {_short(error)}", _CONNECTION_S)
        case _:
            return PermanentError(f"{doing}: {_short(error)}")


def _explain_close(error: discord.ConnectionClosed, doing: str) -> AssistantError:
    if error.code == 4004:
        return SettingError(_SETTING, *_REFUSED_TOKEN)
    # developers/topics/opcodes-and-status-codes: wrong shard, sharding required, wrong version, unknown intents.
    if error.code in (4010, 4011, 4012, 4013):
        return PermanentError(f"{doing}: Discord closed the connection with code {error.code}")
    return RetryableError(f"{doing}: Discord closed the connection with code {error.code}", _SERVER_S)


def _explain_answer(error: discord.HTTPException, doing: str) -> AssistantError:
    reason = f"{doing}: Discord answered {_short(error)}"
    if error.status == 429:
        told = error.response.headers.get("Retry-After", "")
        return TooFast(reason, float(told) if told.replace(".", "", 1).isdigit() else _BANNED_S)
    if error.status >= 500:
        return RetryableError(reason, _SERVER_S)
    return ChannelGone(reason) if error.code in _GONE else PermanentError(reason)


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:_REASON_CHARS]
