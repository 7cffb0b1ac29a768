"""From Parley's parts to Telegram's calls."""

from binascii import crc32
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import assert_never

from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    MessageEntity,
    ReplyParameters,
)
from telegram.constants import ChatAction, ChatMemberStatus, MessageLimit
from telegram.error import BadRequest

from bots.locales import Phrases
from bots.telegram_bot.failures import says, translated
from bots.telegram_bot.markdown import formatted
from bots.telegram_bot.receive import RETRY, THUMBS
from core.errors import ChannelGone, PermanentError, UserError, VoiceForbidden
from core.platform import Budget
from core.text.splitting import split, units
from core.values.channel import ChannelKey, MediaRef, Person
from core.values.parts import DraftPart, FilePart, NoticePart, RemovalPart, Sendable, TextPart, VoicePart
from core.values.turn import Activity

_MIB = 2**20
_UPLOAD_S = 60.0
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_BUTTONS = (*((thumb, thumb) for thumb in THUMBS), ("↻", RETRY))
_KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=data) for label, data in _BUTTONS]])
"""Reactions in private chats do not reach every bot, buttons do."""


def where(channel: ChannelKey) -> tuple[int, int | None]:
    """Chat id and topic id of a channel."""
    _, _, chat = channel.space.partition(":")
    return int(chat), int(channel.thread) if channel.thread else None


def budgets(channel: ChannelKey) -> tuple[Budget, ...]:
    """One message a second in a chat, 20 a minute in a group, 30 a second in all (core.telegram.org/bots/faq)."""
    chat, _ = where(channel)
    own = Budget(every_s=1.0, burst=5) if chat > 0 else Budget(every_s=3.0, burst=20)
    return own, Budget(every_s=1 / 30, burst=30, name=channel.space.partition(":")[0])


async def send(bot: Bot, part: Sendable, phrases: Phrases) -> str:
    """Send one part; the message's id, or "" for what has none."""
    with translated(part.channel):
        match part:
            case TextPart() | FilePart() if part.private_to:
                return await _send_privately(bot, part, phrases)
            case TextPart() | NoticePart():
                return await _edit_text(bot, part) if part.replaces else await _send_text(bot, part)
            case FilePart():
                return await _send_document(bot, part)
            case VoicePart():
                return await _send_voice(bot, part)
            case DraftPart():
                return await _send_draft(bot, part)
            case RemovalPart():
                return await _remove(bot, part)
            case _:
                assert_never(part)


async def _send_privately(bot: Bot, part: TextPart | FilePart, phrases: Phrases) -> str:
    """To the one person's own chat; when the bot may not write there, the group hears how to open it.

    Its id is none of this channel's, where the same number is another message.
    """
    own, _, _ = part.channel.space.partition(":")
    aside = replace(part, channel=ChannelKey("telegram", f"{own}:{part.private_to}"), reply_to="", private_to="")
    try:
        await send(bot, aside, phrases)
    except ChannelGone:
        hint = phrases.say("write_privately_first", part.language)
        told = NoticePart(part.turn, part.index, part.channel, hint, reply_to=part.reply_to, language=part.language)
        await send(bot, told, phrases)
    return ""


def _content(part: TextPart | NoticePart) -> tuple[str, Sequence[MessageEntity]]:
    if isinstance(part, NoticePart):
        return part.text, ()
    text, entities = formatted(part.text)
    return (text, entities) if units(text) <= MessageLimit.MAX_TEXT_LENGTH else (part.text, ())


def _keyboard(part: TextPart | NoticePart) -> InlineKeyboardMarkup | None:
    return _KEYBOARD if isinstance(part, TextPart) and part.rateable else None


async def _send_text(bot: Bot, part: TextPart | NoticePart) -> str:
    text, entities = _content(part)
    chat, topic = where(part.channel)
    while True:
        try:
            sent = await bot.send_message(
                chat,
                text,
                entities=entities or None,
                message_thread_id=topic,
                link_preview_options=_NO_PREVIEW,
                reply_parameters=_reply_to(part) if chat < 0 else None,
                reply_markup=_keyboard(part),
            )
        except BadRequest as error:
            if topic is not None and says(error, "thread not found"):
                topic = None
            elif entities and says(error, "entit"):
                text, entities = part.text, ()
            else:
                raise
        else:
            return str(sent.message_id)


async def _edit_text(bot: Bot, part: TextPart | NoticePart) -> str:
    text, entities = _content(part)
    while True:
        try:
            await bot.edit_message_text(
                text,
                where(part.channel)[0],
                int(part.replaces),
                entities=entities or None,
                link_preview_options=_NO_PREVIEW,
                reply_markup=_keyboard(part),
            )
        except BadRequest as error:
            if says(error, "to edit not found", "can't be edited"):
                return await _send_text(bot, part)
            if says(error, "no text in the message"):  # a voice note of the answer that this one replaces
                await _remove(bot, RemovalPart(part.turn, part.index, part.channel, part.replaces))
                return await _send_text(bot, part)
            if entities and says(error, "entit"):
                text, entities = part.text, ()
                continue
            if not says(error, "not modified"):
                raise
        return part.replaces


async def _send_draft(bot: Bot, part: DraftPart) -> str:
    """A growing answer, which Telegram shows in private chats until the message comes or half a minute has passed."""
    chat, topic = where(part.channel)
    if chat < 0:
        raise PermanentError("groups have no drafts")
    heard = f"🎧 “{part.transcript}”\n\n" if part.transcript else ""
    draft = crc32(part.turn.encode()) % (2**31 - 1) + 1
    text = next(split(heard + part.text, MessageLimit.MAX_TEXT_LENGTH), "…")
    await bot.send_message_draft(chat, draft, text, message_thread_id=topic)
    return ""


async def _remove(bot: Bot, part: RemovalPart) -> str:
    try:
        await bot.delete_message(where(part.channel)[0], int(part.replaces))
    except BadRequest as error:
        if not says(error, "not found", "can't be deleted"):
            raise
    return ""


def _reply_to(part: TextPart | NoticePart | FilePart) -> ReplyParameters | None:
    if not part.reply_to:
        return None
    return ReplyParameters(int(part.reply_to), allow_sending_without_reply=True)


async def _send_voice(bot: Bot, part: VoicePart) -> str:
    chat, topic = where(part.channel)
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
        # A Premium setting of the reader, or a rule of the group.
        if says(error, "voice_messages_forbidden", "rights to send voice"):
            raise VoiceForbidden(f"{part.channel} takes no voice notes") from error
        raise
    return str(sent.message_id)


async def _send_document(bot: Bot, part: FilePart) -> str:
    chat, topic = where(part.channel)
    sent = await bot.send_document(
        chat,
        part.document.data,
        caption=part.text,
        filename=part.document.name,
        message_thread_id=topic,
        reply_parameters=_reply_to(part) if chat < 0 else None,
        read_timeout=_UPLOAD_S,
        write_timeout=_UPLOAD_S,
    )
    return str(sent.message_id)


async def show(bot: Bot, channel: ChannelKey, activity: Activity) -> None:
    """Show a sign for five seconds."""
    chat, topic = where(channel)
    action = ChatAction.RECORD_VOICE if activity == "recording" else ChatAction.TYPING
    with translated(channel):
        await bot.send_chat_action(chat, action, message_thread_id=topic)


async def administers(bot: Bot, channel: ChannelKey, person: Person) -> bool:
    """Whether a person owns or administers the chat; everybody does their private one."""
    chat, _ = where(channel)
    if chat > 0:
        return True
    with translated(channel):
        member = await bot.get_chat_member(chat, int(person.id))
    return member.status in (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)


async def fetch(bot: Bot, media: MediaRef, cap_bytes: int) -> bytes:
    """A file's bytes; UserError file_too_big above the cap or Telegram's own 20 MB."""
    too_big = UserError("file_too_big", limit_mb=cap_bytes // _MIB)
    with translated():
        try:
            file = await bot.get_file(media.handle)
        except BadRequest as error:
            if says(error, "too big"):
                raise too_big from error
            raise
        if (file.file_size or 0) > cap_bytes:
            raise too_big
        return bytes(await file.download_as_bytearray(read_timeout=_UPLOAD_S))
