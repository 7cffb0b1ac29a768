"""One send to a platform, as delivery makes it and a lane keeps it."""

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter

from core.values.attachments import Document, VoiceNote
from core.values.channel import ChannelKey
from core.values.codec import from_json, to_json


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


_PART: TypeAdapter[Part] = TypeAdapter(Part)


def encode_part(part: Part) -> bytes:
    """JSON of a part, as a lane keeps it."""
    return to_json(_PART, part)


def decode_part(raw: bytes) -> Part:
    """The part of `encode_part`; PermanentError when it is not one."""
    return from_json(_PART, raw, "a part")
