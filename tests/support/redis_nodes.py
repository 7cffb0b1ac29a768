"""Servers of Redis beyond one: a cluster of some nodes, and a pair that a sentinel watches."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.store.redis import server_binary

_START_S = 30.0
_SLOTS = 16384


def free_port() -> int:
    """Below the ports that connections take; a node of a cluster needs the one that is 10,000 higher too."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        if port < 50_000:
            return port


@contextlib.asynccontextmanager
async def serving(folder: Path, *options: str, config: str = "") -> AsyncGenerator[int]:
    """One server; its port."""
    port = free_port()
    home = folder / str(port)
    home.mkdir()
    if config:
        (home / "redis.conf").write_text(config)
    command = [server_binary(), *([str(home / "redis.conf")] if config else []), "--port", str(port)]
    command += ["--dir", str(home), *([] if "--sentinel" in options else ["--save", ""]), *options]
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    try:
        async with asyncio.timeout(_START_S), Redis(port=port) as client:
            while not await answers(client):
                await asyncio.sleep(0.05)
        yield port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answers(client: Redis) -> bool:
    with contextlib.suppress(RedisError, OSError):
        return bool(await client.ping())
    return False


@contextlib.asynccontextmanager
async def cluster(folder: Path, size: int) -> AsyncGenerator[str]:
    """The address of a cluster of so many nodes, each with its share of the slots."""
    async with contextlib.AsyncExitStack() as stack:
        options = ("--cluster-enabled", "yes", "--appendonly", "yes")
        ports = [await stack.enter_async_context(serving(folder, *options)) for _ in range(size)]
        clients: list[Any] = [await stack.enter_async_context(Redis(port=port)) for port in ports]
        bounds = [_SLOTS * number // size for number in range(size + 1)]
        for client, first, end in zip(clients, bounds, bounds[1:], strict=False):
            await client.execute_command("CLUSTER", "ADDSLOTS", *range(first, end))
        for client in clients[1:]:
            await client.execute_command("CLUSTER", "MEET", "127.0.0.1", ports[0])
        async with asyncio.timeout(_START_S):
            while not all([await _is_whole(client, size) for client in clients]):
                await asyncio.sleep(0.05)
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports)


async def _is_whole(client: Any, size: int) -> bool:
    state = (await client.execute_command("CLUSTER", "INFO")).decode()
    return "cluster_state:ok" in state and f"cluster_known_nodes:{size}" in state
