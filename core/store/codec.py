"""The one place where values become the bytes that Redis keeps, and come back: JSON as yet.

Nothing else turns values into bytes for Redis, and nothing looks into these bytes: what a script has to know of a value
is given to it beside the value. Whoever takes an entry out of a list names it by the bytes that were read there, which
are the same however they are sealed.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from core.errors import PermanentError
from core.values import dialogue as dialogues
from core.values import preferences
from core.values.channel import ChannelKey
from core.values.codec import from_json, to_json
from core.values.dialogue import Dialogue
from core.values.events import Event, decode_event, encode_event
from core.values.parts import Part, decode_part, encode_part
from core.values.preferences import Preferences

_Value = TypeVar("_Value")
_Read = TypeVar("_Read", covariant=True)
_ID = re.compile(rb'"(?:id|person)":"([^"\\]+)"')


@dataclass(frozen=True, slots=True)
class Kind(Generic[_Value]):
    """A kind of value: its JSON both ways (`load` raises PermanentError), and what it means that none is kept."""

    dump: Callable[[_Value], bytes]
    load: Callable[[bytes], _Value]
    none: _Value | None = None


def json_of(type: type[_Value], what: str) -> Kind[_Value]:
    """The kind of a dataclass; `what` it is called in errors."""
    adapter = TypeAdapter(type)
    return Kind(lambda value: to_json(adapter, value), lambda raw: from_json(adapter, raw, what))


EVENT: Kind[Event] = Kind(encode_event, decode_event)
PART: Kind[Part] = Kind(encode_part, decode_part)
DIALOGUE: Kind[Dialogue] = Kind(dialogues.encode, dialogues.decode, Dialogue())
PREFERENCES: Kind[Preferences] = Kind(preferences.encode, preferences.decode, Preferences())
FILE: Kind[bytes] = Kind(bytes, bytes)
"""A sound, an upload, an export: bytes already."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[_Read]):
    """One entry as it was read, and what it is or why nobody can read it."""

    raw: bytes
    value: _Read | PermanentError
    opened: bytes = field(default=b"", repr=False)
    """What it says, where that is no value."""

    def names(self, person: str) -> bool:
        """Whether a person's id stands anywhere in what nobody can read."""
        return json.dumps(person, ensure_ascii=False).encode(errors="replace") in self.opened

    @property
    def ids(self) -> set[str]:
        """Whom it tells of although nobody can read it; that some of them are ids of messages does no harm."""
        return {found.decode(errors="replace") for found in _ID.findall(self.opened)}


class Codec:
    """Seals and opens what one Redis keeps.

    `home` names what a value belongs to for as long as it is kept: the space of a channel, within which scripts move it
    about, or a person. It is opened under no other one.
    """

    def seal(self, kind: Kind[_Value], home: str, value: _Value) -> bytes:
        """The bytes of a value."""
        return self._closed(home, kind.dump(value))

    def open(self, kind: Kind[_Value], home: str, raw: bytes | None) -> _Value:
        """The value of `seal`, or what it means that there is none; PermanentError, with no word of it, else."""
        if not raw and kind.none is not None:
            return kind.none
        return kind.load(self._opened(home, raw or b""))

    def read(self, kind: Kind[_Value], home: str, raw: bytes) -> Entry[_Value]:
        """An entry that need not be readable."""
        if not raw and kind.none is not None:
            return Entry(raw, kind.none)
        try:
            opened = self._opened(home, raw)
        except PermanentError as error:
            return Entry(raw, error)
        try:
            return Entry(raw, kind.load(opened))
        except PermanentError as error:
            return Entry(raw, error, opened)

    def moved(self, raw: bytes, home: str, to: str) -> bytes:
        """The bytes of whatever value under another home; what cannot be opened stays as it is."""
        try:
            return self._closed(to, self._opened(home, raw))
        except PermanentError:
            return raw

    def _closed(self, home: str, plain: bytes) -> bytes:
        return plain

    def _opened(self, home: str, raw: bytes) -> bytes:
        return raw


def home_of(channel: ChannelKey) -> str:
    """What the values of a channel belong to: its space, whose threads share what is sent."""
    return f"{channel.platform}/{channel.space}"
