"""How fast each chat and each bot may send: budgets in Redis that all processes share, and pauses that platforms want.

A budget is a generic cell rate algorithm (ITU-T I.371): the key holds the time at which it would be unused again.
Answers reserve their place and wait for it; drafts and typing signs go only where there is room to spare.
"""

import asyncio
from collections.abc import Sequence

from redis.exceptions import NoScriptError

from core.platform import Budget
from core.store import keys
from core.store.redis import Store, translated
from core.values.channel import ChannelKey

_SPARE = 0.5
"""Share of a burst that drafts leave to answers."""
_SCRIPT = """
-- KEYS budget   ARGV every_ms burst_ms reserve(1 or 0) -> ms to wait, -1 when it was not reserved
local budget = unpack(KEYS)
local every_ms, burst_ms, reserve = unpack(ARGV)
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local free = math.max(tonumber(redis.call('GET', budget) or '0'), now)
local wait = free - now - burst_ms
if wait > 0 and reserve == '0' then return -1 end
free = free + every_ms
redis.call('SET', budget, free, 'PX', math.ceil(free - now) + 1000)
return math.max(0, math.ceil(wait))
"""
_HOLD = """
-- KEYS budget   ARGV burst_ms pause_ms
local budget = unpack(KEYS)
local burst_ms, pause_ms = unpack(ARGV)
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local free = math.max(tonumber(redis.call('GET', budget) or '0'), now + burst_ms + pause_ms)
redis.call('SET', budget, free, 'PX', math.ceil(free - now) + 1000)
return 0
"""


class Pacing:
    """The budgets of all platforms; each method raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._take = store.redis.register_script(_SCRIPT)
        self._hold = store.redis.register_script(_HOLD)

    async def wait_for_turn(self, channel: ChannelKey, budgets: Sequence[Budget]) -> None:
        """Reserve a place in every budget and wait until it comes."""
        await asyncio.sleep(max(await self._reserve(channel, budgets), default=0) / 1000)

    async def has_room(self, channel: ChannelKey, budgets: Sequence[Budget]) -> bool:
        """Take a place in every budget if all have one to spare right now."""
        for budget in budgets:
            if await self._ask(channel, budget, share=_SPARE, reserve=False) < 0:
                return False
        return True

    async def hold(self, channel: ChannelKey, budgets: Sequence[Budget], pause_s: float) -> None:
        """Nobody sends into this channel for so long: its platform asked for it."""
        with translated():
            for budget in budgets:
                if not budget.name:
                    burst_ms = int(1000 * budget.every_s * (budget.burst - 1))
                    await self._hold(keys=[keys.pace(channel, "")], args=[burst_ms, int(1000 * pause_s)])

    async def _reserve(self, channel: ChannelKey, budgets: Sequence[Budget]) -> list[int]:
        """A place in every budget, in one round trip; milliseconds to wait for each."""
        with translated():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for budget in budgets:
                    arguments = _arguments(budget, share=1.0, reserve=True)
                    pipeline.execute_command("EVALSHA", self._take.sha, 1, keys.pace(channel, budget.name), *arguments)
                try:
                    return [int(wait) for wait in await pipeline.execute()]
                except NoScriptError:  # a Redis that has just started; none of them was done
                    return [await self._ask(channel, budget, share=1.0, reserve=True) for budget in budgets]

    async def _ask(self, channel: ChannelKey, budget: Budget, *, share: float, reserve: bool) -> int:
        arguments = _arguments(budget, share=share, reserve=reserve)
        with translated():
            return int(await self._take(keys=[keys.pace(channel, budget.name)], args=arguments))


def _arguments(budget: Budget, *, share: float, reserve: bool) -> list[int]:
    """What the script is told: see its first line."""
    every_ms = int(1000 * budget.every_s)
    return [every_ms, int(every_ms * (budget.burst * share - 1)), int(reserve)]
