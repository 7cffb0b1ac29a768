"""A channel's move to another name: all that it has goes along, at once or not at all.

What waits under both names and what they remember become one by time, and what the people of the new name chose stays.
Message ids are those of a space, so nothing that moves points to a message.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf
from typing import Any, cast

from redis.asyncio.client import Pipeline
from redis.exceptions import WatchError

from core import clock
from core.errors import PermanentError, RetryableError
from core.lanes import dead_letters, owed
from core.lanes.claim import Claim, lost, of_turn, to_note
from core.lanes.voiding import ring
from core.store import keys
from core.store.clients import is_cluster
from core.store.codec import DIALOGUE, EVENT, PART, Codec, Entry, home_of
from core.store.redis import Store, translated
from core.values import dialogue as dialogues
from core.values.channel import ChannelKey
from core.values.dialogue import Dialogue
from core.values.events import Edit, Event, Message, Move
from core.values.parts import Part, moved

_KINDS = ("lane", "in", "out", "dlg", "prefs", "fb", "planned")
_BUSY_S = 1.0


@dataclass(frozen=True, slots=True)
class _Side:
    """What is kept under one of the two names."""

    channel: ChannelKey
    lane: Mapping[bytes, bytes]
    events: Sequence[Entry[Event]]
    parts: Sequence[Entry[Part]]
    memory: Entry[Dialogue]
    preferences: bytes
    ratings: Mapping[bytes, bytes]
    planned: Mapping[bytes, Entry[Event]]
    due_ms: Mapping[bytes, float]

    @property
    def busy(self) -> bool:
        """Whether somebody works there, or left a turn or its parts half done."""
        return self.lane.get(b"held") == b"1" or b"draft" in self.lane or b"heard" in self.lane or bool(self.parts)


async def move(store: Store, claim: Claim, to: ChannelKey) -> None:
    """Give all that the claimed channel has to another name.

    RetryableError while somebody works under that one or parts wait there; Fenced when the claimed lane is lost.
    """
    move_once = _move_across if is_cluster(store.redis) else _move_at_once
    while True:
        try:
            with translated():
                return await move_once(store, claim, to)
        except WatchError:
            continue


async def _move_at_once(store: Store, claim: Claim, to: ChannelKey) -> None:
    async with store.redis.pipeline(transaction=True) as pipe:
        await pipe.watch(*_all_keys(claim.channel), *_all_keys(to))
        old, new = [await _read(pipe, store.codec, each) for each in (claim.channel, to)]
        _check(claim, old, new)
        pipe.multi()
        _give(pipe, store.codec, old, new)
        _leave(pipe, old)
        await pipe.execute()


async def _move_across(store: Store, claim: Claim, to: ChannelKey) -> None:
    """In a cluster no transaction has both names: all is given before it is left, so that a crash loses nothing of it.

    What waits may then be served twice.
    """
    async with store.redis.pipeline(transaction=True) as here, store.redis.pipeline(transaction=True) as there:
        await here.watch(*_all_keys(claim.channel))
        await there.watch(*_all_keys(to))
        old, new = await _read(here, store.codec, claim.channel), await _read(there, store.codec, to)
        _check(claim, old, new)
        there.multi()
        _give(there, store.codec, old, new)
        await there.execute()
        here.multi()
        _leave(here, old)
        await here.execute()


def _all_keys(channel: ChannelKey) -> list[str]:
    return [keys.of_channel(kind, channel) for kind in _KINDS]


def _check(claim: Claim, old: _Side, new: _Side) -> None:
    if old.lane.get(b"fence") != str(claim.fence).encode():
        raise lost(claim)
    if new.busy:
        raise RetryableError(f"{claim.channel} moves when {new.channel} is done", _BUSY_S)


async def _read(pipe: Pipeline, codec: Codec, channel: ChannelKey) -> _Side:
    lane, inbox, outbox, memory, chosen, rated, later = (keys.of_channel(kind, channel) for kind in _KINDS)
    ask, home = cast(Any, pipe), home_of(channel)
    planned = {id: codec.read(EVENT, home, raw) for id, raw in (await ask.hgetall(later)).items()}
    return _Side(
        channel,
        await ask.hgetall(lane),
        [codec.read(EVENT, home, raw) for raw in await ask.lrange(inbox, 0, -1)],
        [codec.read(PART, home, raw) for raw in await ask.lrange(outbox, 0, -1)],
        codec.read(DIALOGUE, home, await ask.get(memory) or b""),
        await ask.get(chosen) or b"",
        await ask.hgetall(rated),
        planned,
        {id: await ask.zscore(_later(channel), keys.due(channel, id.decode())) for id in planned},
    )


def _give(pipe: Pipeline, codec: Codec, old: _Side, new: _Side) -> None:
    """Write what the old name had under the new one. What nobody can read goes along, to be given up in its place."""
    lane, inbox, outbox, memory, chosen, rated, planned = (keys.of_channel(kind, new.channel) for kind in _KINDS)
    here, there = home_of(old.channel), home_of(new.channel)
    given = {entry.value.id for entry in new.events if not isinstance(entry.value, PermanentError)}
    moving = (_event(codec, entry, old.channel, new.channel) for entry in old.events)
    events = [entry for entry in moving if entry is not None and getattr(entry.value, "id", None) not in given]
    parts = [moved for entry in old.parts if (moved := _part(codec, entry, old.channel, new.channel)) is not None]
    if events:
        waiting = [entry.raw for _, entry in heapq.merge(_timed(events), _timed(new.events), key=lambda pair: pair[0])]
        pipe.delete(inbox)
        pipe.rpush(inbox, *waiting)
        if waiting[0] not in [entry.raw for entry in new.events[:1]]:
            pipe.hdel(lane, "tries", "deaths")
        for field, noted in _noted(codec, old, there):
            pipe.hsetnx(lane, field, cast(Any, noted))
    if parts:
        pipe.rpush(outbox, *(part.raw for part in parts))
        pipe.hset(lane, "outgoing", "1")
        if owes := owed.owed_in(parts):
            pipe.hset(lane, "owed", owes)
    _remember(pipe, codec, memory, old, new)
    if old.preferences and not new.preferences:
        pipe.set(chosen, codec.moved(old.preferences, here, there))
    if ratings := {field: rating for field, rating in old.ratings.items() if field not in new.ratings}:
        moved = {field: codec.moved(rating, here, there) for field, rating in ratings.items()}
        pipe.hset(rated, mapping=cast(Any, moved))
    for id, entry in old.planned.items():
        if (moved := _event(codec, entry, old.channel, new.channel)) is not None:
            pipe.hset(planned, cast(Any, id), cast(Any, moved.raw))
            pipe.zadd(_later(new.channel), {keys.due(new.channel, id.decode()): old.due_ms[id]})
    if events or parts:
        pipe.zadd(keys.ready(keys.partition(new.channel), new.channel.platform), {str(new.channel): 0})
        ring(pipe, new.channel)


def _noted(codec: Codec, old: _Side, there: str) -> Iterator[tuple[str, bytes]]:
    """What the lane knows of its events."""
    if stop := old.lane.get(b"stop"):
        yield "stop", stop
    if heard := old.lane.get(b"heard"):
        turn, transcript = of_turn(heard)
        yield "heard", to_note(turn, codec.moved(transcript, home_of(old.channel), there))


def _timed(entries: Sequence[Entry[Event]]) -> list[tuple[float, Entry[Event]]]:
    """Each with the time (seconds since the epoch) before which it has to be served: of its own or of one behind it."""
    times = list(accumulate((_time(entry.value) for entry in reversed(entries)), min))
    return list(zip(reversed(times), entries, strict=True))


def _time(event: Event | PermanentError) -> float:
    return getattr(event.message if isinstance(event, Edit) else event, "sent_at", inf)


def _remember(pipe: Pipeline, codec: Codec, memory: str, old: _Side, new: _Side) -> None:
    """One dialogue of both; one that cannot be read is a dead letter."""
    if not old.memory.raw:
        return
    here, there = home_of(old.channel), home_of(new.channel)
    before, after = old.memory.value, new.memory.value
    for side, raw in ((old, codec.moved(old.memory.raw, here, there)), (new, new.memory.raw)):
        if isinstance(side.memory.value, PermanentError):
            pipe.rpush(keys.of_channel("dead", new.channel), cast(Any, dead_letters.written("dlg", clock.now(), raw)))
    if isinstance(before, Dialogue):
        merged = dialogues.merged(_unpointed(before), after if isinstance(after, Dialogue) else Dialogue())
        pipe.set(memory, codec.seal(DIALOGUE, there, merged))
    elif isinstance(after, PermanentError):
        pipe.delete(memory)


def _leave(pipe: Pipeline, old: _Side) -> None:
    """Empty what stood under the old name; its fence stays, so that whoever comes late writes nothing there."""
    lane, *rest = (keys.of_channel(kind, old.channel) for kind in _KINDS)
    pipe.delete(*rest)
    pipe.hincrby(lane, "fence", 1)
    if fields := [field for field in old.lane if field != b"fence"]:
        pipe.hdel(lane, *cast(list[str], fields))
    pipe.zrem(keys.ready(keys.partition(old.channel), old.channel.platform), str(old.channel))
    if old.planned:
        pipe.zrem(_later(old.channel), *(keys.due(old.channel, id.decode()) for id in old.planned))


def _later(channel: ChannelKey) -> str:
    return keys.later(keys.partition(channel), channel.platform)


def _event(codec: Codec, entry: Entry[Event], old: ChannelKey, to: ChannelKey) -> Entry[Event] | None:
    """An event under another name; None for the move that is done with this one."""
    if isinstance(entry.value, PermanentError):
        return Entry(codec.moved(entry.raw, home_of(old), home_of(to)), entry.value)
    if isinstance(entry.value, Move) and entry.value.to == to:
        return None
    event = _renamed(entry.value, to)
    return Entry(codec.seal(EVENT, home_of(to), event), event)


def _renamed(event: Event, to: ChannelKey) -> Event:
    match event:
        case Message():
            return _said_there(event, to)
        case Edit():
            return replace(event, channel=to, message=_said_there(event.message, to))
        case _:
            return replace(event, channel=to)


def _said_there(message: Message, to: ChannelKey) -> Message:
    return replace(message, channel=to, ref="", quote=message.quote and replace(message.quote, ref=""))


def _part(codec: Codec, entry: Entry[Part], old: ChannelKey, to: ChannelKey) -> Entry[Part] | None:
    """A part under another name; None for one that only takes an earlier one away."""
    if isinstance(entry.value, PermanentError):
        return Entry(codec.moved(entry.raw, home_of(old), home_of(to)), entry.value)
    there = moved(entry.value, to)
    return None if there is None else Entry(codec.seal(PART, home_of(to), there), there)


def _unpointed(dialogue: Dialogue) -> Dialogue:
    return replace(dialogue, turns=tuple(replace(turn, ref="") for turn in dialogue.turns))
