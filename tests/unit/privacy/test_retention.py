"""What is older than RETENTION_DAYS goes, seen with a clock that is moved."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core import clock
from core.lanes.lanes import Lanes
from core.privacy.cache_invalidation import Invalidation
from core.privacy.retention import Retention
from core.store import keys
from core.store.keys import DAY_S
from core.store.people import People
from core.store.redis import Store, open_store
from core.values import dialogue as dialogues
from core.values.channel import ChannelKey
from core.values.dialogue import Dialogue
from core.values.events import Message, Reaction, encode_event
from core.values.parts import NoticePart
from tests.support.house import ANN, HERE, THERE, House, working
from tests.support.kept import files, having, turn

OLD, NEW = "quinzelbird", "sparrow"
DAYS = 30


class Clock:
    """The time that Parley goes by: Redis goes by its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.days, self._now = 0.0, clock.now
        monkeypatch.setattr(clock, "now", lambda: self._now() + self.days * DAY_S)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    made = House(store)
    async with working(made):
        yield made


async def rate(house: House, message: str, emoji: str) -> None:
    target = f"sent-{message}-0"
    await house.lanes.accept(Reaction(f"{message}{emoji}", HERE, ANN, clock.now(), target, (emoji,)))
    await house.quiet()


async def test_turns_summaries_and_ratings_go_after_their_days(house: House, time: Clock):
    forgotten: list[ChannelKey | None] = []
    sweeping = Retention(house.store, DAYS, Invalidation(house.store, (forgotten.append,)))
    redis: Any = house.store.redis
    first = await house.say(f"I like {OLD}")
    await house.quiet()
    await rate(house, first, "👍")
    await redis.rpush(keys.of_channel("dead", HERE), f"out@{int(clock.now())}:{OLD}")
    told = dialogues.summarised(
        await house.lanes.dialogue(HERE), f"They like {OLD}.", first, since=clock.now(), told_by=(ANN.id,)
    )
    await redis.set(keys.of_channel("dlg", HERE), dialogues.encode(told))
    time.days = DAYS / 2
    second = await house.say(f"I like the {NEW}")
    await house.quiet()
    await rate(house, second, "👎")
    await redis.rpush(keys.of_channel("dead", HERE), f"out@{int(clock.now())}:{NEW}")
    assert await sweeping.sweep() == 0
    kept = await house.lanes.dialogue(HERE)
    assert (len(kept.turns), kept.summary) == (2, f"They like {OLD}.")
    assert forgotten == []

    time.days = DAYS + 1
    assert await sweeping.sweep() == 4
    assert await having(house.store, OLD) == []
    kept = await house.lanes.dialogue(HERE)
    assert [each.said for each in kept.turns] == [f"I like the {NEW}"]
    assert [turn for turn, _ in await house.feedback.ratings(HERE)] == [second]
    assert await redis.llen(keys.of_channel("dead", HERE)) == 1
    assert forgotten == [HERE]

    time.days = 2 * DAYS
    assert await sweeping.sweep() == 3
    assert not await redis.exists(*(keys.of_channel(kind, HERE) for kind in ("dlg", "fb", "dead")))


async def test_what_somebody_works_on_is_left_to_the_next_time(house: House, time: Clock):
    sweeping = Retention(house.store, DAYS, Invalidation(house.store, ()))
    await house.say(f"I like {OLD}")
    await house.quiet()
    time.days = DAYS + 1
    house.model.delay_s = 30
    await house.say("a long story")
    async with asyncio.timeout(10):
        while len(house.model.requests) < 2:
            await asyncio.sleep(0.01)
    assert await sweeping.sweep() == 0
    house.model.delay_s = 0
    await house.lanes.accept(Message("stop", HERE, ANN, clock.now(), "/stop"), stop=True)
    await house.quiet()
    assert await sweeping.sweep() == 1


async def test_redis_does_it_where_no_parley_runs_any_more(house: House, time: Clock):
    redis: Any = house.store.redis
    await house.say("hello")
    await house.quiet()
    sweeping = Retention(house.store, DAYS, Invalidation(house.store, ()))
    await sweeping.sweep()
    memory = keys.of_channel("dlg", HERE)
    assert DAYS * DAY_S < await redis.ttl(memory) <= (DAYS + 1) * DAY_S
    await house.say("hello again")
    await house.quiet()
    assert await redis.ttl(memory) == -1
    await sweeping.sweep()
    await Retention(house.store, 0, Invalidation(house.store, ())).sweep()
    assert await redis.ttl(memory) == -1


async def test_nothing_outlives_it_by_a_lifetime_of_its_own(house: House):
    redis: Any = house.store.redis
    voice, young, upload = keys.voice(HERE, "a"), keys.voice(HERE, "b"), keys.upload(HERE, "a")
    await redis.set(voice, OLD, ex=keys.VOICE_S - 8 * DAY_S)
    await redis.set(young, NEW, ex=keys.VOICE_S - 2 * DAY_S)
    await redis.set(upload, NEW, ex=keys.UPLOAD_S)
    sweeping = Retention(house.store, 7, Invalidation(house.store, ()))
    for _ in range(2):
        await sweeping.sweep()
        assert not await redis.exists(voice)
        assert 4.9 * DAY_S < await redis.ttl(young) <= 5 * DAY_S
        assert await redis.ttl(upload) > 1.9 * DAY_S


async def test_what_was_set_aside_tells_when(store: Store):
    lanes = Lanes(store)
    redis: Any = store.redis
    await redis.rpush(keys.of_channel("in", HERE), b"{broken")
    await lanes.accept(Message("b", HERE, ANN, 1.0, "hello"))
    mine = await lanes.claim(keys.partition(HERE), "telegram")
    assert mine is not None
    await lanes.dead_letter(mine, "in", (NoticePart("a", 0, HERE, "sorry"),))
    earlier = encode_event(Message("c", HERE, ANN, clock.now(), "from before entries told their time"))
    await redis.rpush(keys.of_channel("dead", HERE), b"in:" + earlier)
    assert await Retention(store, 1, Invalidation(store, ())).sweep() == 0
    assert await redis.llen(keys.of_channel("dead", HERE)) == 2
    for _ in range(2):
        assert await lanes.replay(HERE)
    assert await redis.lrange(keys.of_channel("in", HERE), 0, -1) == [
        encode_event(Message("b", HERE, ANN, 1.0, "hello")),
        b"{broken",
        earlier,
    ]


@pytest.mark.slow
async def test_the_files_of_redis_forget_it_too(time: Clock):
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        async with open_store("", Path(folder)) as store:
            kept = Dialogue(turns=(turn(1, ANN, OLD),))
            await store.redis.set(keys.of_channel("dlg", THERE), dialogues.encode(kept))
            async with asyncio.timeout(10):
                while OLD.encode() not in files(Path(folder)):
                    await asyncio.sleep(0.05)
            running = asyncio.create_task(Retention(store, DAYS, Invalidation(store, ())).run())
            async with asyncio.timeout(10):
                while OLD.encode() in files(Path(folder)):
                    await asyncio.sleep(0.05)
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            assert await store.redis.exists(keys.swept()) == 1


async def test_who_was_where_is_known_as_long_as_anything_can_be_kept(house: House, time: Clock):
    people = People(house.store)
    sweeping = Retention(house.store, DAYS, Invalidation(house.store, ()))
    await house.say("hello")
    await house.quiet()
    await sweeping.sweep()
    known = await house.store.redis.keys("*:channels:*"), await house.store.redis.keys("*:people:*")
    for key in (*known[0], *known[1]):
        assert DAYS * DAY_S < await house.store.redis.ttl(key) <= (DAYS + 1) * DAY_S
    time.days = DAYS + 0.5
    await sweeping.sweep()
    assert await people.channels_of("telegram", ANN.id) == [HERE]
    time.days = DAYS + 2
    await sweeping.sweep()
    assert await people.channels_of("telegram", ANN.id) == []
    assert await people.of(HERE) == []
