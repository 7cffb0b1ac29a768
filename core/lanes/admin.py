"""The upkeep of lanes: how each one stands, work that was given up put back, and a channel's move to another name."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, cast, get_args

from core import clock
from core.lanes import moving
from core.lanes.claim import Claim
from core.lanes.worker_id import died_here
from core.store import keys
from core.store.codec import EVENT, home_of
from core.store.people import People
from core.store.redis import Store, translated
from core.values.channel import ChannelKey, PlatformName

_INHERIT = """
-- KEYS lane ready   ARGV channel owner aside_ms   what a dead owner held is due now, or later for each one that died
-- over it before -> in how many milliseconds, -1 when it is not the dead one's any more
local lane, ready = unpack(KEYS)
local channel, owner, aside_ms = unpack(ARGV)
local found = redis.call('HMGET', lane, 'owner', 'held', 'deaths')
if found[1] ~= owner or found[2] ~= '1' then return -1 end
local time = redis.call('TIME')
local after = aside_ms * (found[3] or 0)
redis.call('ZADD', ready, 'XX', time[1] * 1000 + math.floor(time[2] / 1000) + after, channel)
return after
"""
_LOOKED_AT = 16
"""Lanes of one queue that health looks at, so that a full house costs it no more than a busy one."""
_ASIDE_S = 0.3
"""For each owner that died over a lane: the others come first, so that no innocent one is tried in every life."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one lane stands: events and parts that wait, since when (the first event's time), who claimed it."""

    channel: ChannelKey
    events: int
    parts: int
    since: float | None
    worker_id: str
    attempts: int
    dead: int


class Upkeep:
    """For whoever looks after Parley; each method raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._redis = store.redis
        self._people = People(store)
        self._inherit = store.redis.register_script(_INHERIT)

    async def standings(self) -> AsyncGenerator[Standing, None]:
        """Every lane in which something waits or was given up."""
        names: set[str] = set()
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for part, platform in _queues():
                    pipe.zrange(keys.ready(part, platform), 0, -1)
                names |= {name.decode() for due in cast(list[list[bytes]], await pipe.execute()) for name in due}
            async for key in self._redis.scan_iter(match="parley:*:dead:*", count=1000):
                names.add(key.decode().split(":dead:", 1)[1])
        for name in sorted(names):
            yield await self._standing(ChannelKey.parse(name))

    async def oldest(self) -> float | None:
        """When the message that waits longest was sent, seconds since the epoch; None when nothing waits.

        Two round trips over keys that are known by name; of each queue only the lanes that are due first are looked at.
        """
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for part, platform in _queues():
                    pipe.zrange(keys.ready(part, platform), 0, _LOOKED_AT - 1)
                names = [name for due in cast(list[list[bytes]], await pipe.execute()) for name in due]
                channels = [ChannelKey.parse(name.decode()) for name in names]
                for channel in channels:
                    pipe.lindex(keys.of_channel("in", channel), 0)
                heads = cast(list[bytes | None], await pipe.execute())
        times = (self._sent_at(channel, head) for channel, head in zip(channels, heads, strict=True))
        return min((time for time in times if time is not None), default=None)

    def _sent_at(self, channel: ChannelKey, head: bytes | None) -> float | None:
        if head is None:
            return None
        return getattr(self._store.codec.read(EVENT, home_of(channel), head).value, "sent_at", None)

    async def _standing(self, channel: ChannelKey) -> Standing:
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for kind in ("in", "out", "dead"):
                    pipe.llen(keys.of_channel(kind, channel))
                pipe.lindex(keys.of_channel("in", channel), 0)
                pipe.hmget(keys.of_channel("lane", channel), "owner", "tries", "deaths")
                events, parts, dead, head, (owner, tries, deaths) = await pipe.execute()
        tried = int(tries or 0) + int(deaths or 0)
        return Standing(channel, events, parts, self._sent_at(channel, head), (owner or b"").decode(), tried, dead)

    async def inherit(self, me: str, platforms: Iterable[PlatformName]) -> dict[ChannelKey, float]:
        """Make due what processes of this machine held that are no more, so that nobody waits for their leases to end.

        `me` is the name of whoever asks. Returns in how many seconds each of these lanes is due.
        """
        queues = [keys.ready(part, platform) for part in range(keys.PARTITIONS) for platform in platforms]
        due: dict[ChannelKey, float] = {}
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for ready in queues:
                    pipe.zrangebyscore(ready, clock.now() * 1000, "+inf")
                later = cast(list[list[bytes]], await pipe.execute())
            for ready, names in zip(queues, later, strict=True):
                for name in names:
                    channel = ChannelKey.parse(name.decode())
                    lane = keys.of_channel("lane", channel)
                    owner = cast(bytes | None, await cast(Any, self._redis.hget(lane, "owner")))
                    if owner is not None and died_here(owner.decode(), me):
                        after_ms = await self._inherit(keys=[lane, ready], args=[name, owner, int(1000 * _ASIDE_S)])
                        if after_ms >= 0:
                            due[channel] = after_ms / 1000
        return due

    async def move(self, claim: Claim, to: ChannelKey) -> None:
        """Give all that the claimed channel has to another name; see `moving`."""
        await self._people.add(to, await self._people.of(claim.channel))
        await moving.move(self._store, claim, to)


def _queues() -> Iterator[tuple[int, PlatformName]]:
    return product(range(keys.PARTITIONS), get_args(PlatformName))
