"""The only loop: claim a lane, take its next step, give it back.

Of one channel at most one event is worked on at a time, of all channels as many as there are workers.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from core.errors import RetryableError
from core.lanes.claim import Claim, Fenced
from core.lanes.lanes import LEASE_S, Charge, Lanes
from core.lanes.wakeup import Doorbell
from core.store import keys
from core.telemetry import log, timed
from core.turns.dispatch import Turns
from core.values.channel import ChannelKey

_LOG = log("worker")
_WORKERS = 16
"""Turns at once: they mostly wait for the network, the ears' thread or the model's."""
_LEAVE_S = 2.0
_SUSPECTED = 2
"""Workers that died over a lane, before it is tried apart from others like it."""
_ASIDE_S = 1.0


class Worker:
    """Serves everything that the lanes of this process's platforms hold."""

    def __init__(self, lanes: Lanes, doorbell: Doorbell, turns: Turns) -> None:
        self._lanes = lanes
        self._doorbell = doorbell
        self._turns = turns
        self._running: dict[ChannelKey, asyncio.Task[bool]] = {}
        self._suspected = asyncio.Lock()

    async def run(self) -> None:
        """Work until cancelled or until the doorbell is silenced, which lets running turns end.

        What a cancel leaves in the middle is given back at once; after a crash it comes back when its lease ends.
        """
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._doorbell.listen())
            workers = [group.create_task(self._work()) for _ in range(_WORKERS)]
            await asyncio.wait(workers)
            listening.cancel()

    async def _work(self) -> None:
        while (due := await self._doorbell.next()) is not None:
            part, platform = due
            try:
                with timed("claim"):
                    claim = await self._lanes.claim(part, platform)
                if claim is None:
                    continue
                if claim.another:
                    await self._doorbell.ring(part, platform)
                if await self._take(claim):
                    await self._doorbell.ring(part, platform)
            except RetryableError as error:
                _LOG.warning("%s", error)
                await asyncio.sleep(error.after_s)

    async def _take(self, claim: Claim) -> bool:
        """Of the lanes whose owners have died one is tried at a time, so that the innocent are not charged with it."""
        if claim.crashes < _SUSPECTED:
            return await self._serve(claim)
        if self._suspected.locked():
            await self._put_off(claim, _ASIDE_S)
            return False
        async with self._suspected:
            return await self._serve(claim)

    async def _serve(self, claim: Claim) -> bool:
        """Work on a lane in a task of its own, which ends when the lane is lost. Returns whether more waits."""
        if (before := self._running.get(claim.channel)) is not None:
            before.cancel()  # somebody stopped it, or its lease ran out
        turn = self._running[claim.channel] = asyncio.create_task(self._turns.step(claim))
        try:
            async with self._renewing(claim, turn):
                await asyncio.wait({turn})
                return turn.result()
        except asyncio.CancelledError:
            if _is_cancelled():  # the worker, not only the turn
                turn.cancel()
                await asyncio.gather(turn, return_exceptions=True)
                await self._leave(claim)
                raise
            _LOG.info("%s: what was being made is void", claim.channel)
            return False
        except Fenced as error:
            _LOG.warning("%s", error)
            return False
        except RetryableError as error:
            after_s = max(error.after_s, _backoff_s(claim.attempts))
            _LOG.warning("%s: again in %.1f s: %s", claim.channel, after_s, error)
            await self._put_off(claim, after_s, charged="attempts")
            return False
        except Exception:
            # A death that the process survives: nobody foresaw it, and no other lane has to suffer.
            _LOG.exception("%s: an error that nobody foresaw", claim.channel)
            await self._put_off(claim, _backoff_s(claim.crashes), charged="crashes")
            return False
        finally:
            if self._running.get(claim.channel) is turn:
                del self._running[claim.channel]

    async def _put_off(self, claim: Claim, after_s: float, charged: Charge = "") -> None:
        await self._free(claim, after_s, charged)
        self._doorbell.ring_later(keys.partition(claim.channel), claim.channel.platform, after_s)

    async def _free(self, claim: Claim, after_s: float, charged: Charge = "") -> None:
        try:
            await self._lanes.free(claim, after_s, charged=charged)
        except Fenced as error:
            _LOG.warning("%s", error)

    async def _leave(self, claim: Claim) -> None:
        """Whoever comes next need not wait for the lease to end."""
        try:
            async with asyncio.timeout(_LEAVE_S):
                await self._free(claim, 0.0)
        except (RetryableError, TimeoutError) as error:
            _LOG.warning("%s: left until its lease ends: %s", claim.channel, error)

    @contextlib.asynccontextmanager
    async def _renewing(self, claim: Claim, turn: asyncio.Task[bool]) -> AsyncGenerator[None, None]:
        async def renew() -> None:
            while True:
                await asyncio.sleep(LEASE_S / 3)
                try:
                    await self._lanes.renew(claim)
                except RetryableError as error:
                    _LOG.warning("%s: lease not renewed: %s", claim.channel, error)
                except Fenced:
                    turn.cancel()
                    return

        renewal = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewal.cancel()
            await asyncio.wait({renewal})


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _backoff_s(attempts: int) -> float:
    return min(15.0, 0.5 * 2**attempts)
