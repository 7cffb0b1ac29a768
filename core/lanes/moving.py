"""A channel's move to another name: all that it has goes along, at once or not at all.

What waits under both names and what they remember become one by time, and what the people of the new name chose stays.
Message ids are those of a space, so nothing that moves points to a message.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import WatchError

from core import clock
from core.errors import PermanentError, RetryableError
from core.lanes.claim import Claim, lost
from core.store import keys
from core.store.redis import translated
from core.values import dialogue as dialogues
from core.values.channel import ChannelKey
from core.values.dialogue import Dialogue
from core.values.events import Edit, Event, Message, Move, decode_event, encode_event
from core.values.parts import decode_part, encode_part, moved

_KINDS = ("lane", "in", "out", "dlg", "prefs", "fb")
_BUSY_S = 1.0


@dataclass(frozen=True, slots=True)
class _Side:
    """What is kept under one of the two names."""

    channel: ChannelKey
    lane: Mapping[bytes, bytes]
    events: Sequence[bytes]
    parts: Sequence[bytes]
    memory: bytes
    preferences: bytes
    ratings: Mapping[bytes, bytes]

    @property
    def busy(self) -> bool:
        """Whether somebody works there, or left a turn or its parts half done."""
        return self.lane.get(b"held") == b"1" or b"draft" in self.lane or b"heard" in self.lane or bool(self.parts)


async def move(redis: Redis, claim: Claim, to: ChannelKey) -> None:
    """Give all that the claimed channel has to another name.

    RetryableError while somebody works under that one or parts wait there; Fenced when the claimed lane is lost.
    """
    both = [keys.of_channel(kind, channel) for channel in (claim.channel, to) for kind in _KINDS]
    while True:
        try:
            with translated():
                async with redis.pipeline(transaction=True) as pipe:
                    await pipe.watch(*both)
                    old, new = await _read(pipe, claim.channel), await _read(pipe, to)
                    if old.lane.get(b"fence") != str(claim.fence).encode():
                        raise lost(claim)
                    if new.busy:
                        raise RetryableError(f"{claim.channel} moves when {to} is done", _BUSY_S)
                    pipe.multi()
                    _give(pipe, old, new)
                    _leave(pipe, old)
                    await pipe.execute()
                    return
        except WatchError:
            continue


async def _read(pipe: Pipeline, channel: ChannelKey) -> _Side:
    lane, inbox, outbox, memory, chosen, rated = (keys.of_channel(kind, channel) for kind in _KINDS)
    ask = cast(Any, pipe)
    return _Side(
        channel,
        await ask.hgetall(lane),
        await ask.lrange(inbox, 0, -1),
        await ask.lrange(outbox, 0, -1),
        await ask.get(memory) or b"",
        await ask.get(chosen) or b"",
        await ask.hgetall(rated),
    )


def _give(pipe: Pipeline, old: _Side, new: _Side) -> None:
    """Write what the old name had under the new one. What nobody can read goes along, to be set aside in its place."""
    lane, inbox, outbox, memory, chosen, rated = (keys.of_channel(kind, new.channel) for kind in _KINDS)
    events = [moved for raw in old.events if (moved := _event(raw, new.channel)) is not None]
    parts = [moved for raw in old.parts if (moved := _part(raw, new.channel)) is not None]
    if events:
        waiting = [raw for _, raw in heapq.merge(_timed(events), _timed(new.events), key=lambda pair: pair[0])]
        pipe.delete(inbox)
        pipe.rpush(inbox, *waiting)
        if waiting[0] not in new.events[:1]:
            pipe.hdel(lane, "tries", "deaths")
        for field in (b"stop", b"heard"):
            if noted := old.lane.get(field):
                pipe.hsetnx(lane, cast(Any, field), cast(Any, noted))
    if parts:
        pipe.rpush(outbox, *parts)
        pipe.hset(lane, "outgoing", "1")
    if old.memory:
        _remember(pipe, memory, old, new)
    if old.preferences and not new.preferences:
        pipe.set(chosen, old.preferences)
    if ratings := {field: rating for field, rating in old.ratings.items() if field not in new.ratings}:
        pipe.hset(rated, mapping=cast(Any, ratings))
    if events or parts:
        pipe.zadd(keys.ready(keys.partition(new.channel), new.channel.platform), {str(new.channel): 0})
        pipe.publish(keys.WAKE, keys.bell(new.channel))


def _timed(raws: Sequence[bytes]) -> list[tuple[float, bytes]]:
    """Each with the time (seconds since the epoch) before which it has to be served: of its own or of one behind it."""
    times = list(accumulate((_time(raw) for raw in reversed(raws)), min))
    return list(zip(reversed(times), raws, strict=True))


def _time(raw: bytes) -> float:
    try:
        event = decode_event(raw)
    except PermanentError:
        return inf
    return getattr(event.message if isinstance(event, Edit) else event, "sent_at", inf)


def _remember(pipe: Pipeline, memory: str, old: _Side, new: _Side) -> None:
    """One dialogue of both; one that cannot be read is set aside."""
    before, after = _dialogue(old.memory), _dialogue(new.memory)
    aside = [raw for raw, read in ((old.memory, before), (new.memory, after)) if read is None]
    for raw in aside:
        entry = b"dlg@%d:%b" % (clock.now(), raw)
        pipe.rpush(keys.of_channel("dead", new.channel), cast(Any, entry))
    if before is not None:
        pipe.set(memory, dialogues.encode(dialogues.merged(_unpointed(before), after or Dialogue())))
    elif after is None:
        pipe.delete(memory)


def _leave(pipe: Pipeline, old: _Side) -> None:
    """Empty what stood under the old name; its fence stays, so that whoever comes late writes nothing there."""
    lane, *rest = (keys.of_channel(kind, old.channel) for kind in _KINDS)
    pipe.delete(*rest)
    pipe.hincrby(lane, "fence", 1)
    if fields := [field for field in old.lane if field != b"fence"]:
        pipe.hdel(lane, *cast(list[str], fields))
    pipe.zrem(keys.ready(keys.partition(old.channel), old.channel.platform), str(old.channel))


def _event(raw: bytes, to: ChannelKey) -> bytes | None:
    """An event under another name; None for the move that is done with this one."""
    try:
        event = decode_event(raw)
    except PermanentError:
        return raw
    if isinstance(event, Move) and event.to == to:
        return None
    return encode_event(_renamed(event, to))


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


def _part(raw: bytes, to: ChannelKey) -> bytes | None:
    """A part under another name; None for one that only takes an earlier one away."""
    try:
        there = moved(decode_part(raw), to)
    except PermanentError:
        return raw
    return None if there is None else encode_part(there)


def _unpointed(dialogue: Dialogue) -> Dialogue:
    return replace(dialogue, turns=tuple(replace(turn, ref="") for turn in dialogue.turns))


def _dialogue(raw: bytes) -> Dialogue | None:
    try:
        return dialogues.decode(raw)
    except PermanentError:
        return None
