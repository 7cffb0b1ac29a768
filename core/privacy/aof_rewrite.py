"""Has Redis write its files anew: what was erased stays in an append-only file or a snapshot until that is done."""

import asyncio

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from core import clock
from core.errors import RetryableError
from core.store.clients import Node, nodes
from core.store.redis import Store, translated
from core.telemetry import log

_LOG = log("compacting")
_REWRITE_S = 30.0
_LOOK_AGAIN_S = 0.05


class Files:
    """Those of one Redis; one a process."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._turn = asyncio.Lock()
        self._begun = 0
        self._written = 0
        """The last one that came to a good end."""

    async def write_anew(self) -> None:
        """Have Redis write its files anew, without what was erased, and wait for that; RetryableError when it fails.

        One at a time: all who ask while one is being written share the next. A server that forbids it is its owner's
        care.
        """
        begun_before = self._begun
        async with self._turn:
            if self._written > begun_before:
                return
            self._begun += 1
            await _compact(self._redis)
            self._written = self._begun


async def _compact(redis: Redis) -> None:
    try:
        with translated():
            await asyncio.gather(*(_compact_node(redis, node) for node in nodes(redis)))
    except ResponseError as error:
        _LOG.warning("Redis keeps what was erased in its files until it writes them anew by itself: %s", error)


async def _compact_node(redis: Redis, node: Node) -> None:
    persistence = await redis.info("persistence", **node)
    if persistence["aof_enabled"]:
        await _rewrite(redis, node, "BGREWRITEAOF", "aof_rewrite_in_progress", "aof_last_bgrewrite_status")
    if int(persistence["rdb_last_bgsave_time_sec"]) >= 0 or await _saves(redis, node):
        await _rewrite(redis, node, "BGSAVE", "rdb_bgsave_in_progress", "rdb_last_bgsave_status")
    await redis.slowlog_reset(**node)  # it quotes what slow commands wrote


async def _saves(redis: Redis, node: Node) -> bool:
    return bool((await redis.config_get("save", **node)).get("save"))


async def _rewrite(redis: Redis, node: Node, command: str, running: str, status: str) -> None:
    deadline = clock.monotonic() + _REWRITE_S
    await _until_done(redis, node, running, deadline)  # one that began before is not enough
    try:
        await redis.execute_command(command, **node)
    except ResponseError as error:
        if "in progress" not in str(error):
            raise
        raise RetryableError(f"Redis is writing its files already: {error}", 0.5) from error
    if (await _until_done(redis, node, running, deadline))[status] != "ok":
        raise RetryableError(f"{command} failed, see the log of Redis")


async def _until_done(redis: Redis, node: Node, running: str, deadline: float) -> dict[str, object]:
    while True:
        state = await redis.info("persistence", **node)
        scheduled = state.get(running.replace("in_progress", "scheduled"), 0)
        if not state[running] and not scheduled:
            return state
        if clock.monotonic() > deadline:
            raise RetryableError("Redis does not come to the end of writing its files")
        await asyncio.sleep(_LOOK_AGAIN_S)
