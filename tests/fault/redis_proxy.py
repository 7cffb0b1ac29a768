"""A real Redis that can be killed, and a line to it that can be held."""

import asyncio
import contextlib
import socket
import subprocess
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.store.redis import server_binary

_START_S = 30


class RedisServer:
    """A redis-server of our own on a TCP port, which writes down everything it is told."""

    def __init__(self, folder: Path, fsync: str = "everysec") -> None:
        self._folder = folder
        self._fsync = fsync
        self.port = _free_port()

    @property
    def url(self) -> str:
        """The address for REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    async def __aenter__(self) -> "RedisServer":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start on the same port and the same data as before; returns when it answers."""
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        binary = await asyncio.to_thread(server_binary)
        options = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(self._folder), "save": "",
                   "appendonly": "yes", "appendfsync": self._fsync}  # fmt: skip
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        self._process = await asyncio.create_subprocess_exec(binary, *arguments, stdout=subprocess.DEVNULL)
        async with asyncio.timeout(_START_S), Redis.from_url(self.url) as client:
            while not await _answers(client):
                assert self._process.returncode is None
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """kill -9."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


class RedisProxy:
    """What stands between Parley and Redis."""

    def __init__(self, port: int) -> None:
        self._redis_port = port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._reachable = True
        self._lines: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "RedisProxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.drop()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def hold(self) -> None:
        """Redis hears and does everything, but none of its answers arrive."""
        self._flowing.clear()

    def release(self) -> None:
        """The answers arrive again, the held ones first."""
        self._flowing.set()

    def drop(self) -> None:
        """Break every line that is open; held answers are lost."""
        for line in self._lines:
            line.transport.abort()

    def cut(self) -> None:
        """Redis is out of reach: every line breaks and no new one is taken."""
        self._reachable = False
        self.drop()

    def mend(self) -> None:
        """Redis is within reach again."""
        self._reachable = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self._reachable:
                raise ConnectionRefusedError
            from_redis, to_redis = await asyncio.open_connection("127.0.0.1", self._redis_port)
        except OSError:
            writer.transport.abort()
            return
        self._lines |= {writer, to_redis}
        asking = asyncio.create_task(self._pump(reader, to_redis, held=False))
        answering = asyncio.create_task(self._pump(from_redis, writer, held=True))
        self._pumps |= {asking, answering}
        await asyncio.wait({asking, answering})
        self._pumps -= {asking, answering}
        self._lines -= {writer, to_redis}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, held: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(2**16):
                if held:
                    await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


async def _answers(client: "Redis") -> bool:
    try:
        return bool(await client.ping())
    except RedisError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
