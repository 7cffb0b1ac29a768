"""From Telegram's updates to Parley's events. Pure: voice and images stay references."""

from collections.abc import Sequence
from typing import NamedTuple

from telegram import (
    CallbackQuery,
    Chat,
    MessageEntity,
    MessageReactionUpdated,
    ReactionType,
    ReactionTypeEmoji,
    Update,
    User,
)
from telegram import Message as TelegramMessage
from telegram.constants import ChatType

from bots.telegram_bot.contents import forwarded_from, media_of, opens_topic, quote_of
from core import clock
from core.turns.commands import COMMANDS
from core.values.channel import ChannelKey, Person, Quote
from core.values.events import Edit, Message, Move, PlatformEvent, Reaction

THUMBS = ("👍", "👎")
RETRY = "/retry"


class Me(NamedTuple):
    """The bot itself: user id, username without the @, and the name that people see."""

    id: int
    username: str
    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """What people may call it: nobody says the "_bot" that every username ends in."""
        return self.name, self.username, self.username.lower().removesuffix("bot").rstrip("_")


def to_event(update: Update, me: Me) -> PlatformEvent | None:
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
    return Move(event_id, old, new, places=(str(message.chat.id), str(message.migrate_to_chat_id)))


def _message(message: TelegramMessage, event_id: str, me: Me) -> Message | None:
    # Telegram can deliver other bots' messages: two assistants would talk to each other for ever.
    if message.from_user is None or message.from_user.is_bot:
        return None
    group = message.chat.type != ChatType.PRIVATE
    text = message.text or message.caption or ""
    media = tuple(media_of(message))
    if not (text or media) or (group and _command(message)[1] not in ("", me.username.lower())):
        return None
    addressed = not group or _addressed(message, me)
    spoken = message.voice is not None or message.video_note is not None
    return Message(
        id=event_id,
        channel=_channel(message, me),
        sender=_person(message.from_user),
        sent_at=message.date.timestamp(),
        text=text,
        media=media,
        ref=str(message.message_id),
        group=group,
        mentions=tuple((mention, "") for mention in _own_mentions(message, me)),
        album=message.media_group_id or "",
        addressed=addressed,
        bot_names=me.names if spoken and not addressed else (),
        quote=quote_of(message, me.id),
        places=_places(message.chat),
        forwarded=forwarded_from(message),
    )


def _places(chat: Chat) -> tuple[str, ...]:
    return () if chat.type == ChatType.PRIVATE else (str(chat.id),)


def _channel(message: TelegramMessage, me: Me) -> ChannelKey:
    # In an ordinary supergroup message_thread_id is the root of a reply chain, not a topic.
    topic = str(message.message_thread_id or "") if message.is_topic_message else ""
    return ChannelKey("telegram", f"{me.id}:{message.chat.id}", topic)


def _person(user: User) -> Person:
    # A deleted account has no name at all.
    return Person(str(user.id), user.full_name or "", user.language_code or "")


def _addressed(message: TelegramMessage, me: Me) -> bool:
    answered = message.reply_to_message
    if answered is not None and answered.from_user is not None and answered.from_user.id == me.id:
        return not opens_topic(answered)
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


def _command(message: TelegramMessage) -> tuple[str, str]:
    """A leading command's name and the bot it names, in lower case; "" for what there is not."""
    for entity, text in _entities(message).items():
        if entity.type == MessageEntity.BOT_COMMAND and entity.offset == 0:
            name, _, addressee = text.lower().removeprefix("/").partition("@")
            return name, addressee
    return "", ""


def _commanded(message: TelegramMessage, me: Me) -> bool:
    """Whether it is a command for this bot; one that names no bot and is unknown is another one's."""
    name, addressee = _command(message)
    return addressee == me.username.lower() or (not addressee and COMMANDS.get(name) is not None)


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
        places=_places(change.chat),
    )


def _emoji(reactions: Sequence[ReactionType]) -> tuple[str, ...]:
    return tuple(reaction.emoji for reaction in reactions if isinstance(reaction, ReactionTypeEmoji))


def _press(query: CallbackQuery, event_id: str, me: Me) -> Message | Reaction | None:
    if isinstance(query.message, TelegramMessage) and query.data == RETRY:
        return _again(query, query.message, event_id, me)
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
        places=_places(query.message.chat),
    )


def _again(query: CallbackQuery, answer: TelegramMessage, event_id: str, me: Me) -> Message:
    """The command that the button under an answer stands for."""
    return Message(
        id=event_id,
        channel=_channel(answer, me),
        sender=_person(query.from_user),
        sent_at=clock.now(),
        text=RETRY,
        ref=str(answer.message_id),
        group=answer.chat.type != ChatType.PRIVATE,
        quote=Quote("", answer.text or "", own=True, ref=str(answer.message_id)),
        places=_places(answer.chat),
    )
