"""`parley run` as a child process, as an owner starts it; nothing in it is patched."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.scenario.traces import Trace

ROOT = Path(__file__).parents[2]
_START_S = 60
_PAGES = ("/healthz", "/metrics", "/openapi.json", "/")


class Product:
    """One running Parley. `page` is its address; `log` and `said` are what it printed."""

    def __init__(self, data: Path, **settings: str) -> None:
        self._data = data
        self._settings = settings
        self.process: asyncio.subprocess.Process
        self.trace = Trace(settings)
        self.page = ""
        self.said: list[str] = []
        self.log: list[str] = []

    async def start(self) -> "Product":
        """Start and wait for the page's address."""
        self.said.clear()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bots",
            "run",
            cwd=self._data,
            env=environment(DATA_DIR=str(self._data / "d"), WEB_PORT="0", **self._settings),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._readers = [
            asyncio.create_task(self._read(self.process.stdout, self.said)),
            asyncio.create_task(self._read(self.process.stderr, self.log)),
        ]
        async with asyncio.timeout(_START_S):
            while not (found := [line for line in self.said if line.startswith("web: ")]):
                assert self.process.returncode is None, "\n".join(self.log)
                await asyncio.sleep(0.02)
        self.page = found[0].removeprefix("web: ")
        return self

    async def healthy(self, within_s: float = _START_S) -> "Product":
        """Wait until /healthz says that every part is well."""
        async with asyncio.timeout(within_s), httpx.AsyncClient() as client:
            while (await client.get(f"{self.page}/healthz")).status_code != 200:
                await asyncio.sleep(0.05)
        return self

    async def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        await self.process.wait()
        self.trace.files(self._data)

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        if self.process.returncode is None:
            await self._look_at_pages()
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            code = await self.process.wait()
        await asyncio.gather(*self._readers)
        self.trace.files(self._data)
        return code

    async def _look_at_pages(self) -> None:
        with contextlib.suppress(httpx.HTTPError):  # it may be in any state
            async with httpx.AsyncClient(timeout=2) as client:
                for path in _PAGES:
                    self.trace.page(path, (await client.get(f"{self.page}{path}")).content)

    async def _read(self, stream: asyncio.StreamReader | None, lines: list[str]) -> None:
        assert stream is not None
        async for line in stream:
            lines.append(line.decode().rstrip())
            self.trace.line(lines[-1])

    async def ask(self, text: str, channel: str = "here", **headers: str) -> dict[str, str]:
        """One message through the API, and its answer."""
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.post(
                f"{self.page}/v1/channels/{channel}/messages", json={"text": text}, headers=headers
            )
        return answer.json()


def environment(**settings: str) -> dict[str, str]:
    """The environment of a child: this one's without Parley's settings, which the owner of the machine may have."""
    kept: Mapping[str, str] = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    # The people of the tests are strangers; those of tests/scenario/test_access.py are treated as such.
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "ACCESS": "open", "MODELS": "builtin", **settings}


async def run_to_end(data: Path, *arguments: str, **settings: str) -> tuple[int, str]:
    """A command that ends by itself: its exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bots",
        *arguments,
        cwd=data,
        env=environment(**{"DATA_DIR": str(data / "d"), "WEB_PORT": "0", **settings}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(_START_S):
        printed, _ = await process.communicate()
    assert process.returncode is not None
    Trace(settings).line(printed.decode())
    return process.returncode, printed.decode()


@asynccontextmanager
async def running(data: Path, **settings: str) -> AsyncGenerator[Product]:
    """A healthy Parley, stopped at the end."""
    product = Product(data, **settings)
    try:
        yield await (await product.start()).healthy()
    finally:
        await product.stop()
