"""Redis dies or falls silent, or a process that holds a lane does."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fault.conftest import Note
from tests.fault.redis_proxy import RedisProxy, RedisServer
from tests.fault.world import counter, health, living, settings_for, stopped, until
from tests.scenario.product import Product

_HOLD_S = 10
_LEASE_S = 6


@pytest.fixture
async def redis(data: Path) -> AsyncIterator[RedisServer]:
    async with RedisServer(data / "redis") as server:
        yield server


async def test_a_process_stops_for_two_leases(redis: RedisServer, data: Path, note: Note):
    async with living(data, REDIS_URL=redis.url) as world:
        world.model.word_s = 0.3
        world.say_everywhere(range(1, 6), 1)
        await until(lambda: world.model.running == 5, "generations")
        world.product.process.send_signal(signal.SIGSTOP)
        stopped_at = time.monotonic()
        other = Product(data, REDIS_URL=redis.url, **settings_for(world.telegram, world.model))
        try:
            await (await other.start()).healthy()
            verdict = await world.answered()
            took_s = time.monotonic() - stopped_at
            await asyncio.sleep(max(0.0, 2 * _LEASE_S - took_s))
            world.product.process.send_signal(signal.SIGCONT)
            await asyncio.sleep(_LEASE_S)
            await world.telegram.wait_quiet()
            fenced = await counter(world.product, "parley_fenced")
            after = world.verdict()
        finally:
            world.product.process.send_signal(signal.SIGCONT)
            await stopped(other)
    note(f"answered by the other process {took_s:.1f} s after the stop; the woken one was fenced {fenced:.0f} times")
    assert verdict.perfect, verdict
    assert after.perfect, after
    assert fenced >= 1


async def test_redis_is_killed_under_load(redis: RedisServer, data: Path, note: Note):
    async with living(data, REDIS_URL=redis.url) as world:
        world.model.word_s = 0.05
        pid = world.product.process.pid
        for number in range(200):
            world.say(1 + number % 20)
            await asyncio.sleep(0.02)
            if number in (60, 140):
                await redis.kill()
                world.killed_at.append(time.monotonic())
                await asyncio.sleep(1)
                await redis.start()
        restarted = time.monotonic()
        verdict = await world.answered()
        note(
            f"{verdict.messages} messages, lost {len(verdict.lost)}, shown twice {len(verdict.doubled)}, the last "
            f"{max(world.telegram.sent_at) - restarted:.1f} s after the last message, {len(world.model.asked)} requests"
        )
        assert verdict.kept, verdict
        assert all(len(world.shown_at(text)) == 2 for text in verdict.doubled)
        assert world.product.process.returncode is None
        assert world.product.process.pid == pid


async def test_redis_falls_silent(redis: RedisServer, data: Path, note: Note):
    async with RedisProxy(redis.port) as proxy, living(data, REDIS_URL=proxy.url) as world:
        world.model.word_s = 0.05
        world.say_everywhere(range(1, 11), 3)
        await until(lambda: len(world.telegram.sent) >= 5, "the first answers")
        proxy.hold()
        held_at = time.monotonic()
        world.say_everywhere(range(1, 11), 1)
        stored = len(world.telegram.offsets)
        await asyncio.sleep(_HOLD_S / 2)
        state = await health(world.product)
        await asyncio.sleep(max(0.0, held_at + _HOLD_S - time.monotonic()))
        offsets = world.telegram.offsets[stored:]
        proxy.release()
        released = time.monotonic()
        verdict = await world.answered()
        note(
            f"/healthz meanwhile: {state}; {verdict.messages} messages, lost {len(verdict.lost)}, doubled "
            f"{len(verdict.doubled)}, the last {max(world.telegram.sent_at) - released:.1f} s after the release"
        )
        first_new = min(world.updates[text] for said in world.said.values() for text in said[3:])
        assert state != "200"
        assert all(offset <= first_new for offset in offsets)
        assert verdict.kept, verdict
        assert not verdict.doubled
        polls = len(world.telegram.offsets)
        world.say(1, "are you still there?")
        assert (await world.answered()).perfect
        assert len(world.telegram.offsets) > polls
