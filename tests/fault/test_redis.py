"""Redis dies or falls silent, or a process that holds a lane does."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.fault.conftest import Note
from tests.fault.redis_proxy import RedisProxy, RedisServer
from tests.fault.world import World, counter, health, living, memory_mb, settings_for, stopped, until
from tests.scenario.product import Product

_HOLD_S = 30
_FULL_S = 15
_GROWN_MB = 50
_LEASE_S = 6


@pytest.fixture
async def redis(data: Path) -> AsyncIterator[RedisServer]:
    async with RedisServer(data / "redis") as server:
        yield server


async def test_07_a_process_stops_for_two_leases(redis: RedisServer, data: Path, note: Note):
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


@pytest.mark.parametrize("fsync", ["everysec", "always"])
async def test_08_redis_is_killed_under_load(data: Path, note: Note, fsync: str):
    async with RedisServer(data / "redis", fsync) as redis, living(data, REDIS_URL=redis.url) as world:
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


async def test_08_answers_of_redis_are_lost(redis: RedisServer, data: Path, note: Note):
    """What was done without an answer is asked for again by the client, and must not be done twice."""
    async with RedisProxy(redis.port) as proxy, living(data, REDIS_URL=proxy.url) as world:
        world.model.word_s = 0.02
        for number in range(100):
            world.say(1 + number % 20)
            await asyncio.sleep(0.05)
            if number % 4 == 0:
                proxy.hold()
                await asyncio.sleep(0.05)
                proxy.drop()
                proxy.release()
        verdict = await world.answered()
        note(
            f"25 times every answer that was on its way: {verdict.messages} messages, lost {len(verdict.lost)}, "
            f"shown twice {len(verdict.doubled)}"
        )
        assert verdict.perfect, verdict


async def test_09_redis_is_out_of_reach(redis: RedisServer, data: Path, note: Note):
    async with RedisProxy(redis.port) as proxy, living(data, REDIS_URL=proxy.url) as world:
        world.model.word_s = 0.05
        world.say_everywhere(range(1, 11), 2)
        await until(lambda: len(world.telegram.sent) >= 5, "the first answers")
        proxy.cut()
        cut_at = time.monotonic()
        await asyncio.sleep(0.5)
        polls = len(world.telegram.offsets)
        world.say_everywhere(range(1, 11), 3)
        degraded_s = await until_degraded(world, cut_at)
        await asyncio.sleep(max(0.0, cut_at + _HOLD_S - time.monotonic()))
        offsets, sent = world.telegram.offsets[polls:], len(world.telegram.sent)
        proxy.mend()
        back_s = await until(lambda: len(world.telegram.sent) > sent, "an answer")
        verdict = await world.answered()
        note(
            f"cut off for {_HOLD_S} s: /healthz degraded after at most {degraded_s:.1f} s, {len(offsets)} polls; "
            f"{verdict.messages} messages, lost {len(verdict.lost)}, doubled {len(verdict.doubled)}, the next answer "
            f"{back_s:.1f} s after Redis was back"
        )
        first_new = min(world.updates[text] for said in world.said.values() for text in said[2:])
        assert all(offset <= first_new for offset in offsets)
        assert verdict.perfect, verdict


async def test_09_redis_falls_silent(redis: RedisServer, data: Path, note: Note):
    async with RedisProxy(redis.port) as proxy, living(data, REDIS_URL=proxy.url) as world:
        world.model.word_s = 0.05
        world.say_everywhere(range(1, 11), 3)
        await until(lambda: len(world.telegram.sent) >= 5, "the first answers")
        proxy.hold()
        held_at = time.monotonic()
        world.say_everywhere(range(1, 11), 1)
        stored = len(world.telegram.offsets)
        degraded_s = await until_degraded(world, held_at)
        await asyncio.sleep(max(0.0, held_at + _HOLD_S - time.monotonic()))
        offsets = world.telegram.offsets[stored:]
        proxy.release()
        released = time.monotonic()
        verdict = await world.answered()
        note(
            f"{_HOLD_S} s of silence: /healthz degraded after {degraded_s:.1f} s, Telegram's offset at most "
            f"{max(offsets, default=0)}; {verdict.messages} messages, lost {len(verdict.lost)}, doubled "
            f"{len(verdict.doubled)}, the last {max(world.telegram.sent_at) - released:.1f} s after the release"
        )
        first_new = min(world.updates[text] for said in world.said.values() for text in said[3:])
        assert all(offset <= first_new for offset in offsets)
        assert verdict.kept, verdict
        assert not verdict.doubled
        polls = len(world.telegram.offsets)
        world.say(1, "are you still there?")
        assert (await world.answered()).perfect
        assert len(world.telegram.offsets) > polls


async def until_degraded(world: World, since: float) -> float:
    """Seconds until /healthz says so."""
    async with asyncio.timeout(_HOLD_S):
        while await health(world.product) == "200":
            await asyncio.sleep(0.2)
    return time.monotonic() - since


async def test_10_redis_is_full(redis: RedisServer, data: Path, note: Note):
    async with living(data, REDIS_URL=redis.url) as world, Redis.from_url(redis.url) as owner:
        world.model.word_s = 0.05
        world.say_everywhere(range(1, 11), 1)
        await until(lambda: world.model.running > 0, "generations")
        await owner.config_set("maxmemory", "1mb")
        before_mb = memory_mb(world.product)
        offset = world.telegram.offsets[-1]
        world.say_everywhere(range(1, 11), 5)
        await asyncio.sleep(_FULL_S)
        grown_mb = memory_mb(world.product) - before_mb
        offsets = {each for each in world.telegram.offsets if each > offset}
        notices = Counter(sent.chat for sent in world.telegram.sent if sent.text in world.verdict().other)
        await owner.config_set("maxmemory", "0")
        verdict = await world.answered()
        note(
            f"{_FULL_S} s: confirmed {len(offsets)} of 50 updates, notices {sum(notices.values())}, memory "
            f"{grown_mb:+.0f} MB; afterwards lost {len(verdict.lost)}, doubled {len(verdict.doubled)}"
        )
        assert not offsets
        assert max(notices.values(), default=0) <= 1
        assert grown_mb <= _GROWN_MB
        assert (verdict.lost, verdict.disordered, verdict.doubled) == ((), (), ())
