"""Where the time of a turn goes: `python -m benchmarks.turn`.

A thousand turns, one after another in ten channels, on an embedded Redis, with a model that answers at once and a
platform that takes every part at once: what is left is Parley's own share. Redis commands are counted by the server.
"""

import asyncio
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import numpy as np

from bots.locales import Phrases
from core import profiles
from core.access import Access
from core.answering import Answering
from core.channels import Channels
from core.commanding import Commands
from core.doorbell import Doorbell
from core.engine import Engine
from core.feedback import Feedback
from core.hearing import Hearing
from core.invalidation import Invalidation
from core.lanes import Lanes
from core.lm.base import Request, Utterance
from core.message import ChannelKey, MediaRef, Message, Part, Person, PlatformName, Sign
from core.pacing import Pacing
from core.pairing import Pairing
from core.platform import Accept, Limits
from core.privacy import Privacy, Terms
from core.quotas import Allowance, Quotas
from core.speaking import Speaking
from core.store import Store, open_store
from core.summaries import Summaries
from core.telemetry import timed, watch_stages
from core.turns import Turns
from core.upkeep import Upkeep
from core.worker import Worker

TURNS = 1000
CHANNELS = 10
STAGES = ("accept", "claim", "prompt", "model", "commit", "send", "sent")


class InstantModel:
    """Answers at once."""

    name = "instant"
    context_tokens = 8192
    instructable = False

    async def stream(self, request: Request) -> AsyncGenerator[str, None]:
        """One piece."""
        yield f"You said: {request.utterances[-1].content}"

    def count_tokens(self, utterances: Sequence[Utterance]) -> int:
        """Words."""
        return sum(len(utterance.content.split()) + 4 for utterance in utterances)

    def forget(self, channel: str) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing to close."""


class InstantPlatform:
    """Takes every part at once and tells who waits for it."""

    name: PlatformName = "telegram"
    limits = Limits(text_units=4096, media_bytes=1)

    def __init__(self) -> None:
        self.answered: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def listen(self, accept: Accept) -> None:
        """Never called: the benchmark accepts."""

    async def fetch(self, media: MediaRef, cap_bytes: int) -> bytes:
        """Never called: nothing but text."""
        return b""

    async def send(self, part: Part) -> str:
        """Arrives at once."""
        self.answered[part.turn].set()
        return part.nonce

    async def typing(self, channel: ChannelKey, sign: Sign = "typing") -> None:
        """Shown at once."""

    async def administers(self, channel: ChannelKey, person: Person) -> bool:
        """Everybody."""
        return True


async def measure(store: Store) -> tuple[dict[str, list[float]], float]:
    """Seconds by stage and for the whole turn, and Redis calls from Parley a turn."""
    samples: dict[str, list[float]] = defaultdict(list)
    watch_stages(lambda stage, seconds: samples[stage].append(seconds))
    lanes, platform = Lanes(store), InstantPlatform()
    # Ears and voice are never used: nothing is heard, so nothing is loaded.
    engine = Engine(InstantModel(), Hearing.__new__(Hearing), Speaking.__new__(Speaking), profiles.load("plain"))
    platforms, words = {"telegram": platform}, Phrases()
    access = Access("open", (), (), Pairing(store, lanes))
    invalidation = Invalidation(store, ())
    privacy = Privacy(store, words, Terms(), invalidation)
    commands = Commands(Channels(store), lanes, engine, words, platform.administers, access, privacy)
    feedback = Feedback(store)
    answering = Answering(engine, lanes, feedback, commands, platforms, words, Quotas(store, Allowance(), Allowance()))
    summaries = Summaries(engine, lanes)
    turns = Turns(lanes, answering, feedback, Upkeep(store), Pacing(store), platforms, summaries, invalidation)
    worker = Worker(lanes, Doorbell(store, ["telegram"]), turns)
    working = asyncio.create_task(worker.run())
    await _turn(lanes, platform, "warm-up", 0)
    await asyncio.sleep(0.5)
    samples.clear()
    before = await _scripts_called(store)
    for number in range(TURNS):
        start = time.perf_counter()
        await _turn(lanes, platform, str(number), number % CHANNELS)
        samples["whole turn"].append(time.perf_counter() - start)
    await asyncio.sleep(0.2)
    calls = (await _scripts_called(store) - before) / TURNS
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return samples, calls


async def _turn(lanes: Lanes, platform: InstantPlatform, id: str, channel: int) -> None:
    where = ChannelKey("telegram", f"42:{channel}")
    with timed("accept"):
        await lanes.accept(Message(id, where, Person("1", "Ann"), 1.0, "how are you today?"))
    await platform.answered[id].wait()


async def _scripts_called(store: Store) -> int:
    return int((await store.redis.info("commandstats"))["cmdstat_evalsha"]["calls"])


async def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        async with open_store("", Path(folder)) as store:
            samples, calls = await measure(store)
    print(f"| stage | p50 ms | p99 ms | (of {TURNS} turns)\n|---|--:|--:|")
    for stage in (*STAGES, "whole turn"):
        p50, p99 = np.percentile(samples[stage], [50, 99]) * 1000
        print(f"| {stage} | {p50:.2f} | {p99:.2f} |")
    print(f"\nRedis round trips a turn: {calls:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
