"""Of what a channel keeps: what is whose. Pure; `subject_data` finds it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from core.errors import PermanentError
from core.feedback.ratings import PartRecord, Rating
from core.lanes.dead_letters import DeadLetter
from core.store.codec import Entry
from core.values import dialogue as dialogues
from core.values import preferences
from core.values.channel import ChannelKey
from core.values.dialogue import Dialogue
from core.values.events import Event, Message, Move, Summary, sender_of
from core.values.parts import FilePart, NoticePart, OwedVoicePart, Part, RemovalPart, TextPart, VoicePart
from core.values.preferences import Preferences
from core.values.turn import Turn

EVERYBODY = ""
FILES = ("upload", "voice", "file")
"""Kinds of keys that are sounds, uploads and exports."""


@dataclass(frozen=True, slots=True)
class SubjectData:
    """What one channel keeps of a person.

    left: the dialogue without them, None where nobody can read it. ratings: fields of the hash of ratings. events,
    parts, dead: entries of `in`, `out` and `dead`. quoting: what others say in answer to them, and the same without
    their words. planned: id -> what is due later. records: keys of what their answers became on the platform. files:
    keys of sounds, uploads and exports. answers: keys of last words on the web. ids: of the turns that all these are
    kept under. sole_speaker: whether nothing is kept there of anybody else.
    """

    channel: ChannelKey
    dialogue: Dialogue
    left: Dialogue | None
    preferences: Preferences
    turns: tuple[Turn, ...]
    ratings: Mapping[bytes, Rating]
    events: tuple[Entry[Event], ...]
    quoting: tuple[tuple[Entry[Event], Event], ...]
    parts: tuple[Entry[Part], ...]
    dead: tuple[DeadLetter, ...]
    planned: Mapping[str, Entry[Event]]
    records: tuple[str, ...]
    files: tuple[str, ...]
    answers: tuple[str, ...]
    ids: frozenset[str]
    sole_speaker: bool

    @property
    def anything(self) -> bool:
        """Whether it is anything at all."""
        waiting = (self.events, self.planned, self.quoting, self.parts, self.dead)
        done = (self.turns, self.ratings, self.records, self.files, self.answers)
        return self.left != self.dialogue or self.personal_preferences or any(waiting) or any(done)

    @property
    def event_ids(self) -> set[str]:
        """The ids of their events that wait."""
        return {entry.value.id for entry in self.events if not isinstance(entry.value, PermanentError)}

    @property
    def personal_preferences(self) -> bool:
        """Whether the channel has settings that are a matter of their taste."""
        return self.sole_speaker and preferences.impersonal(self.preferences) != self.preferences

    @property
    def summary(self) -> str:
        """The summary, where it tells of them."""
        return "" if self.left is not None and self.left.summary else self.dialogue.summary


@dataclass(frozen=True, slots=True)
class ChannelData:
    """All that a channel keeps; `of_turns` are names of keys, their kinds and what follows these."""

    channel: ChannelKey
    memory: Entry[Dialogue]
    preferences: Entry[Preferences]
    waiting: Sequence[Entry[Event]]
    unsent: Sequence[Entry[Part]]
    dead: Sequence[DeadLetter]
    rated: Mapping[bytes, Rating]
    records: Mapping[str, PartRecord]
    planned: Mapping[str, Entry[Event]]
    of_turns: Sequence[tuple[str, str, str]]

    def people(self, dialogue: Dialogue) -> set[str]:
        """Everybody of whom anything is kept."""
        rated = (field.decode().partition("\t")[2] for field in self.rated)
        answered = (record.person for record in self.records.values())
        events = (*self.waiting, *self.planned.values())
        senders = (sender_of(entry.value) for entry in events if not isinstance(entry.value, PermanentError))
        return {*(turn.person for turn in dialogue.turns), *dialogue.told_by, *rated, *answered, *senders} - {""}


def split(found: ChannelData, person: str) -> SubjectData:
    """Of what was found in a channel, that of one person. Pure."""
    memory = found.memory.value
    dialogue = memory if isinstance(memory, Dialogue) else Dialogue()
    everybody = person == EVERYBODY
    sole_speaker = everybody or not found.people(dialogue) - {person}
    events = tuple(entry for entry in found.waiting if _is_theirs(entry, person))
    turns = tuple(turn for turn in dialogue.turns if everybody or turn.person == person)
    answered = {record.turn for record in found.records.values() if record.person == person}
    waiting = {entry.value.id for entry in events if not isinstance(entry.value, PermanentError)}
    ids = {*(turn.id for turn in turns), *answered, *waiting}

    def is_theirs(entry: Entry[Event | Part]) -> bool:
        return _is_theirs(entry, person) or (isinstance(entry.value, Part) and entry.value.turn in ids)

    def of_turns(*kinds: str) -> tuple[str, ...]:
        return tuple(
            name
            for name, kind, rest in found.of_turns
            if kind in kinds and (sole_speaker or rest.rpartition("/")[2] in ids)
        )

    def is_rating(field: bytes) -> bool:
        turn, _, who = field.decode().partition("\t")
        return everybody or who == person or turn in ids

    records = (name for name, record in found.records.items() if everybody or record.turn in ids)
    return SubjectData(
        channel=found.channel,
        dialogue=dialogue,
        left=_without_subject(found.memory, person),
        preferences=_preferences(found.preferences),
        turns=turns,
        ratings={field: rating for field, rating in found.rated.items() if is_rating(field)},
        events=events,
        quoting=tuple(_unquoted(found, ids, person)),
        parts=tuple(filter(is_theirs, found.unsent)),
        dead=tuple(letter for letter in found.dead if is_theirs(letter.entry)),
        planned={id: entry for id, entry in found.planned.items() if _is_theirs(entry, person)},
        records=(*records, *of_turns("shown")),
        files=of_turns(*FILES),
        answers=of_turns("answer"),
        ids=frozenset(ids),
        sole_speaker=sole_speaker,
    )


def _unquoted(found: ChannelData, ids: Collection[str], person: str) -> Iterator[tuple[Entry[Event], Event]]:
    """Messages of others that carry words of a person, or of an answer to them; and the same without these words."""
    refs = {name.rpartition("/")[2] for name, record in found.records.items() if record.turn in ids}
    for entry in found.waiting:
        event = entry.value
        if person == EVERYBODY or not isinstance(event, Message) or event.quote is None or sender_of(event) == person:
            continue
        if event.quote.person == person or (event.quote.own and event.quote.ref in refs):
            yield entry, replace(event, quote=None)


def _without_subject(memory: Entry[Dialogue], person: str) -> Dialogue | None:
    """A dialogue without a person, or without everybody: then its edition is left, by which a late summary is known.

    None for one that nobody can read and that tells of them.
    """
    dialogue, everybody = memory.value, person == EVERYBODY
    if isinstance(dialogue, PermanentError):
        return None if everybody or memory.names(person) else Dialogue()
    if not everybody:
        return dialogues.without_person(dialogue, person)
    return dialogues.anew(dialogue) if dialogue.turns or dialogue.summary else dialogue


def _is_theirs(entry: Entry[Event | Part], person: str) -> bool:
    """Whether an event or a part is a person's. A channel's move is nobody's."""
    match entry.value:
        case PermanentError():
            return person == EVERYBODY or entry.names(person)
        case Move():
            return False
        case Summary() as summary:
            return person == EVERYBODY or person in summary.told_by
        case TextPart() | NoticePart() | FilePart() | VoicePart() | OwedVoicePart() | RemovalPart() as part:
            return person in (EVERYBODY, part.person)
        case event:
            return person in (EVERYBODY, sender_of(event))


def _preferences(chosen: Entry[Preferences]) -> Preferences:
    return chosen.value if isinstance(chosen.value, Preferences) else Preferences()
