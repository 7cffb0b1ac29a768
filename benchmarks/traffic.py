"""A hundred messages a second on the local Telegram, to an echo bot and to Parley in turn: how long until the answer.

Both bots are child processes on the same client library. The clock starts when the server has the message and stops
when the answer has come in at `sendMessage`.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from aiohttp import web

from benchmarks.instant import ANSWERING
from tests.platforms.telegram_server import ANN, TelegramServer

EACH_SECOND = 100
CHATS = 500


@dataclass(frozen=True, slots=True)
class Traffic:
    """Seconds until each answer; the bot's processor time and Redis round trips a message."""

    took_s: list[float]
    cpu_s: float
    round_trips: float

    @property
    def p50_ms(self) -> float:
        return float(np.percentile(self.took_s, 50)) * 1000

    @property
    def p99_ms(self) -> float:
        return float(np.percentile(self.took_s, 99)) * 1000


class Clocked(TelegramServer):
    """Knows when each text came back."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_at: dict[str, float] = {}
        self.took_s: dict[str, float] = {}

    def ask(self, text: str, chat: int) -> None:
        """A person writes."""
        self.asked_at[text] = time.perf_counter()
        self.say(text, chat={"id": chat, "type": "private"}, user={**ANN, "id": chat})

    def _send(self, fields: Mapping[str, str], files: Mapping[str, bytes]) -> web.Response:
        answer = super()._send(fields, files)
        said = fields["text"].removeprefix(ANSWERING)
        self.took_s.setdefault(said, time.perf_counter() - self.asked_at[said])
        return answer


async def both(seconds: float) -> tuple[Traffic, Traffic]:
    """The echo bot's and Parley's, one after the other."""
    async with _bot("echo_bot") as (telegram, child):
        echo = await _measure(telegram, child, seconds, counts=False)
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        async with _bot("parley_bot", folder) as (telegram, child):
            parley = await _measure(telegram, child, seconds, counts=True)
    return echo, parley


@contextlib.asynccontextmanager
async def _bot(module: str, *arguments: str) -> AsyncGenerator[tuple[Clocked, asyncio.subprocess.Process]]:
    async with Clocked() as telegram:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"benchmarks.{module}", telegram.base, *arguments),
            env={**os.environ, "LOG_LEVEL": "ERROR"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            await _converse(telegram, [f"warm-up {number}" for number in range(EACH_SECOND)])
            yield telegram, child
        finally:
            assert child.stdin is not None
            child.stdin.close()  # which ends Parley, that has a Redis to stop
            if module == "echo_bot":
                child.terminate()
            await child.wait()


async def _measure(telegram: Clocked, child: asyncio.subprocess.Process, seconds: float, *, counts: bool) -> Traffic:
    texts = [f"message {number} of the day" for number in range(int(seconds * EACH_SECOND))]
    trips = await _round_trips(child) if counts else 0
    cpu_s = _cpu_s(child.pid)
    await _converse(telegram, texts)
    used_s = _cpu_s(child.pid) - cpu_s
    trips = (await _round_trips(child) if counts else 0) - trips
    return Traffic([telegram.took_s[text] for text in texts], used_s / len(texts), trips / len(texts))


async def _converse(telegram: Clocked, texts: Sequence[str]) -> None:
    """Say these at the pace, and wait until all are answered and marked."""
    began = time.perf_counter()
    for number, text in enumerate(texts):
        await asyncio.sleep(began + number / EACH_SECOND - time.perf_counter())
        telegram.ask(text, 1000 + number % CHATS)
    async with asyncio.timeout(60):
        while not all(text in telegram.took_s for text in texts):
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)


async def _round_trips(child: asyncio.subprocess.Process) -> int:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"\n")
    return int(await child.stdout.readline())


def _cpu_s(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
