"""From Parley's parts to Telegram's calls, and Telegram's errors to Parley's: the one place for them."""

import contextlib
from collections.abc import Generator
from datetime import timedelta
from math import ceil

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters
from telegram.constants import ChatAction
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bots.telegram_bot.receive import THUMBS
from core.errors import PermanentError, RetryableError, UserError
from core.message import ChannelKey, MediaRef, Part
from core.telemetry import VOICE_FAILURES, log

_LOG = log("telegram")
_MIB = 2**20
_UPLOAD_S = 60.0
_KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton(thumb, callback_data=thumb) for thumb in THUMBS]])
"""Reactions in private chats do not reach every bot, buttons do."""


@contextlib.contextmanager
def translated() -> Generator[None]:
    """Telegram's errors as Parley's. Their text is Telegram's own sentence and holds neither token nor address."""
    try:
        yield
    except RetryAfter as error:
        wait = error.retry_after
        seconds = wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
        raise RetryableError(f"Telegram asks to wait {seconds:.0f} s", seconds) from error
    except (BadRequest, Forbidden, ChatMigrated, InvalidToken) as error:
        raise PermanentError(f"Telegram refuses: {error.message}") from error
    except (NetworkError, Conflict) as error:
        # httpx's text may hold the address, which holds the token.
        raise RetryableError(f"Telegram cannot be reached ({type(error).__name__})", 2.0) from error
    except TelegramError as error:
        raise PermanentError(f"Telegram refuses: {error.message}") from error


def where(channel: ChannelKey) -> tuple[int, int | None]:
    """Chat id and topic id of a channel."""
    _, _, chat = channel.space.partition(":")
    return int(chat), int(channel.thread) if channel.thread else None


async def send(bot: Bot, part: Part) -> str:
    """Send one part; the message's id, or "" for a voice note that its reader does not accept."""
    with translated():
        return await _send_voice(bot, part) if part.voice is not None else await _send_text(bot, part)


async def _send_text(bot: Bot, part: Part) -> str:
    chat, topic = where(part.channel)
    in_group = chat < 0
    sent = await bot.send_message(
        chat,
        part.text,
        message_thread_id=topic,
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        reply_parameters=_reply_to(part) if in_group else None,
        reply_markup=_KEYBOARD if part.rateable else None,
    )
    return str(sent.message_id)


def _reply_to(part: Part) -> ReplyParameters | None:
    if not part.reply_to:
        return None
    return ReplyParameters(int(part.reply_to), allow_sending_without_reply=True)


async def _send_voice(bot: Bot, part: Part) -> str:
    chat, topic = where(part.channel)
    assert part.voice is not None
    try:
        sent = await bot.send_voice(
            chat,
            part.voice.ogg,
            message_thread_id=topic,
            filename="reply.ogg",
            duration=timedelta(seconds=max(1, ceil(part.voice.duration_s))),
            read_timeout=_UPLOAD_S,
            write_timeout=_UPLOAD_S,
        )
    except BadRequest as error:
        # A Premium setting of the reader; the text has arrived before this part.
        if "voice_messages_forbidden" not in error.message.lower():
            raise
        VOICE_FAILURES.inc()
        _LOG.info("%s accepts no voice notes", part.channel)
        return ""
    return str(sent.message_id)


async def typing(bot: Bot, channel: ChannelKey) -> None:
    """Show the typing sign for five seconds."""
    chat, topic = where(channel)
    with translated():
        await bot.send_chat_action(chat, ChatAction.TYPING, message_thread_id=topic)


async def fetch(bot: Bot, media: MediaRef, cap_bytes: int) -> bytes:
    """A file's bytes; UserError file_too_big above the cap or Telegram's own 20 MB."""
    too_big = UserError("file_too_big", limit_mb=cap_bytes // _MIB)
    with translated():
        try:
            file = await bot.get_file(media.handle)
        except BadRequest as error:
            if "too big" in error.message.lower():
                raise too_big from error
            raise
        if (file.file_size or 0) > cap_bytes:
            raise too_big
        return bytes(await file.download_as_bytearray(read_timeout=_UPLOAD_S))
