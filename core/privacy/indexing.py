"""Fills the index of who was where with what an older version kept, once: the one walk over all keys of that kind."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from core.errors import PermanentError
from core.feedback.ratings import RECORD_KIND
from core.lanes import dead_letters
from core.privacy.subject_data import OF_TURN
from core.store import keys
from core.store.codec import DIALOGUE, EVENT, PART, Codec, Entry, home_of
from core.store.people import People
from core.store.redis import Store, translated
from core.telemetry import log
from core.values.channel import ChannelKey, PlatformName
from core.values.dialogue import Dialogue
from core.values.events import Edit, Event, Message, people_in
from core.values.parts import FilePart, NoticePart, OwedVoicePart, Part, RemovalPart, TextPart, VoicePart

_LOG = log("indexing")
_BATCH = 500


@dataclass(slots=True)
class _Told:
    """What one key tells: of which people, and the ids that its channel has keys under."""

    people: set[str] = field(default_factory=set[str])
    ids: set[str] = field(default_factory=set[str])


async def fill(store: Store, people: People) -> None:
    """Walk over all keys if nobody has yet; RetryableError without Redis."""
    redis = store.redis
    with translated():
        if await redis.exists(keys.indexed()):
            return
    names: list[str] = []
    with translated():
        async for raw in redis.scan_iter(match="parley:*", count=1000):
            names.append(cast(bytes, raw).decode())
            if len(names) >= _BATCH:
                await _index(store, people, names)
                names = []
        await _index(store, people, names)
        await redis.set(keys.indexed(), 1)


async def _index(store: Store, people: People, names: Iterable[str]) -> None:
    for name in names:
        kind, rest = keys.named(name)
        try:
            match kind:
                case "dlg" | "in" | "out" | "dead" | "fb":
                    told, channel = _Told(), ChannelKey.parse(rest)
                    for raw in await _entries(store, kind, name):
                        _read(store.codec, channel, kind, raw, told)
                case "parked" | "ref":
                    channel, told = _of_space(store.codec, kind, rest, await _entries(store, kind, name))
                case _ if kind in OF_TURN:
                    place, _, turn = rest.rpartition("/")
                    channel, told = ChannelKey.parse(place), _Told(ids={turn})
                case _:
                    continue
        except PermanentError:
            _LOG.warning("a key of the kind %s is not readable: not indexed", kind)
            continue
        await people.add(channel, told.people - {""}, told.ids - {""})


async def _entries(store: Store, kind: str, name: str) -> list[bytes]:
    redis: Any = store.redis
    match kind:
        case "fb":
            return await redis.hkeys(name)
        case "dlg" | "ref":
            return [await redis.get(name) or b""]
        case _:
            return await redis.lrange(name, 0, -1)


def _of_space(codec: Codec, kind: str, rest: str, raws: list[bytes]) -> tuple[ChannelKey, _Told]:
    """A key that is named after a part, whose channel may be a topic."""
    platform, space, ref = rest.split("/", 2)
    channel, told = ChannelKey(cast(PlatformName, platform), space), _Told(ids={ref})
    for raw in filter(None, raws):
        if kind == "ref":
            record = codec.open(RECORD_KIND, home_of(channel), raw)
            channel = ChannelKey(channel.platform, space, record.thread)
            told.people.add(record.person)
            told.ids.add(record.turn)
        else:
            _read(codec, channel, "in", raw, told)
    return channel, told


def _read(codec: Codec, channel: ChannelKey, kind: str, raw: bytes, told: _Told) -> None:
    home = home_of(channel)
    match kind:
        case "fb":
            turn, _, person = raw.decode().partition("\t")
            told.people.add(person)
            told.ids.add(turn)
        case "dlg":
            _learn(codec.read(DIALOGUE, home, raw), told)
        case "out":
            _learn(codec.read(PART, home, raw), told)
        case "dead":
            _learn(dead_letters.read(codec, channel, raw).entry, told)
        case _:
            _learn(codec.read(EVENT, home, raw), told)


def _learn(entry: Entry[Dialogue | Part | Event], told: _Told) -> None:
    match entry.value:
        case PermanentError():
            told.people.update(entry.ids)
        case Dialogue() as kept:
            told.people.update(kept.told_by, *([turn.person] for turn in kept.turns))
            told.ids.update(turn.id for turn in kept.turns)
        case TextPart() | NoticePart() | FilePart() | VoicePart() | OwedVoicePart() | RemovalPart() as part:
            told.people.add(part.person)
            told.ids.add(part.turn)
        case event:
            told.people.update(people_in(event))
            message = event.message if isinstance(event, Edit) else event
            told.ids.update({message.id} if isinstance(message, Message) else ())
