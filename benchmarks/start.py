"""What an owner feels: start, first word, memory: `python -m benchmarks.start`.

Starts `parley run` with a new data folder, waits until /healthz says ok, then asks a few questions through the API and
takes the time to the first piece of each answer: on the models that ship, and on the starter set where PARLEY_REAL is
the folder in which `make real` keeps it. A start before the one that is measured brings the starter set into the form
in which it is opened.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from benchmarks import report

QUESTIONS = ("Hello!", "My name is Zora.", "What is my name?", "What can you do?", "你好", "Thank you!") * 5
_START_S = 300


@dataclass(frozen=True, slots=True)
class Started:
    """A Parley that is healthy: its page, its process, and seconds to the page and to health."""

    page: str
    pid: int
    shown_s: float
    healthy_s: float


async def main() -> None:
    """Measure and print."""
    columns = {"built-in models": await _measured({"MODELS": "builtin"})}
    if folder := os.environ.get("PARLEY_REAL"):
        kept = await asyncio.to_thread(_starter_set, Path(folder))
        async with _running({}, kept):
            pass
        columns["starter set"] = await _measured({}, kept)
    print(f"{report.machine()}, load {os.getloadavg()[0]:.1f}")
    rows = [(what, *(column[what] for column in columns.values())) for what in next(iter(columns.values()))]
    report.table(("figure", *columns), rows)


def _starter_set(folder: Path) -> Path:
    from core.models import catalogue
    from core.models.fetching import fetch

    for kind in ("ears", "mind"):
        fetch(catalogue.starter(kind), folder)
    return folder.absolute()


async def _measured(settings: dict[str, str], models: Path | None = None) -> dict[str, str]:
    async with _running(settings, models) as parley, httpx.AsyncClient(base_url=parley.page, timeout=60) as client:
        firsts = [await _first_piece(client, question) for question in QUESTIONS]
        peak = report.memory_bytes(parley.pid, "VmHWM")
    return {
        "start to the chat page": f"{parley.shown_s:.1f} s",
        "start to /healthz ok": f"{parley.healthy_s:.1f} s",
        f"question to the first piece of the answer, p50 of {len(firsts)}": f"{np.median(firsts) * 1000:.0f} ms",
        "peak memory of `parley run`": f"{peak / 2**20:.0f} MB",
    }


@asynccontextmanager
async def _running(settings: dict[str, str], models: Path | None) -> AsyncGenerator[Started]:
    with tempfile.TemporaryDirectory(prefix="parley-", ignore_cleanup_errors=True) as folder:
        if models:
            (Path(folder) / "models").symlink_to(models)
        own = {"DATA_DIR": folder, "WEB_PORT": "0", "LOG_LEVEL": "ERROR", "PYTHONPATH": str(Path.cwd()), **settings}
        start = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bots", "run", env={**os.environ, **own}, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(_START_S):
                while not (line := (await process.stdout.readline()).decode()).startswith("web: "):
                    assert line, "it ended"
                page = line.removeprefix("web: ").strip()
                shown_s = time.perf_counter() - start
                async with httpx.AsyncClient(base_url=page, timeout=60) as client:
                    while (await client.get("/healthz")).status_code != 200:
                        await asyncio.sleep(0.02)
            yield Started(page, process.pid, shown_s, time.perf_counter() - start)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _first_piece(client: httpx.AsyncClient, question: str) -> float:
    """Seconds until the first words of an answer; the whole of it is read."""
    start, first = time.perf_counter(), 0.0
    asked = client.stream(
        "POST", "/v1/channels/bench/messages", json={"text": question}, headers={"Accept": "text/event-stream"}
    )
    async with asked as answer:
        async for line in answer.aiter_lines():
            if not first and line in ("event: draft", "event: reply"):
                first = time.perf_counter() - start
    return first


if __name__ == "__main__":
    asyncio.run(main())
