"""What a Telegram message carries: files, which stay references, and the earlier message that it answers. Pure."""

from collections.abc import Iterator
from datetime import timedelta

from telegram import (
    Chat,
    Document,
    ExternalReplyInfo,
    MessageOrigin,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
    User,
)
from telegram import Message as TelegramMessage

from core.values.channel import MediaRef, Quote


def media_of(message: TelegramMessage | ExternalReplyInfo) -> Iterator[MediaRef]:
    """Its files. Sizes and durations are "as defined by the sender" (core.telegram.org/bots/api#voice)."""
    for sound in (message.voice, message.audio, message.video_note, message.video):
        if sound is not None:
            name = getattr(sound, "file_name", None) or ""
            yield MediaRef("audio", sound.file_id, name, sound.file_size, _seconds(sound.duration))
    if message.photo:
        yield MediaRef("image", message.photo[-1].file_id, size_bytes=message.photo[-1].file_size)
    # An animation comes with a document of the same file.
    if message.document is not None:
        yield _document(message.document)
    elif message.sticker is not None:
        yield MediaRef("other", message.sticker.file_id)


def quote_of(message: TelegramMessage, me: int) -> Quote | None:
    """The earlier message that a message answers, of the bot `me` or of a person; of a chosen part, that part alone."""
    chosen = message.quote.text if message.quote is not None else ""
    answered, elsewhere = message.reply_to_message, message.external_reply
    if answered is not None and not opens_topic(answered):
        author = answered.from_user
        text = chosen or answered.text or answered.caption or ""
        own = author is not None and author.id == me
        ref = "" if chosen else str(answered.message_id)
        who = answered.sender_chat or author
        quote = Quote(_name(who), text, tuple(media_of(answered)), own, ref, _person(who))
    elif elsewhere is not None:
        origin = elsewhere.origin
        who = origin.sender_user if isinstance(origin, MessageOriginUser) else None
        quote = Quote(_origin(origin), chosen, tuple(media_of(elsewhere)), person=_person(who))
    else:
        return None
    return quote if quote.text or quote.media else None


def forwarded_from(message: TelegramMessage) -> str | None:
    """Whose message it is that somebody passed on, "" when that is not told; None for one of their own."""
    return None if message.forward_origin is None else _origin(message.forward_origin)


def opens_topic(message: TelegramMessage) -> bool:
    """Whether it opened a topic: formally each message there is a reply to it."""
    return message.forum_topic_created is not None


def _name(who: User | Chat | None) -> str:
    if who is None:
        return ""
    # A deleted account has no name at all.
    return (who.full_name if isinstance(who, User) else who.effective_name) or ""


def _person(who: User | Chat | None) -> str:
    return str(who.id) if isinstance(who, User) else ""


def _origin(origin: MessageOrigin) -> str:
    match origin:
        case MessageOriginUser():
            return _name(origin.sender_user)
        case MessageOriginHiddenUser():
            return origin.sender_user_name
        case MessageOriginChat():
            return _name(origin.sender_chat)
        case MessageOriginChannel():
            return _name(origin.chat)
        case _:
            return ""


def _seconds(duration: int | timedelta) -> float:
    return duration.total_seconds() if isinstance(duration, timedelta) else float(duration)


def _document(document: Document) -> MediaRef:
    kind = (document.mime_type or "").split("/")[0]
    name, size = document.file_name or "", document.file_size
    if kind in ("audio", "video"):
        return MediaRef("audio", document.file_id, name, size)
    return MediaRef("image" if kind == "image" else "other", document.file_id, name, size)
