"""Erases what is older than RETENTION_DAYS, once an hour; and lets Redis do it where no Parley runs any more.

A lane that somebody works on is left to the next time, because what is being committed there would bring it back.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

from redis.exceptions import WatchError

from core import clock
from core.errors import PermanentError, RetryableError
from core.feedback.ratings import RATING_KIND
from core.lanes import dead_letters, voiding
from core.privacy.aof_rewrite import Files
from core.privacy.cache_invalidation import Invalidation
from core.store import keys
from core.store.codec import DIALOGUE, home_of
from core.store.redis import Store, translated
from core.store.table import TABLE, Kind
from core.telemetry import log
from core.values import dialogue as dialogues
from core.values.channel import ChannelKey

_LOG = log("sweeping")
_LOOK_AGAIN_S = 600.0
_GRACE_S = keys.DAY_S
"""Redis erases a whole key so much later than what is newest in it would go, because it may have grown meanwhile."""
_INDEX = ("people", "channels")
_ENDLESS = ("dlg", "fb", "dead", *_INDEX)


class Retention:
    """One a process. With 0 `days` nothing is ever too old."""

    def __init__(self, store: Store, days: int, invalidation: Invalidation) -> None:
        self._redis = store.redis
        self._codec = store.codec
        self._kept_s = days * keys.DAY_S
        self._invalidation = invalidation
        self._files = Files(store)

    async def run(self) -> None:
        """Sweep until cancelled; of all processes one does it at a time."""
        while True:
            try:
                with translated():
                    mine = await self._redis.set(keys.swept(), 1, nx=True, ex=keys.SWEPT_S)
                if mine:
                    await self.sweep()
            except RetryableError as error:
                _LOG.warning("what is too old stays for now: %s", error)
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def sweep(self) -> int:
        """Erase what is too old; returns how many turns, summaries, ratings, files and the like that were."""
        if not self._kept_s:
            async for key in self._keys(*_ENDLESS):
                with translated():
                    await self._redis.persist(key)
            return 0
        swept = 0
        for kind, sweep in (("dlg", self._turns), ("fb", self._ratings), ("dead", self._dead)):
            async for key in self._keys(kind):
                swept += await sweep(key)
        async for key in self._keys(*_INDEX):
            await self._index(key)
        for kind in TABLE:
            if kind.personal and kind.lifetime_s and kind.lifetime_s > self._kept_s:
                swept += await self._shorten(kind)
        if swept:
            _LOG.info("%d entries were older than %d days", swept, self._kept_s // keys.DAY_S)
            await self._files.write_anew()
        return swept

    async def _keys(self, *kinds: str) -> AsyncGenerator[str, None]:
        for kind in kinds:
            with translated():
                async for raw in self._redis.scan_iter(match=f"parley:*:{kind}:*", count=1000):
                    if keys.named(key := cast(bytes, raw).decode())[0] == kind:
                        yield key

    @property
    def _oldest(self) -> float:
        return clock.now() - self._kept_s

    async def _turns(self, key: str) -> int:
        """Turns, and the summary that tells of them."""
        channel = ChannelKey.parse(keys.named(key)[1])
        lane = keys.of_channel("lane", channel)
        try:
            with translated():
                async with self._redis.pipeline(transaction=True) as pipe:
                    await pipe.watch(lane, key)
                    raw, state = await cast(Any, pipe.get(key)), await voiding.noted(pipe, channel)
                    before = self._codec.open(DIALOGUE, home_of(channel), raw)
                    if state.leased:
                        return 0
                    after = dialogues.newer(before, self._oldest)
                    pipe.multi()
                    if after.turns or after.summary:
                        if after != before:
                            pipe.set(key, self._codec.seal(DIALOGUE, home_of(channel), after))
                        self._expire(pipe, key, max((turn.at for turn in after.turns), default=after.since))
                    else:
                        pipe.delete(key)
                    await pipe.execute()
        except WatchError:
            return 0  # somebody came: the next time
        except PermanentError:
            return 0  # whoever claims the lane sets it aside
        if after == before:
            return 0
        await self._invalidation.tell(channel)
        return len(before.turns) - len(after.turns) + bool(before.summary and not after.summary)

    async def _ratings(self, key: str) -> int:
        try:
            with translated():
                async with self._redis.pipeline(transaction=True) as pipe:
                    await pipe.watch(key)
                    table = cast(dict[bytes, bytes], await cast(Any, pipe.hgetall(key)))
                    ages = {field: self._rated_at(key, raw) for field, raw in table.items()}
                    old = [field for field, at in ages.items() if at < self._oldest]
                    pipe.multi()
                    if old:
                        pipe.hdel(key, *old)
                    self._expire(pipe, key, max(ages.values(), default=0.0))
                    await pipe.execute()
        except WatchError:
            return 0
        return len(old)

    async def _dead(self, key: str) -> int:
        with translated():
            entries = cast(list[bytes], await cast(Any, self._redis.lrange(key, 0, -1)))
            ages = [self._given_up_at(key, entry) for entry in entries]
            old = [entry for entry, at in zip(entries, ages, strict=True) if at < self._oldest]
            async with self._redis.pipeline(transaction=True) as pipe:
                for entry in old:
                    pipe.lrem(key, 1, cast(Any, entry))
                self._expire(pipe, key, max(ages, default=0.0))
                await pipe.execute()
        return len(old)

    async def _index(self, key: str) -> None:
        """Who was where: longer ago than anything that is kept of them there. What is planned may be kept for long."""
        kind, name = keys.named(key)
        try:
            with translated():
                async with self._redis.pipeline(transaction=True) as pipe:
                    await pipe.watch(key)
                    ages = cast(list[tuple[bytes, float]], await cast(Any, pipe.zrange(key, 0, -1, withscores=True)))
                    old = [each for each, at_ms in ages if at_ms < 1000 * (self._oldest - _GRACE_S)]
                    places = {each: name if kind == "people" else each.decode() for each in old}
                    planned = {each for each, place in places.items() if await self._has_planned(place)}
                    pipe.multi()
                    if left := set(old) - planned:
                        pipe.zrem(key, *left)
                    if planned:
                        pipe.persist(key)
                    else:
                        self._expire(pipe, key, max((at_ms for _, at_ms in ages), default=0.0) / 1000)
                    await pipe.execute()
        except WatchError:
            return  # somebody came: the next time

    async def _has_planned(self, channel: str) -> bool:
        return bool(await self._redis.exists(keys.of_channel("planned", ChannelKey.parse(channel))))

    def _expire(self, pipe: Any, key: str, newest: float) -> None:
        pipe.expireat(key, int(newest + self._kept_s + _GRACE_S))

    async def _shorten(self, kind: Kind) -> int:
        """Keys with a lifetime of their own that is longer: one whose rest is still longer was not shortened yet."""
        erased, lifetime_s = 0, cast(int, kind.lifetime_s)
        async for key in self._keys(kind.name):
            with translated():
                rest_s = await self._redis.ttl(key)
                if rest_s <= self._kept_s:
                    continue
                left_s = self._kept_s - (lifetime_s - rest_s)
                if left_s > 0:
                    await self._redis.expire(key, left_s)
                else:
                    erased += await self._redis.delete(key)
        return erased

    def _rated_at(self, key: str, raw: bytes) -> float:
        channel = ChannelKey.parse(keys.named(key)[1])
        return getattr(self._codec.read(RATING_KIND, home_of(channel), raw).value, "at", 0.0)

    def _given_up_at(self, key: str, raw: bytes) -> float:
        """When something was given up; of what tells no time, when it was sent, if that is known."""
        letter = dead_letters.read(self._codec, ChannelKey.parse(keys.named(key)[1]), raw)
        return letter.at if letter.at is not None else float(getattr(letter.entry.value, "sent_at", 0.0))
