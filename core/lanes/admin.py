"""The upkeep of lanes: how each one stands, work that was set aside put back, and a channel's move to another name."""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

from core import clock
from core.errors import PermanentError
from core.lanes.worker_id import died_here
from core.store import keys
from core.store.people import People
from core.store.redis import Store, translated
from core.values.channel import ChannelKey, PlatformName
from core.values.events import decode_event, encode_event
from core.values.parts import decode_part, encode_part

_INHERIT = """
-- KEYS lane ready   ARGV channel owner aside_ms   what a dead owner held is due now, or later for each one that died
-- over it before -> in how many milliseconds, -1 when it is not the dead one's any more
local found = redis.call('HMGET', KEYS[1], 'owner', 'held', 'deaths')
if found[1] ~= ARGV[2] or found[2] ~= '1' then return -1 end
local time = redis.call('TIME')
local after = ARGV[3] * (found[3] or 0)
redis.call('ZADD', KEYS[2], 'XX', time[1] * 1000 + math.floor(time[2] / 1000) + after, ARGV[1])
return after
"""
_ASIDE_S = 0.3
"""For each owner that died over a lane: the others come first, so that no innocent one is tried in every life."""
_MOVING = ("in", "out", "dlg", "prefs", "fb", "lane")


@dataclass(frozen=True, slots=True)
class Standing:
    """How one lane stands: events and parts that wait, since when (the first event's time), the claim's owner."""

    channel: ChannelKey
    events: int
    parts: int
    since: float | None
    owner: str
    tries: int
    dead: int


class Upkeep:
    """For whoever looks after Parley; each method raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._people = People(store)
        self._inherit = store.redis.register_script(_INHERIT)

    async def standings(self) -> AsyncGenerator[Standing, None]:
        """Every lane in which something waits or was set aside."""
        names: set[str] = set()
        with translated():
            async for key in self._redis.scan_iter(match="parley:*:ready:*", count=1000):
                names |= {name.decode() for name in cast(list[bytes], await self._redis.zrange(key, 0, -1))}
            async for key in self._redis.scan_iter(match="parley:*:dead:*", count=1000):
                names.add(key.decode().split(":dead:", 1)[1])
        for name in sorted(names):
            yield await self._standing(ChannelKey.parse(name))

    async def oldest(self) -> float | None:
        """When the message that waits longest was sent, seconds since the epoch; None when nothing waits."""
        times = [standing.since async for standing in self.standings()]
        return min((time for time in times if time is not None), default=None)

    async def _standing(self, channel: ChannelKey) -> Standing:
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for kind in ("in", "out", "dead"):
                    pipe.llen(keys.of_channel(kind, channel))
                pipe.lindex(keys.of_channel("in", channel), 0)
                pipe.hmget(keys.of_channel("lane", channel), "owner", "tries", "deaths")
                events, parts, dead, head, (owner, tries, deaths) = await pipe.execute()
        tried = int(tries or 0) + int(deaths or 0)
        return Standing(channel, events, parts, _time_of(head), (owner or b"").decode(), tried, dead)

    async def inherit(self, me: str, platforms: Iterable[PlatformName]) -> dict[ChannelKey, float]:
        """Make due what processes of this machine held that are no more, so that nobody waits for their leases to end.

        `me` is the owner that asks. Returns in how many seconds each of these lanes is due.
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

    async def move(self, old: ChannelKey, to: ChannelKey) -> None:
        """Give all that a channel has to another name; what the new name has already stays behind it.

        For the owner of the old lane. Not atomic, for the two may live on different nodes: a crash in between does it
        again.
        """
        await self._people.add(to, await self._people.of(old))
        with translated():
            for kind in ("in", "out"):
                raws: list[bytes] = await cast(Any, self._redis.lrange(keys.of_channel(kind, old), 0, -1))
                if moved := [_renamed(kind, raw, to) for raw in raws if not _is_move(kind, raw)]:
                    await cast(Any, self._redis.lpush(keys.of_channel(kind, to), *reversed(moved)))
            for kind in ("dlg", "prefs", "fb"):
                raw = await self._redis.dump(keys.of_channel(kind, old))
                if raw is not None and not await self._redis.exists(keys.of_channel(kind, to)):
                    await self._redis.restore(keys.of_channel(kind, to), 0, raw)
            await self._redis.zadd(keys.ready(keys.partition(to), to.platform), {str(to): 0}, nx=True)
            await self._redis.zrem(keys.ready(keys.partition(old), old.platform), str(old))
            await self._redis.delete(*(keys.of_channel(kind, old) for kind in _MOVING))
            await self._redis.publish(keys.WAKE, keys.bell(to))


def _time_of(head: bytes | None) -> float | None:
    if head is None:
        return None
    try:
        event = decode_event(head)
    except PermanentError:
        return None
    return getattr(event, "sent_at", None)


def _is_move(kind: str, raw: bytes) -> bool:
    return kind == "in" and b'"type":"move"' in raw


def _renamed(kind: str, raw: bytes, to: ChannelKey) -> bytes:
    if kind == "out":
        return encode_part(replace(decode_part(raw), channel=to))
    return encode_event(replace(decode_event(raw), channel=to))
