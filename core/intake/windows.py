"""Where the `limits` library counts: windows of a fixed length in the Redis that all processes share.

The library's own storages make clients of their own, which know of no Sentinel or cluster that ours is on.
"""

from typing import cast

from limits.aio.storage import Storage
from redis.exceptions import RedisError

from core import clock
from core.store import keys
from core.store.redis import Store

_COUNT = """
-- KEYS window   ARGV lifetime_s amount   -> what is used by now; the first use begins the window
local window = unpack(KEYS)
local lifetime_s, amount = unpack(ARGV)
local used = redis.call('INCRBY', window, amount)
if used == tonumber(amount) then redis.call('EXPIRE', window, lifetime_s) end
return used
"""


class Windows(Storage):
    """One counter a key, which is gone when its window ends."""

    STORAGE_SCHEME = None

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._redis = store.redis
        self._count = store.redis.register_script(_COUNT)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What Redis raises."""
        return RedisError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Use so much of a window; what is used by now."""
        return int(await self._count(keys=[keys.quota(key)], args=[expiry, amount]))

    async def get(self, key: str) -> int:
        """What is used of a window."""
        return int(cast(bytes | None, await self._redis.get(keys.quota(key))) or 0)

    async def get_expiry(self, key: str) -> float:
        """When a window ends, in seconds since the epoch."""
        return clock.now() + max(0, await self._redis.pttl(keys.quota(key))) / 1000

    async def check(self) -> bool:
        """Whether Redis answers."""
        return bool(await self._redis.ping())

    async def reset(self) -> int | None:
        """Nothing: windows end by themselves."""

    async def clear(self, key: str) -> None:
        """Begin a window anew."""
        await self._redis.delete(keys.quota(key))
