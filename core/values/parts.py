"""What delivery sends to a platform: one value a kind, each with what that kind needs and nothing else.

A lane keeps a `Part` until it is sent. A platform is given a `Sendable`: a voice note that was only owed has been made
by then, and an answer that still grows is a draft, which no lane keeps.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag, TypeAdapter

from core.values.attachments import Document, VoiceNote
from core.values.channel import ChannelKey
from core.values.codec import from_json, to_json


@dataclass(frozen=True, slots=True)
class _Header:
    """Which part of which turn it is, and where; `person` is the id of whom it answers."""

    turn: str
    index: int
    channel: ChannelKey
    _: KW_ONLY
    person: str = ""
    version: int = 1

    @property
    def nonce(self) -> str:
        """The same for every try of this part: at most 25 characters on Discord, whose ids have at most 20 digits."""
        return f"{self.turn}-{self.index}"


@dataclass(frozen=True, slots=True)
class TextPart(_Header):
    """Words of an answer.

    `transcript` is what was heard in a voice note, on the first part of the answer to it; a lane keeps it as `heard`.
    `replaces` is the platform id of an earlier part, which is edited into this one; `private_to` the id of the only
    person who is to see it. `rateable` is the part that should offer feedback, `thumbs` where the channel wants 👍 and
    👎 below. `model` and `profile` say who answered, "" for Parley itself.
    """

    text: str
    _: KW_ONLY
    transcript: Annotated[str, Field(alias="heard")] = ""
    reply_to: str = ""
    replaces: str = ""
    language: str = "en"
    model: str = ""
    profile: str = ""
    rateable: bool = False
    thumbs: bool = False
    private_to: str = ""
    kind: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class NoticePart(_Header):
    """Parley speaking about itself: an error, a limit."""

    text: str
    _: KW_ONLY
    reply_to: str = ""
    replaces: str = ""
    language: str = "en"
    kind: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True)
class FilePart(_Header):
    """A document with a few words."""

    text: str
    document: Document
    _: KW_ONLY
    reply_to: str = ""
    language: str = "en"
    private_to: str = ""
    kind: Literal["file"] = "file"


@dataclass(frozen=True, slots=True)
class VoicePart(_Header):
    """A voice note."""

    voice: VoiceNote
    _: KW_ONLY
    model: str = ""
    profile: str = ""
    kind: Literal["voice"] = "voice"


@dataclass(frozen=True, slots=True)
class OwedVoicePart(_Header):
    """A voice note that is still to be made, of this text; the null in its JSON says so."""

    text: str
    _: KW_ONLY
    language: str = "en"
    model: str = ""
    profile: str = ""
    kind: Literal["voice"] = "voice"
    voice: None = None

    def made(self, voice: VoiceNote) -> VoicePart:
        """The part with its sound."""
        return VoicePart(
            self.turn,
            self.index,
            self.channel,
            voice,
            person=self.person,
            model=self.model,
            profile=self.profile,
        )


@dataclass(frozen=True, slots=True)
class RemovalPart(_Header):
    """Takes the earlier part with this platform id away."""

    replaces: str
    _: KW_ONLY
    kind: Literal["removal"] = "removal"


@dataclass(frozen=True, slots=True)
class DraftPart(_Header):
    """An answer that is still growing: all of it so far; `replaces` is the draft that people see."""

    text: str
    _: KW_ONLY
    transcript: str = ""
    reply_to: str = ""
    replaces: str = ""
    kind: Literal["draft"] = "draft"


Part = TextPart | NoticePart | FilePart | VoicePart | OwedVoicePart | RemovalPart
Sendable = TextPart | NoticePart | FilePart | VoicePart | RemovalPart | DraftPart


def _tag(part: object) -> str:
    """By what JSON, or a value, is one of its kind: an owed voice note is a "voice" that has none."""
    if isinstance(part, Mapping):
        fields = cast(Mapping[str, Any], part)
        kind, voice = str(fields.get("kind")), fields.get("voice")
    else:
        kind, voice = str(getattr(part, "kind", "")), getattr(part, "voice", None)
    return "owed" if kind == "voice" and voice is None else kind


_PART: TypeAdapter[Part] = TypeAdapter(
    Annotated[
        Annotated[TextPart, Tag("text")]
        | Annotated[NoticePart, Tag("notice")]
        | Annotated[FilePart, Tag("file")]
        | Annotated[VoicePart, Tag("voice")]
        | Annotated[OwedVoicePart, Tag("owed")]
        | Annotated[RemovalPart, Tag("removal")],
        Discriminator(_tag),
    ]
)


def encode_part(part: Part) -> bytes:
    """JSON of a part, as a lane keeps it."""
    return to_json(_PART, part)


def decode_part(raw: bytes) -> Part:
    """The part of `encode_part`; PermanentError when it is not one."""
    return from_json(_PART, raw, "a part")


def moved(part: Part, to: ChannelKey) -> Part | None:
    """The part in another channel, where it points to nothing; None for one that only takes an earlier one away."""
    match part:
        case TextPart() | NoticePart():
            return replace(part, channel=to, reply_to="", replaces="")
        case FilePart():
            return replace(part, channel=to, reply_to="")
        case VoicePart() | OwedVoicePart():
            return replace(part, channel=to)
        case RemovalPart():
            return None
