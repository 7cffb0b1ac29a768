"""How one channel wants Parley to be: voice, language, whom it answers. Pure values; kept in `store/`."""

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import TypeAdapter

from core.values.codec import from_json

VoiceMode = Literal["auto", "always", "never"]
Answers = Literal["mentions", "everything"]


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the people of a channel chose.

    voice: auto answers a voice note by voice and text. language: a BCP 47 tag, "" for that of each message. answers:
    whom it answers in a group. thumbs: whether it puts 👍 and 👎 under its own answers where a platform has no buttons.
    model: the language model that an owner chose for the channel, "" for the one that answers everywhere.
    persona: how Parley is to be there, in the words of whoever looks after the channel, "" for as it is.
    """

    voice: VoiceMode = "auto"
    language: str = ""
    answers: Answers = "mentions"
    thumbs: bool = False
    model: str = ""
    persona: str = ""
    version: int = 1


def impersonal(preferences: Preferences) -> Preferences:
    """These preferences without what is a matter of people's taste."""
    return replace(preferences, voice="auto", language="", persona="")


_PREFERENCES: TypeAdapter[Preferences] = TypeAdapter(Preferences)


def encode(preferences: Preferences) -> bytes:
    """JSON of preferences."""
    return _PREFERENCES.dump_json(preferences)


def decode(raw: bytes) -> Preferences:
    """The preferences of `encode`, the usual ones for b""; PermanentError when they are unreadable."""
    if not raw:
        return Preferences()
    return from_json(_PREFERENCES, raw, "preferences")
