"""What erasing and retention read and write of a lane's hash, as commands of their own transactions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio.client import Pipeline

from core.lanes.claim import of_turn
from core.store import keys
from core.store.codec import PART, Codec, home_of
from core.values.channel import ChannelKey
from core.values.parts import Part

_RING = """
-- KEYS lane   ARGV wake_channel bell
local wake, bell = unpack(ARGV)
return redis.call('PUBLISH', wake, bell)
"""
_ABOUT = ("stop", "draft", "heard")
"""Fields that begin with the id of an event."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What a lane knows of what it is at; `about`: field -> the event that it tells of."""

    leased: bool
    outgoing: bool
    draft: tuple[str, str]
    about: dict[str, str]


async def noted(pipe: Pipeline, channel: ChannelKey) -> Noted:
    """How a watched lane stands."""
    lane = keys.of_channel("lane", channel)
    found = cast(list[bytes | None], await cast(Any, pipe.hmget(lane, "held", "outgoing", *_ABOUT)))
    leased, outgoing, *about = (value or b"" for value in found)
    told = {field: of_turn(value) for field, value in zip(_ABOUT, about, strict=True)}
    turn, ref = told["draft"]
    return Noted(
        leased == b"1", outgoing == b"1", (turn, ref.decode()), {field: turn for field, (turn, _) in told.items()}
    )


def drop(pipe: Pipeline, channel: ChannelKey, before: Noted, events: Collection[str], *, parts: bool) -> None:
    """Forget what a lane knew of events, and of `parts` where some went, that are no more."""
    gone = [field for field, event in before.about.items() if event in events]
    sent = ["outgoing", "sending", "owed"] if parts else []
    pipe.hdel(keys.of_channel("lane", channel), *gone, *sent, "tries", "deaths")


def cancel(pipe: Pipeline, channel: ChannelKey, ids: Collection[str]) -> None:
    """Have these planned events not come."""
    if ids:
        pipe.hdel(keys.of_channel("planned", channel), *ids)
        pipe.zrem(keys.later(keys.partition(channel), channel.platform), *(keys.due(channel, id) for id in ids))


def ring(pipe: Pipeline, channel: ChannelKey) -> None:
    """Tell all who listen that a lane may be due, within a transaction: by a script, which names a slot for it."""
    arguments = (1, keys.of_channel("lane", channel), keys.WAKE, keys.bell(channel))
    pipe.execute_command("EVAL", _RING, *arguments)


def interrupt(pipe: Pipeline, codec: Codec, channel: ChannelKey, parts: Sequence[Part]) -> None:
    """Take a lane from whoever thinks there; what is left in it, and these parts, is due at once."""
    lane, ready = keys.of_channel("lane", channel), keys.ready(keys.partition(channel), channel.platform)
    pipe.hincrby(lane, "fence", 1)
    pipe.hdel(lane, "held")
    if parts:
        raws = [codec.seal(PART, home_of(channel), part) for part in parts]
        pipe.rpush(keys.of_channel("out", channel), *raws)
        pipe.hset(lane, "outgoing", "1")
        pipe.persist(lane)
        pipe.zadd(ready, {str(channel): 0}, nx=True)
    pipe.zadd(ready, {str(channel): 0}, xx=True)
    ring(pipe, channel)
