"""Many channels at once: the same event again and again, a burst, one that hangs; a stop in the middle of work."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from pathlib import Path
from statistics import quantiles

import pytest

from core.feedback.ratings import Feedback
from core.store.redis import open_store
from core.values.channel import ChannelKey
from tests.fault.conftest import Note
from tests.fault.model_server import Trouble, answer_to
from tests.fault.redis_proxy import RedisServer
from tests.fault.world import World, living, settings_for, stopped, until
from tests.platforms.telegram_server import Sent
from tests.scenario.product import Product

_CHAT_PACE_S = 1.0
_CHAT_BURST = 5
"""What Telegram takes in a private chat (bots/telegram_bot/send.py: budgets)."""


@pytest.fixture
async def redis(data: Path) -> AsyncIterator[RedisServer]:
    async with RedisServer(data / "redis") as server:
        yield server


async def test_04_the_same_event_five_times_through_two_processes(redis: RedisServer, data: Path, note: Note):
    async with living(data, REDIS_URL=redis.url) as world:
        other = Product(data, REDIS_URL=redis.url, **settings_for(world.telegram, world.model))
        try:
            await (await other.start()).healthy()
            doors = [world.product, other, world.product, other, world.product]
            answers = await asyncio.gather(*(door.ask("once", **{"Idempotency-Key": "same"}) for door in doors))
            world.say(1, again=4)
            verdict = await world.answered()
        finally:
            await stopped(other)
    note(f"5 requests: {world.model.times_asked('once')} generation; 5 updates: {len(world.telegram.sent)} answer")
    assert {answer["text"] for answer in answers} == {answer_to("once")}
    assert len({answer["message_id"] for answer in answers}) == 1
    assert verdict.perfect, verdict
    assert [asked.said for asked in world.model.asked].count("once") == 1
    assert len(world.model.asked) == 2


async def test_05_a_burst_in_one_channel_among_twenty(world: World, note: Note):
    chance = random.Random(5)
    delays: dict[str, float] = {}
    world.model.first_s = lambda said: delays.setdefault(said, chance.uniform(0.01, 0.5))
    began = time.monotonic()
    burst = [world.say(1) for _ in range(50)]
    for number in range(150):
        world.say(2 + number % 19)
        await asyncio.sleep(0.01)
    verdict = await world.answered()
    took_s = max(world.telegram.sent_at) - began
    paced_s = (len(burst) - _CHAT_BURST) * _CHAT_PACE_S
    alone_s = max(paced_s, sum(delays[text] for text in burst))
    note(
        f"{verdict.messages} messages in {took_s:.1f} s, {took_s / alone_s:.2f} x what the burst takes alone at its "
        f"pace; lost {len(verdict.lost)}, doubled {len(verdict.doubled)}, out of order {len(verdict.disordered)}"
    )
    assert verdict.messages == 200
    assert verdict.perfect, verdict


async def test_06_one_channel_hangs(world: World, note: Note):
    """The model's server never answers one channel: for a minute, then that channel is told."""
    world.model.first_s = lambda said: 0.05
    world.model.trouble = lambda said: Trouble(hang=True) if said == "hang" else None
    alone = await _steadily(world, range(100, 140))
    began = time.monotonic()
    world.say(1, "hang")
    await until(lambda: world.model.times_asked("hang") == 1, "the call that hangs")
    beside = await _steadily(world, range(200, 320))
    await until(lambda: any(sent.chat == 1 for sent in world.telegram.sent), "an honest sentence")
    took_s = time.monotonic() - began
    alone += await _steadily(world, range(400, 440))
    verdict = world.verdict()
    usual, meanwhile = _p95(world, alone), _p95(world, beside)
    note(
        f"p95 {usual:.3f} s of {len(alone)} messages before and after, {meanwhile:.3f} s of {len(beside)} beside a "
        f"channel that hung for {took_s:.0f} s: {meanwhile / usual:.2f} x"
    )
    assert verdict.lost == ("hang",)
    assert (verdict.doubled, verdict.disordered) == ((), ())


async def _steadily(world: World, chats: range) -> list[str]:
    """A message into each chat, one every half second, until all are answered."""
    texts: list[str] = []
    for chat in chats:
        texts.append(world.say(chat))
        await asyncio.sleep(0.5)
    await world.answered(set(texts))
    return texts


def _p95(world: World, texts: Iterable[str]) -> float:
    return quantiles([world.shown_at(text)[0] - world.said_at[text] for text in texts], n=20)[-1]


async def test_18_told_to_stop_with_eight_turns_running(world: World, note: Note):
    world.model.first_s = lambda said: 2.0 if "chat 1" in said or "chat 2" in said else 120.0
    quick = [world.say(chat) for chat in (1, 2, 10, 20)]
    slow = [world.say(chat) for chat in (3, 4, 5, 6)]
    await until(lambda: world.model.running == 8, "eight generations")
    began = time.monotonic()
    code = await world.product.stop()
    left_s = time.monotonic() - began
    world.model.first_s = lambda said: 0.0
    await world.product.start()
    verdict = await world.answered()
    note(
        f"exit code {code} after {left_s:.1f} s; {[world.model.times_asked(text) for text in quick + slow]} generations"
    )
    assert code == 0
    assert verdict.perfect, verdict
    assert all(world.model.times_asked(text) == 1 for text in quick)
    assert all(world.model.times_asked(text) == 2 for text in slow)


async def test_19_reactions_before_their_answer_and_on_nothing(world: World, data: Path, note: Note):
    world.say(1, "before")
    await world.answered()
    world.model.first_s = lambda said: 1.5
    world.say(1, "overtaken")
    await until(lambda: world.model.times_asked("overtaken") == 1, "the generation")
    expected = Sent(world.telegram.sent[-1].id + 2, 1, None, "", b"", 0, None, ())
    for before, after in pairwise(([], ["👎"], [], ["👍"])):
        world.telegram.react(expected, old=before, new=after)
    nowhere = Sent(4711, 1, None, "", b"", 0, None, ())
    world.telegram.react(nowhere, new=["👎"])
    await world.answered()
    assert world.telegram.sent[-1].id == expected.id
    first = world.telegram.sent[0]
    for before, after in pairwise(([], ["👍"], [], ["👎"])):
        world.telegram.react(first, old=before, new=after)
    await world.telegram.wait_quiet()
    await asyncio.sleep(61)
    await world.product.stop()
    async with open_store("", data / "d") as store:
        ratings = await Feedback(store).ratings(ChannelKey("telegram", "42:1"))
        planned = await store.redis.keys("*:planned:*")
    found = sorted(rating.rating for rating in ratings.values())
    note(f"ratings {found}, {len(planned)} that still wait after 61 s")
    assert found == [-1, +1]
    assert planned == []
