"""What happens in a channel, as a lane keeps it: what platforms tell, and what Parley makes itself."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Discriminator, Field, TypeAdapter

from core.errors import PermanentError
from core.values.channel import ChannelKey, MediaRef, Person, Quote
from core.values.codec import from_json, to_json


@dataclass(frozen=True, slots=True)
class Message:
    """Something a person said, to the assistant or near it.

    `id` is unique on its platform and becomes the id of the turn; `ref` is what a reply points to; `sent_at` is in
    seconds since the epoch. `mentions` maps the platform's mention markup in `text` to names. Messages with the same
    `album` are one turn. One in a group that is not `addressed` to Parley counts where the channel wants everything
    answered, and as a voice note that says one of Parley's `bot_names` there. The app of a sender who
    `waits` shows it until an answer comes, like an HTTP request. `places` are the platform's ids of the group and its
    rooms, the widest first. What is `forwarded` was said by somebody else, of that name where it is told, else "".
    """

    id: str
    channel: ChannelKey
    sender: Person
    sent_at: float
    text: str = ""
    media: tuple[MediaRef, ...] = ()
    ref: str = ""
    group: bool = False
    mentions: tuple[tuple[str, str], ...] = ()
    album: str = ""
    addressed: bool = True
    bot_names: Annotated[tuple[str, ...], Field(alias="called")] = ()
    quote: Quote | None = None
    waits: bool = False
    places: tuple[str, ...] = ()
    forwarded: str | None = None
    type: Literal["message"] = "message"
    version: int = 1


@dataclass(frozen=True, slots=True)
class Reaction:
    """A change of the emoji that one person holds on one part, `target` being its id; `places` as in a Message."""

    id: str
    channel: ChannelKey
    sender: Person
    sent_at: float
    target: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    type: Literal["reaction"] = "reaction"
    version: int = 1


@dataclass(frozen=True, slots=True)
class Edit:
    """A person changed a message: `message` is what it says now, its `ref` tells which one it is."""

    id: str
    channel: ChannelKey
    message: Message
    type: Literal["edit"] = "edit"
    version: int = 1


@dataclass(frozen=True, slots=True)
class Deletion:
    """Messages of people that are gone from the platform, by their `ref`."""

    id: str
    channel: ChannelKey
    targets: tuple[str, ...]
    type: Literal["deletion"] = "deletion"
    version: int = 1


@dataclass(frozen=True, slots=True)
class Move:
    """A channel has a new name on its platform, and all goes along; `places` are the group's old and new id there."""

    id: str
    channel: ChannelKey
    to: ChannelKey
    places: tuple[str, ...] = ()
    type: Literal["move"] = "move"
    version: int = 1


@dataclass(frozen=True, slots=True)
class Summary:
    """What a channel's turns up to and with `upto` come to, made by Parley itself.

    `since`, `told_by` and `edition` are as in the dialogue that it was made of.
    """

    id: str
    channel: ChannelKey
    text: str
    upto: str
    since: float = 0.0
    told_by: tuple[str, ...] = ()
    edition: int = 0
    type: Literal["summary"] = "summary"
    version: int = 1


PlatformEvent = Message | Reaction | Edit | Deletion | Move
OwnEvent = Summary
"""What Parley makes itself."""
Event = PlatformEvent | OwnEvent


def sender_of(event: Event) -> str:
    """The id of the person who made an event; "" for what nobody made."""
    match event:
        case Message() | Reaction():
            return event.sender.id
        case Edit():
            return event.message.sender.id
        case Deletion() | Move() | Summary():
            return ""


def message_in(event: Event) -> Message | None:
    """What somebody says by an event, for the first time or anew; None for what says nothing."""
    match event:
        case Message():
            return event
        case Edit():
            return event.message
        case Reaction() | Deletion() | Move() | Summary():
            return None


def people_in(event: Event) -> tuple[str, ...]:
    """The ids of those of whom an event tells something: who made it, and whom they quote."""
    message = message_in(event)
    quote = message.quote if message is not None else None
    quoted = quote.person if quote is not None and not quote.own else ""
    return tuple(dict.fromkeys(filter(None, (sender_of(event), quoted))))


_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Discriminator("type")])


def encode_event(event: Event) -> bytes:
    """JSON of an event, as a lane keeps it."""
    return to_json(_EVENT, event)


def decode_event(raw: bytes) -> Event:
    """The event of `encode_event`; PermanentError when it is not one."""
    return from_json(_EVENT, raw, "an event")


def asker_of(event: Event | PermanentError) -> str:
    """Who wants an answer to an event that a lane keeps; "" for one that wants none, or that nobody can read."""
    message = None if isinstance(event, PermanentError) else message_in(event)
    return message.sender.id if message is not None else ""
