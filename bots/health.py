"""How Redis and what waits in it are, in plain words: everybody may read them, and the log has the rest."""

import asyncio
from collections.abc import Mapping

from core import clock
from core.errors import RetryableError
from core.lanes.admin import Upkeep
from core.store.redis import Store, WritesRefused
from core.telemetry import log

_LOG = log("health")
_WAIT_S = 2.0
_LATE_S = 120.0
_NOT_KNOWN = "not known"


class MemoryHealth:
    """One for a process; asks within a few seconds and raises nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._upkeep = Upkeep(store)
        self._before = "ok"

    async def states(self) -> Mapping[str, str]:
        """Each part and "ok", or why not."""
        redis = await self._redis()
        return {"redis": redis, "oldest message": await self._oldest() if redis == "ok" else _NOT_KNOWN}

    async def _redis(self) -> str:
        state, detail = "ok", ""
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._store.check()
        except WritesRefused as error:
            state, detail = "takes nothing", str(error)
        except (RetryableError, TimeoutError) as error:
            state, detail = "no answer", str(error) or f"silent for {_WAIT_S:.0f} s"
        if state not in ("ok", self._before):
            _LOG.warning("redis: %s: %s", state, detail)
        self._before = state
        return state

    async def _oldest(self) -> str:
        try:
            async with asyncio.timeout(_WAIT_S):
                oldest = await self._upkeep.oldest()
        except (RetryableError, TimeoutError) as error:
            _LOG.info("oldest message: %s", str(error) or f"not found within {_WAIT_S:.0f} s")
            return _NOT_KNOWN
        waits_s = 0.0 if oldest is None else clock.now() - oldest
        return f"has waited for {waits_s:.0f} s" if waits_s > _LATE_S else "ok"
