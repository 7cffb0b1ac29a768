"""Of what a channel keeps: what is whose. Pure; `subject_data` finds it."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from core.errors import PermanentError
from core.feedback.ratings import PartRecord, Rating
from core.values import dialogue as dialogues
from core.values import preferences
from core.values.channel import ChannelKey
from core.values.dialogue import Dialogue
from core.values.events import Event, Message, Move, Summary, decode_event, encode_event, sender_of
from core.values.parts import decode_part
from core.values.preferences import Preferences
from core.values.turn import Turn

EVERYBODY = ""
FILES = ("upload", "voice", "file")
"""Kinds of keys that are sounds, uploads and exports."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What one channel keeps of a person.

    left: the dialogue without them, None where nobody can read it. ratings: fields of the hash of ratings. events,
    parts, dead: entries of `in`, `out` and `dead`. quoting: what others say in answer to them, and the same without
    their words. parked: key -> entries. records: keys of what their answers became on the platform. files: keys of
    sounds, uploads and exports. answers: keys of last words on the web. ids: of the turns that all these are kept
    under. alone: whether nothing is kept there of anybody else.
    """

    channel: ChannelKey
    dialogue: Dialogue
    left: Dialogue | None
    preferences: Preferences
    turns: tuple[Turn, ...]
    ratings: Mapping[bytes, Rating]
    events: tuple[bytes, ...]
    quoting: tuple[tuple[bytes, bytes], ...]
    parts: tuple[bytes, ...]
    dead: tuple[bytes, ...]
    parked: Mapping[str, tuple[bytes, ...]]
    records: tuple[str, ...]
    files: tuple[str, ...]
    answers: tuple[str, ...]
    ids: frozenset[str]
    alone: bool

    @property
    def anything(self) -> bool:
        """Whether it is anything at all."""
        lists = (self.turns, self.events, self.quoting, self.parts, self.dead, self.records, self.files, self.answers)
        hashes = (self.ratings, *self.parked.values())
        return self.left != self.dialogue or self.tastes or any(lists) or any(hashes)

    @property
    def tastes(self) -> bool:
        """Whether the channel has settings that are a matter of their taste."""
        return self.alone and preferences.impersonal(self.preferences) != self.preferences

    @property
    def summary(self) -> str:
        """The summary, where it tells of them."""
        return "" if self.left is not None and self.left.summary else self.dialogue.summary


@dataclass(frozen=True, slots=True)
class Found:
    """All that a channel keeps; `of_turns` are names of keys, their kinds and what follows these."""

    channel: ChannelKey
    memory: bytes
    preferences: bytes
    waiting: Sequence[bytes]
    unsent: Sequence[bytes]
    buried: Sequence[bytes]
    rated: Mapping[bytes, Rating]
    records: Mapping[str, PartRecord]
    parked: Mapping[str, Sequence[bytes]]
    of_turns: Sequence[tuple[str, str, str]]

    def people(self, dialogue: Dialogue) -> set[str]:
        """Everybody of whom anything is kept."""
        rated = (field.decode().partition("\t")[2] for field in self.rated)
        answered = (record.person for record in self.records.values())
        senders = (sender_of(event) for event in map(_event, self.waiting) if event is not None)
        return {*(turn.person for turn in dialogue.turns), *dialogue.told_by, *rated, *answered, *senders} - {""}


def theirs(found: Found, person: str) -> Kept:
    """Of what was found in a channel, that of one person. Pure."""
    try:
        dialogue, readable = dialogues.decode(found.memory), True
    except PermanentError:
        dialogue, readable = Dialogue(), False
    everybody, needle = person == EVERYBODY, needle_of(person)
    alone = everybody or not found.people(dialogue) - {person}
    events = [raw for raw in found.waiting if _is_theirs(_event(raw), raw, person)]
    turns = tuple(turn for turn in dialogue.turns if everybody or turn.person == person)
    answered = {record.turn for record in found.records.values() if record.person == person}
    ids = {*(turn.id for turn in turns), *answered, *(event.id for raw in events if (event := _event(raw)))}

    def is_unreadable(raw: bytes) -> bool:
        return everybody or needle in raw

    def is_part(raw: bytes) -> bool:
        try:
            part = decode_part(raw)
        except PermanentError:
            return is_unreadable(raw)
        return everybody or part.person == person or part.turn in ids

    def is_dead(entry: bytes) -> bool:
        kind, _, body = entry.partition(b":")
        if kind.startswith(b"in"):
            return _is_theirs(_event(body), body, person)
        return is_part(body) if kind.startswith(b"out") else is_unreadable(body)

    def of_turns(*kinds: str) -> tuple[str, ...]:
        return tuple(
            name for name, kind, rest in found.of_turns if kind in kinds and (alone or rest.rpartition("/")[2] in ids)
        )

    def is_rating(field: bytes) -> bool:
        turn, _, who = field.decode().partition("\t")
        return everybody or who == person or turn in ids

    records = (name for name, record in found.records.items() if everybody or record.turn in ids)
    return Kept(
        channel=found.channel,
        dialogue=dialogue,
        left=_left(dialogue, person) if readable else None if is_unreadable(found.memory) else dialogue,
        preferences=_preferences(found.preferences),
        turns=turns,
        ratings={field: rating for field, rating in found.rated.items() if is_rating(field)},
        events=tuple(events),
        quoting=tuple(_unquoted(found, ids, person)),
        parts=tuple(filter(is_part, found.unsent)),
        dead=tuple(filter(is_dead, found.buried)),
        parked={
            name: tuple(raw for raw in raws if _is_theirs(_event(raw), raw, person))
            for name, raws in found.parked.items()
        },
        records=(*records, *of_turns("shown")),
        files=of_turns(*FILES),
        answers=of_turns("answer"),
        ids=frozenset(ids),
        alone=alone,
    )


def _unquoted(found: Found, ids: Collection[str], person: str) -> Iterator[tuple[bytes, bytes]]:
    """Messages of others that carry words of a person, or of an answer to them; and the same without these words."""
    refs = {name.rpartition("/")[2] for name, record in found.records.items() if record.turn in ids}
    for raw in found.waiting:
        event = _event(raw)
        if person == EVERYBODY or not isinstance(event, Message) or event.quote is None or sender_of(event) == person:
            continue
        if event.quote.person == person or (event.quote.own and event.quote.ref in refs):
            yield raw, encode_event(replace(event, quote=None))


def _left(dialogue: Dialogue, person: str) -> Dialogue:
    """A dialogue without a person, or without everybody: then its edition is left, by which a late summary is known."""
    if person != EVERYBODY:
        return dialogues.without_person(dialogue, person)
    return dialogues.anew(dialogue) if dialogue.turns or dialogue.summary else dialogue


def _is_theirs(event: Event | None, raw: bytes, person: str) -> bool:
    """Whether an event is a person's; None is one that nobody can read. A channel's move is nobody's."""
    match event:
        case None:
            return person == EVERYBODY or needle_of(person) in raw
        case Move():
            return False
        case Summary():
            return person == EVERYBODY or person in event.told_by
        case _:
            return person in (EVERYBODY, sender_of(event))


def _event(raw: bytes) -> Event | None:
    try:
        return decode_event(raw)
    except PermanentError:
        return None


def _preferences(raw: bytes) -> Preferences:
    try:
        return preferences.decode(raw)
    except PermanentError:
        return Preferences()


def needle_of(person: str) -> bytes:
    """A person's id as it stands in JSON."""
    return json.dumps(person, ensure_ascii=False).encode()
