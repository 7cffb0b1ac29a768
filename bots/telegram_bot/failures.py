"""What goes wrong at Telegram in Parley's own errors: the one place where python-telegram-bot's are turned."""

import contextlib
from collections.abc import Generator
from datetime import timedelta

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from core.errors import ChannelGone, ChannelMoved, PermanentError, RetryableError, TooFast, Uncertain
from core.values.channel import ChannelKey


@contextlib.contextmanager
def translated(channel: ChannelKey | None = None) -> Generator[None]:
    """Telegram's errors as Parley's. Their text is Telegram's own sentence and holds neither token nor address."""
    try:
        yield
    except RetryAfter as error:
        wait = error.retry_after
        seconds = wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
        raise TooFast(f"Telegram asks to wait {seconds:.0f} s", seconds) from error
    except ChatMigrated as error:
        bot, _, _ = (channel.space if channel else "").partition(":")
        raise ChannelMoved(f"{bot}:{error.new_chat_id}") from error
    except Forbidden as error:
        raise ChannelGone(f"Telegram refuses: {error.message}") from error
    except (BadRequest, InvalidToken) as error:
        gone = says(error, "chat not found", "no rights to send", "not enough rights to send", "topic_closed")
        raise (ChannelGone if gone else PermanentError)(f"Telegram refuses: {error.message}") from error
    except TimedOut as error:
        raise Uncertain("Telegram did not answer in time", 2.0) from error
    except (NetworkError, Conflict) as error:
        # httpx's text may hold the address, which holds the token.
        raise RetryableError(f"Telegram cannot be reached ({type(error).__name__})", 2.0) from error
    except TelegramError as error:
        raise PermanentError(f"Telegram refuses: {error.message}") from error


def says(error: TelegramError, *words: str) -> bool:
    """Whether an error's sentence holds one of these, in lower case: Telegram has no finer codes."""
    return any(word in error.message.lower() for word in words)
