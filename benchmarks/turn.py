"""A turn without its model: `make bench-turn` (QUICK=1: shorter).

Three tables: how turn time and memory stand when many channels have state; where Parley's own time goes; and a whole
turn beside an echo bot's on a local Telegram at a hundred messages a second.
"""

import asyncio
import gc
import os
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.instant import InstantPlatform, RoundTrips, engine
from benchmarks.traffic import CHATS, EACH_SECOND, both
from bots.app import App
from core.intake.quotas import Allowance, Quotas
from core.lanes.wakeup import Doorbell
from core.store.redis import Store, open_store
from core.telemetry import timed, watch_stages
from core.thinking.engines import Engines
from core.turns.worker import Worker
from core.values.channel import ChannelKey, Person
from core.values.events import Message
from tests.support.settings import settings_of

QUICK = bool(os.environ.get("QUICK"))
TURNS = 300 if QUICK else 1000
CHANNELS = (100, 1000, 3000) if QUICK else (100, 1000, 10_000)
SECONDS = 5 if QUICK else 20
ROUNDS = 1 if QUICK else 3
STAGES = ("accept", "claim", "prompt", "model", "commit", "send", "sent", "whole turn")
_AT_ONCE = 32
"""While channels are given their state."""


class House:
    """Parley on a platform that takes no time."""

    def __init__(self, store: Store) -> None:
        self._app = App(settings_of(access="open"), store)
        self._app.quotas = Quotas(store, Allowance(), Allowance())
        self._lanes = self._app.lanes
        self._platform = InstantPlatform()
        self._channels = 0

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        """With its workers running."""
        working = self._app.working(Engines.of(engine()), {"telegram": self._platform})
        running = asyncio.create_task(Worker(self._lanes, Doorbell(self._app.store, ["telegram"]), working.turns).run())
        await self.turn("warm-up", 0)
        await asyncio.sleep(0.5)
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def turn(self, id: str, channel: int) -> None:
        """One message and its answer."""
        where = ChannelKey("telegram", f"42:{channel}")
        self._platform.expect(id)
        with timed("accept"):
            await self._lanes.accept(Message(id, where, Person("1", "Ann"), 1.0, "how are you today?"))
        await self._platform.answered(id)

    async def populate(self, channels: int) -> None:
        """Give so many channels a turn each, those that had one already left as they are."""
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(channel: int) -> None:
            async with free:
                await self.turn(f"first-{channel}", channel)

        async with asyncio.TaskGroup() as group:
            for channel in range(self._channels, channels):
                group.create_task(one(channel))
        self._channels = channels


async def scale(store: Store) -> tuple[dict[str, list[float]], float, dict[int, float]]:
    """Print a row for each number of channels; seconds by stage and round trips of the last, p50 ms of each."""
    samples: dict[str, list[float]] = defaultdict(list)
    watch_stages(lambda stage, seconds: samples[stage].append(seconds))
    house, trips, dice = House(store), RoundTrips(), random.Random(1)
    rows, p50s = [], {}
    calls = 0.0
    async with house.working():
        for channels in CHANNELS:
            await house.populate(channels)
            await asyncio.sleep(1)
            gc.collect()
            samples.clear()
            before = trips.count
            for number in range(TURNS):
                start = time.perf_counter()
                await house.turn(f"{channels}-{number}", dice.randrange(channels))
                samples["whole turn"].append(time.perf_counter() - start)
            await asyncio.sleep(0.2)
            calls = round((trips.count - before) / TURNS, 2)  # a sweep now and then belongs to no turn
            p50, p99 = np.percentile(samples["whole turn"], [50, 99]) * 1000
            p50s[channels] = float(p50)
            kept = int((await store.redis.info("memory"))["used_memory"])
            ours = report.memory_bytes() / 2**20
            each = (f"{p50:.2f}", f"{p99:.2f}", f"{ours:.0f}", f"{kept / 2**20:.1f}", f"{calls:.2f}")
            rows.append((f"{channels:,}", *each))
    report.table(
        ("channels with state", "turn p50 ms", "p99 ms", "Parley's memory MB", "Redis' MB", "round trips"), rows
    )
    return samples, calls, p50s


async def main() -> None:
    """Measure and print."""
    print(report.machine())
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        async with open_store("", Path(folder)) as store:
            samples, own_trips, p50s = await scale(store)
    rows = []
    for stage in STAGES:
        p50, p99 = np.percentile(samples[stage], [50, 99]) * 1000
        rows.append((stage, f"{p50:.2f}", f"{p99:.2f}"))
    report.table((f"stage, of {TURNS} turns one after another", "p50 ms", "p99 ms"), rows)

    rounds = [await both(SECONDS) for _ in range(ROUNDS)]
    rows = []
    for number, (echo, parley) in enumerate(rounds, 1):
        for name, seen in (("echo bot", echo), ("Parley", parley)):
            trips = f"{seen.round_trips:.2f}" if seen.round_trips else "-"
            rows.append(
                (
                    f"{name}, round {number}",
                    f"{seen.p50_ms:.2f}",
                    f"{seen.p99_ms:.2f}",
                    f"{seen.cpu_s * 1000:.2f}",
                    trips,
                )
            )
    header = f"{EACH_SECOND} messages a second, {CHATS} chats, {SECONDS} s"
    report.table((header, "p50 ms", "p99 ms", "bot's CPU ms a message", "Redis round trips"), rows)
    report.close(
        "turn",
        {
            "turn_minus_echo_p50_ms": float(np.median([parley.p50_ms - echo.p50_ms for echo, parley in rounds])),
            "turn_minus_echo_p99_ms": float(np.median([parley.p99_ms - echo.p99_ms for echo, parley in rounds])),
            "redis_round_trips": own_trips,
            # On a platform that limits how fast a bot may send, one more keeps account of it.
            "redis_round_trips_telegram": float(np.median([parley.round_trips for _, parley in rounds])),
            **{f"turn_p50_ms_{channels}_channels": p50 for channels, p50 in p50s.items()},
        },
    )


if __name__ == "__main__":
    asyncio.run(main())
