"""From Telegram's updates to Parley's events. Pure: voice and images stay references."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from telegram import (
    CallbackQuery,
    Document,
    MessageEntity,
    MessageReactionUpdated,
    ReactionType,
    ReactionTypeEmoji,
    Update,
    User,
)
from telegram import Message as TelegramMessage
from telegram.constants import ChatType

from core.message import ChannelKey, Edit, Event, MediaRef, Message, Move, Person, Reaction

THUMBS = ("👍", "👎")


class Me(NamedTuple):
    """The bot itself: user id, and username without the @."""

    id: int
    username: str


def to_event(update: Update, me: Me) -> Event | None:
    """What an update means to Parley; None for what is not for it."""
    event_id = f"{me.id}:{update.update_id}"
    if update.message is not None:
        return _move(update.message, event_id, me) or _message(update.message, event_id, me)
    if update.edited_message is not None:
        changed = _message(update.edited_message, event_id, me)
        return Edit(event_id, changed.channel, changed) if changed is not None else None
    if update.message_reaction is not None:
        return _reaction(update.message_reaction, event_id, me)
    if update.callback_query is not None:
        return _press(update.callback_query, event_id, me)
    return None


def _move(message: TelegramMessage, event_id: str, me: Me) -> Move | None:
    """A group that became a supergroup, as the old one tells it."""
    if message.migrate_to_chat_id is None:
        return None
    old, new = (ChannelKey("telegram", f"{me.id}:{chat}") for chat in (message.chat.id, message.migrate_to_chat_id))
    return Move(event_id, old, new)


def _message(message: TelegramMessage, event_id: str, me: Me) -> Message | None:
    # Telegram can deliver other bots' messages: two assistants would talk to each other for ever.
    if message.from_user is None or message.from_user.is_bot:
        return None
    group = message.chat.type != ChatType.PRIVATE
    text = message.text or message.caption or ""
    media = tuple(_media(message))
    if not (text or media) or (group and not _addressed(message, me)):
        return None
    # In an ordinary supergroup message_thread_id is the root of a reply chain, not a topic.
    topic = str(message.message_thread_id or "") if message.is_topic_message else ""
    return Message(
        id=event_id,
        channel=ChannelKey("telegram", f"{me.id}:{message.chat.id}", topic),
        sender=_person(message.from_user),
        sent_at=message.date.timestamp(),
        text=text,
        media=media,
        ref=str(message.message_id),
        group=group,
        mentions=tuple((mention, "") for mention in _own_mentions(message, me)),
        album=message.media_group_id or "",
    )


def _person(user: User) -> Person:
    # A deleted account has no name at all.
    return Person(str(user.id), user.full_name or "", user.language_code or "")


def _addressed(message: TelegramMessage, me: Me) -> bool:
    answered = message.reply_to_message
    if answered is not None and answered.from_user is not None and answered.from_user.id == me.id:
        # Each message of a topic that the bot opened is formally a reply to the opening.
        return answered.forum_topic_created is None
    return bool(_own_mentions(message, me)) or _commanded(message, me)


def _entities(message: TelegramMessage) -> dict[MessageEntity, str]:
    """Each mark and the text under it. The library's own reading raises when a mark ends within an emoji."""
    units = (message.text or message.caption or "").encode("utf-16-le", "surrogatepass")
    marks = message.entities or message.caption_entities
    return {
        mark: units[2 * mark.offset : 2 * (mark.offset + mark.length)].decode("utf-16-le", "ignore") for mark in marks
    }


def _own_mentions(message: TelegramMessage, me: Me) -> list[str]:
    own: list[str] = []
    for entity, text in _entities(message).items():
        by_name = entity.type == MessageEntity.MENTION and text.lower() == f"@{me.username}".lower()
        by_user = entity.type == MessageEntity.TEXT_MENTION and entity.user is not None and entity.user.id == me.id
        if by_name or by_user:
            own.append(text)
    return own


def _commanded(message: TelegramMessage, me: Me) -> bool:
    for entity, text in _entities(message).items():
        if entity.type == MessageEntity.BOT_COMMAND and entity.offset == 0:
            _, _, addressee = text.partition("@")
            return addressee.lower() in ("", me.username.lower())
    return False


def _media(message: TelegramMessage) -> Iterator[MediaRef]:
    # Sizes and durations are "as defined by the sender" (core.telegram.org/bots/api#voice).
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


def _seconds(duration: int | timedelta) -> float:
    return duration.total_seconds() if isinstance(duration, timedelta) else float(duration)


def _document(document: Document) -> MediaRef:
    kind = (document.mime_type or "").split("/")[0]
    name, size = document.file_name or "", document.file_size
    if kind in ("audio", "video"):
        return MediaRef("audio", document.file_id, name, size)
    return MediaRef("image" if kind == "image" else "other", document.file_id, name, size)


def _reaction(change: MessageReactionUpdated, event_id: str, me: Me) -> Reaction | None:
    # An anonymous admin reacts as a chat: nobody whose rating it could be.
    if change.user is None or change.user.is_bot:
        return None
    before, after = _emoji(change.old_reaction), _emoji(change.new_reaction)
    return Reaction(
        id=event_id,
        channel=ChannelKey("telegram", f"{me.id}:{change.chat.id}"),
        sender=_person(change.user),
        sent_at=change.date.timestamp(),
        target=str(change.message_id),
        added=tuple(emoji for emoji in after if emoji not in before),
        removed=tuple(emoji for emoji in before if emoji not in after),
    )


def _emoji(reactions: Sequence[ReactionType]) -> tuple[str, ...]:
    return tuple(reaction.emoji for reaction in reactions if isinstance(reaction, ReactionTypeEmoji))


def _press(query: CallbackQuery, event_id: str, me: Me) -> Reaction | None:
    if query.message is None or query.data not in THUMBS:
        return None
    other = THUMBS[1 - THUMBS.index(query.data)]
    sent = query.message.date.timestamp() if isinstance(query.message, TelegramMessage) else 0.0
    return Reaction(
        id=event_id,
        channel=ChannelKey("telegram", f"{me.id}:{query.message.chat.id}"),
        sender=_person(query.from_user),
        sent_at=sent,
        target=str(query.message.message_id),
        added=(query.data,),
        removed=(other,),
    )
