"""What an owner feels: start, first word, memory: `python -m benchmarks.start`.

Starts `parley run` on the shipped models with a new data folder, waits until /healthz says ok, then asks a few
questions through the API and takes the time to the first piece of each answer.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np

QUESTIONS = ("Hello!", "My name is Zora.", "What is my name?", "What can you do?", "你好", "Thank you!") * 5


async def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="parley-", ignore_cleanup_errors=True) as folder:
        start = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bots",
            "run",
            env={
                **os.environ,
                "MODELS": "builtin",
                "DATA_DIR": folder,
                "WEB_PORT": "0",
                "LOG_LEVEL": "ERROR",
                "PYTHONPATH": str(Path.cwd()),
            },
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(120):
            while not (line := (await process.stdout.readline()).decode()).startswith("web: "):
                pass
            page = line.removeprefix("web: ").strip()
            async with httpx.AsyncClient(base_url=page, timeout=60) as client:
                shown = time.perf_counter() - start
                while (await client.get("/healthz")).status_code != 200:
                    await asyncio.sleep(0.02)
                healthy = time.perf_counter() - start
                firsts = [await _first_piece(client, question) for question in QUESTIONS]
        peak = _peak_bytes(process.pid)
        process.terminate()
        await process.wait()
    print("| figure | measured |\n|---|--:|")
    print(f"| start to the chat page | {shown:.1f} s |")
    print(f"| start to /healthz ok | {healthy:.1f} s |")
    print(f"| question to the first piece of the answer, p50 of {len(firsts)} | {np.median(firsts) * 1000:.0f} ms |")
    print(f"| peak memory of `parley run` | {peak / 2**20:.0f} MB |")


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


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


if __name__ == "__main__":
    asyncio.run(main())
