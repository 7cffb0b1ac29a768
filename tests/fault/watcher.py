"""How the product feels from outside: a process of its own asks for /metrics all the time.

Whoever holds up the product's event loop holds up that answer; the tests' own servers, busy with files, do not.
"""

import asyncio
import contextlib
import http.client
import json
import re
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.scenario.product import ROOT, Product

_GAP_S = 0.01


@dataclass
class Watched:
    """Seconds that each answer took, and MiB of the product's memory then."""

    lags: list[float] = field(default_factory=list[float])
    memory: list[float] = field(default_factory=list[float])


@contextlib.asynccontextmanager
async def watching(product: Product) -> AsyncGenerator[Watched]:
    """Watch as long as the block runs."""
    watched = Watched()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fault.watcher", product.page, str(product.process.pid),
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    reading = asyncio.create_task(_read(process.stdout, watched))
    try:
        while not watched.lags:
            await asyncio.sleep(0.01)
        yield watched
    finally:
        process.stdin.close()
        await reading
        await process.wait()


async def _read(lines: asyncio.StreamReader, watched: Watched) -> None:
    async for line in lines:
        lag_s, mib = json.loads(line)
        watched.lags.append(lag_s)
        watched.memory.append(mib)


def _watch(page: str, pid: str) -> None:
    """Print a line for each answer until nobody reads them: standard input ends."""
    address = urlsplit(page)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    while True:
        began = time.monotonic()
        connection.request("GET", "/metrics")
        connection.getresponse().read()
        took = time.monotonic() - began
        status = Path(f"/proc/{pid}/status").read_text("ascii")
        print(json.dumps([took, int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024]), flush=True)  # noqa: T201
        time.sleep(_GAP_S)


if __name__ == "__main__":
    import threading

    threading.Thread(target=_watch, args=sys.argv[1:3], daemon=True).start()
    sys.stdin.read()
