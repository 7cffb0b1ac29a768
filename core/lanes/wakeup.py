"""Tells idle workers where a lane may be due, so that nobody polls.

`accept` publishes the partition, `schedule` also when; every process listens. A message lost on the way (pub/sub
promises nothing) and lanes that come due by time alone are found by a slow sweep, which looks ahead as far as the next
one, so that what is planned rings at its time.

Each partition has one process that hears it first (rendezvous hashing, Thaler and Ravishankar 1996), so that a channel
stays where its model's cache is; the others come a moment later, in case that one is busy or gone.
"""

import asyncio
import contextlib
from binascii import crc32
from collections.abc import Sequence
from math import inf
from typing import cast

from core import clock
from core.errors import RetryableError
from core.store import keys
from core.store.redis import Store, translated
from core.telemetry import log
from core.values.channel import PlatformName

_LOG = log("doorbell")
_SWEEP_S = 2.0
_HEAD_START_S = 0.15
_GONE_S = 3 * _SWEEP_S

Due = tuple[int, PlatformName]


class Doorbell:
    """An ordered set of (partition, platform) to try; `listen` must run beside the workers."""

    def __init__(self, store: Store, platforms: Sequence[PlatformName], worker_id: str = "") -> None:
        self._redis = store.redis
        self._worker_id = worker_id
        self._worker_ids = [worker_id]
        self._platforms = tuple(platforms)
        self._due: dict[Due, None] = {}
        self._rung = asyncio.Condition()
        self._silent = False
        self._hearing = asyncio.Event()
        self._later: set[asyncio.Task[None]] = set()

    async def ring(self, part: int, platform: PlatformName) -> None:
        """A lane of this partition may be due."""
        async with self._rung:
            self._due[part, platform] = None
            self._rung.notify()

    def ring_later(self, part: int, platform: PlatformName, after_s: float) -> None:
        """A lane of this partition will be due in `after_s` seconds."""

        async def ring() -> None:
            await asyncio.sleep(after_s)
            await self.ring(part, platform)

        task = asyncio.create_task(ring())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _ring_in(self, part: int, platform: PlatformName, after_s: float) -> None:
        if after_s > 0:
            self.ring_later(part, platform, after_s)
        else:
            await self.ring(part, platform)

    async def silence(self) -> None:
        """Hand out no ring any more: `next` returns None from now on."""
        async with self._rung:
            self._silent = True
            self._rung.notify_all()

    async def next(self) -> Due | None:
        """Wait for a ring; each is handed out once. None when the bell is silenced."""
        async with self._rung:
            await self._rung.wait_for(lambda: self._silent or bool(self._due))
            if self._silent:
                return None
            due = next(iter(self._due))
            del self._due[due]
            return due

    async def listen(self) -> None:
        """Ring for everything that becomes due, until cancelled; survives a Redis that goes away."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hear_accepts())
            group.create_task(self._sweep())

    async def _hear_accepts(self) -> None:
        while True:
            try:
                with translated():
                    async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
                        await subscription.subscribe(keys.WAKE, keys.LATER)
                        self._hearing.set()
                        while True:
                            with translated():
                                message = await subscription.get_message(timeout=60)
                            if message is not None:
                                await self._heard(cast(bytes, message["data"]).decode())
            except RetryableError as error:
                _LOG.warning("not hearing new messages, sweeping every %.0f s: %s", _SWEEP_S, error)
                await asyncio.sleep(_SWEEP_S)

    async def _heard(self, bell: str) -> None:
        part, name, *ms = bell.split()
        after_s = sum(map(int, ms)) / 1000
        if after_s > _SWEEP_S:
            return  # a sweep comes before that
        for platform in self._platforms:
            if platform == name:
                wait_s = after_s if self._hears_first(int(part)) else after_s + _HEAD_START_S
                await self._ring_in(int(part), platform, wait_s)

    def _hears_first(self, part: int) -> bool:
        return self._worker_id == max(self._worker_ids, key=lambda worker_id: crc32(f"{worker_id}/{part}".encode()))

    async def _sweep(self) -> None:
        # What was accepted before the subscription stood is found by the first sweep.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SWEEP_S):
                await self._hearing.wait()
        everywhere: list[Due] = [(part, platform) for part in range(keys.PARTITIONS) for platform in self._platforms]
        while True:
            try:
                for due, after_s in await self._due_soon(everywhere):
                    await self._ring_in(*due, after_s)
            except RetryableError as error:
                _LOG.warning("sweep failed: %s", error)
            await asyncio.sleep(_SWEEP_S)

    async def _due_soon(self, everywhere: Sequence[Due]) -> list[tuple[Due, float]]:
        """Where something is due before the next sweep, and in how many seconds; keeps who else answers."""
        with translated():
            seconds, microseconds = await self._redis.time()
            now_ms = 1000 * seconds + microseconds // 1000
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.zadd(keys.workers(), {self._worker_id: clock.now()})
                pipeline.zremrangebyscore(keys.workers(), "-inf", clock.now() - _GONE_S)
                pipeline.zrange(keys.workers(), 0, -1)
                for part, platform in everywhere:
                    for key in (keys.ready(part, platform), keys.later(part, platform)):
                        pipeline.zrange(key, 0, 0, withscores=True)
                _, _, owners, *firsts = await pipeline.execute()
        self._worker_ids = [owner.decode() for owner in owners]
        due_ms = [first[0][1] if first else inf for first in firsts]
        waits = ((min(ready, later) - now_ms) / 1000 for ready, later in zip(due_ms[::2], due_ms[1::2], strict=True))
        return [(due, wait_s) for due, wait_s in zip(everywhere, waits, strict=True) if wait_s <= _SWEEP_S]
