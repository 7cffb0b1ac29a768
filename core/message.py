"""The values that cross lines: in from a platform, through Redis, out to a platform. Pure: no I/O, no clock.

Those that Redis keeps carry a `version`; `encode` and `decode` are their only JSON.
Platforms make events (Parley itself a `Summary`), the engine makes `Draft` and `Reply`, delivery makes `Part`.
"""

import json
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar, cast

from pydantic import Discriminator, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from core.attachments import Document, VoiceNote
from core.errors import PermanentError

PlatformName = Literal["telegram", "discord", "web", "console"]
MediaKind = Literal["audio", "image", "other"]


@dataclass(frozen=True, slots=True)
class ChannelKey:
    """One conversation.

    `space` is where message ids are unique (a Telegram chat of one bot, a Discord channel or thread), `thread` a
    topic within it. A reaction knows only its space, so everything of one space lives in one Redis partition.
    """

    platform: PlatformName
    space: str
    thread: str = ""

    def __str__(self) -> str:
        return f"{self.platform}/{self.space}" + (f"/{self.thread}" if self.thread else "")

    @classmethod
    def parse(cls, text: str) -> "ChannelKey":
        """The inverse of `str(key)`."""
        platform, space, thread = (text.split("/") + [""])[:3]
        return cls(cast(PlatformName, platform), space, thread)


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote: platform id, the name others see, and the app's language (BCP 47) when the platform tells it."""

    id: str
    name: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A file that stays on its platform until a worker fetches it.

    `handle` is the platform's own name for it and never a URL with a secret. Size (bytes) and duration (seconds) are
    what the sender's app claims, None when it claims nothing.
    """

    kind: MediaKind
    handle: str
    name: str = ""
    size_bytes: int | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The earlier message that is answered; `own`: Parley's, `ref`: its id if all of it is meant, `person`: by whom."""

    speaker: str
    text: str = ""
    media: tuple[MediaRef, ...] = ()
    own: bool = False
    ref: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """Something a person said, to the assistant or near it.

    `id` is unique on its platform and becomes the id of the turn; `ref` is what a reply points to; `sent_at` is in
    seconds since the epoch. `mentions` maps the platform's mention markup in `text` to names. Messages with the same
    `album` are one turn. One in a group that is not `addressed` to Parley counts where the channel wants everything
    answered, and as a voice note that says one of the names by which Parley is `called` there. The app of a sender who
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
    called: tuple[str, ...] = ()
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


Event = Message | Reaction | Edit | Deletion | Move | Summary


@dataclass(frozen=True, slots=True)
class Turn:
    """One message answered, as it is remembered: `heard` when `said` is a transcript, `spoken` when a voice note goes
    with it, `doubtful` when `reply` asks if it is right, `person` the id of who spoke, `ref`, `forwarded` as in the
    message, `earlier` the answers it replaces.
    """

    id: str
    at: float
    speaker: str
    said: str
    reply: str
    language: str
    model: str
    profile: str
    heard: bool = False
    spoken: bool = False
    ref: str = ""
    person: str = ""
    forwarded: str | None = None
    earlier: tuple[str, ...] = ()
    doubtful: bool = False


Sign = Literal["typing", "recording"]
"""What people see while they wait."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer that is still growing: what was heard (once known) and all the text so far."""

    text: str
    heard: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished answer: the turn to remember."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Part:
    """One send to a platform.

    `notice` is Parley speaking about itself (an error, a limit), `draft` an answer that is still growing, `removal`
    takes an earlier part away, `file` is a document with a few words. A `voice` without its sound is owed: it is made
    of `text` when its turn to be sent comes. `heard` is set on the first part of an answer to a voice note, `rateable`
    on the part that should offer feedback, `thumbs` where the channel wants 👍 and 👎 below. `replaces` is the platform
    id of an earlier part, which is edited into this one. `private_to` is the id of the only person who is to see it,
    `person` of the one whom it answers.
    """

    turn: str
    index: int
    channel: ChannelKey
    kind: Literal["text", "voice", "draft", "notice", "removal", "file"]
    text: str = ""
    heard: str = ""
    voice: VoiceNote | None = None
    document: Document | None = None
    reply_to: str = ""
    replaces: str = ""
    language: str = "en"
    model: str = ""
    profile: str = ""
    rateable: bool = False
    thumbs: bool = False
    private_to: str = ""
    person: str = ""
    version: int = 1

    @property
    def nonce(self) -> str:
        """The same for every try of this part: at most 25 characters on Discord, whose ids have at most 20 digits."""
        return f"{self.turn}-{self.index}"


_Value = TypeVar("_Value")


def to_json(adapter: TypeAdapter[_Value], value: _Value) -> bytes:
    """JSON of a value; half of a surrogate pair, which some apps let people send and UTF-8 does not have, becomes ?."""
    try:
        return adapter.dump_json(value)
    except PydanticSerializationError:
        plain = adapter.dump_python(value, mode="json")
        return json.dumps(plain, ensure_ascii=False).encode(errors="replace")


_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Discriminator("type")])
_PART: TypeAdapter[Part] = TypeAdapter(Part)


def encode_event(event: Event) -> bytes:
    """JSON of an event, as a lane keeps it."""
    return to_json(_EVENT, event)


def decode_event(raw: bytes) -> Event:
    """The event of `encode_event`; PermanentError when it is not one."""
    try:
        return _EVENT.validate_json(raw)
    except ValidationError as error:
        raise PermanentError(f"a lane holds an unreadable event: {error.error_count()} errors") from error


def encode_part(part: Part) -> bytes:
    """JSON of a part, as a lane keeps it."""
    return to_json(_PART, part)


def decode_part(raw: bytes) -> Part:
    """The part of `encode_part`; PermanentError when it is not one."""
    try:
        return _PART.validate_json(raw)
    except ValidationError as error:
        raise PermanentError(f"a lane holds an unreadable part: {error.error_count()} errors") from error
