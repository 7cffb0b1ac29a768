"""One listener at a time: of all processes on one Redis, one listens with a token, the others stand by.

Two pollers of one Telegram token end each other's requests, and two gateways of one Discord bot hear everything twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from core.errors import RetryableError
from core.lanes.worker_id import died_here
from core.store import keys
from core.store.redis import Store, translated
from core.telemetry import log

_LOG = log("standby")
_LEASE_S = 6.0
_RENEW = """
-- KEYS listening   ARGV owner lease_ms -> 1 while it is ours
local listening = unpack(KEYS)
local owner, lease_ms = unpack(ARGV)
if redis.call('SET', listening, owner, 'NX', 'PX', lease_ms) then return 1 end
if redis.call('GET', listening) ~= owner then return 0 end
redis.call('PEXPIRE', listening, lease_ms)
return 1
"""
_RELEASE = """
-- KEYS listening   ARGV owner
local listening = unpack(KEYS)
local owner = unpack(ARGV)
if redis.call('GET', listening) == owner then redis.call('DEL', listening) end
return 1
"""


class ListenerLease:
    """Turns at listening, held by a lease."""

    def __init__(self, store: Store, worker_id: str) -> None:
        self._worker_id = worker_id
        self._redis = store.redis
        self._renew = store.redis.register_script(_RENEW)
        self._release = store.redis.register_script(_RELEASE)

    async def listen(self, account: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` whenever it is this process's turn with the account, until cancelled or until `work` ends.

        Redis that is away takes nobody's turn: nothing can be accepted meanwhile.
        """
        key = keys.listening(account)
        while True:
            await self._turn(key, account)
            working = asyncio.ensure_future(work())
            try:
                while not working.done() and await self._is_mine(key):
                    await asyncio.wait({working}, timeout=_LEASE_S / 3)
                if working.done():
                    return await working
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
                await self._leave(key)

    async def _turn(self, key: str, account: str) -> None:
        mine = await self._is_mine(key) or (await self._left_by_a_dead_one(key) and await self._is_mine(key))
        if not mine:
            _LOG.warning("another process listens to %s with this token: standing by", account.partition("/")[0])
        while not mine:
            await asyncio.sleep(_LEASE_S / 3)
            mine = await self._is_mine(key)

    async def _left_by_a_dead_one(self, key: str) -> bool:
        """Whether the turn belonged to a process of this machine that is no more, and is free now."""
        with translated():
            owner = cast(bytes, await self._redis.get(key) or b"").decode()
            return died_here(owner, self._worker_id) and bool(await self._release(keys=[key], args=[owner]))

    async def _is_mine(self, key: str) -> bool:
        try:
            with translated():
                return bool(await self._renew(keys=[key], args=[self._worker_id, int(1000 * _LEASE_S)]))
        except RetryableError as error:
            _LOG.warning("%s", error)
            return True

    async def _leave(self, key: str) -> None:
        try:
            async with asyncio.timeout(1):
                with translated():
                    await self._release(keys=[key], args=[self._worker_id])
        except (RetryableError, TimeoutError) as error:
            _LOG.warning("the turn to listen ends with its lease: %s", error)
