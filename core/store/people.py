"""Who was where: the channels of a person and the people of a channel, so that nobody searches the keyspace for them.

Kept by `Lanes.accept` in the same step as the event itself, beside it: a person has one set of channels a partition.
An entry tells only that something may be kept; looking tells whether it is.
"""

from collections.abc import Iterable
from typing import Any, cast

from core.store import keys
from core.store.redis import Store, translated
from core.values.channel import ChannelKey, PlatformName

_LEAVE = """
-- KEYS people channels ids   ARGV channel person before_ms ids_ms
-- forgets who was there, unless they came again since; with the last one go the ids of that time
local people, channels, ids = unpack(KEYS)
local channel, person, before_ms, ids_ms = unpack(ARGV)
local at = redis.call('ZSCORE', channels, channel)
if at and tonumber(at) > tonumber(before_ms) then return 0 end
redis.call('ZREM', people, person)
redis.call('ZREM', channels, channel)
if redis.call('ZCARD', people) == 0 then redis.call('ZREMRANGEBYSCORE', ids, '-inf', before_ms + ids_ms) end
return 1
"""


class People:
    """One for all channels; each method raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._leave = store.redis.register_script(_LEAVE)

    async def channels_of(self, platform: PlatformName, person: str) -> list[ChannelKey]:
        """Where something of a person may be kept; one round trip."""
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for part in range(keys.PARTITIONS):
                    pipe.zrange(keys.channels(part, platform, person), 0, -1)
                found = cast(list[list[bytes]], await pipe.execute())
        return [ChannelKey.parse(name.decode()) for names in found for name in names]

    async def knows(self, platform: PlatformName, person: str) -> bool:
        """Whether anything may be kept of a person, be it only their consent."""
        names = [keys.channels(part, platform, person) for part in range(keys.PARTITIONS)]
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in (*names, keys.of_person("consent", platform, person)):
                    pipe.exists(name)
                return any(await pipe.execute())

    async def of(self, channel: ChannelKey) -> list[str]:
        """The ids of those of whom a channel may keep something."""
        with translated():
            found = cast(list[bytes], await cast(Any, self._redis.zrange(keys.of_channel("people", channel), 0, -1)))
        return [person.decode() for person in found]

    async def others_than(self, person: str, channel: ChannelKey) -> bool:
        """Whether a channel may keep something of anybody else."""
        return bool(set(await self.of(channel)) - {person})

    async def add(self, channel: ChannelKey, people: Iterable[str], ids: Iterable[str] = ()) -> None:
        """People of whom a channel has something that it did not accept itself, and ids of it; safe to repeat."""
        at, part = await self.now_ms(), keys.partition(channel)
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for person in people:
                    pipe.zadd(keys.of_channel("people", channel), {person: at}, nx=True)
                    pipe.zadd(keys.channels(part, channel.platform, person), {str(channel): at}, nx=True)
                for id in ids:
                    pipe.zadd(keys.of_channel("ids", channel), {id: at + 1000 * keys.REF_S}, gt=True)
                    pipe.expire(keys.of_channel("ids", channel), keys.REF_S)
                await pipe.execute()

    async def leave(self, channel: ChannelKey, people: Iterable[str], before_ms: int) -> None:
        """Nothing is kept of these people in a channel any more, but what came after that time."""
        there, ids = keys.of_channel("people", channel), keys.of_channel("ids", channel)
        with translated():
            for person in people:
                theirs = keys.channels(keys.partition(channel), channel.platform, person)
                arguments = [str(channel), person, before_ms, 1000 * keys.REF_S]
                await self._leave(keys=[there, theirs, ids], args=arguments)

    async def now_ms(self) -> int:
        """The server's time, by which entries are dated."""
        with translated():
            seconds, microseconds = await self._redis.time()
        return 1000 * seconds + microseconds // 1000
