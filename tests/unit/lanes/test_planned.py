"""What is due later comes to its lane at its time, once, whatever happens meanwhile."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from core import clock
from core.feedback.ratings import Feedback
from core.lanes.admin import Upkeep
from core.lanes.lanes import Lanes
from core.lanes.wakeup import Doorbell
from core.privacy.cache_invalidation import Invalidation
from core.privacy.retention import Retention
from core.store import keys
from core.store.people import People
from core.store.redis import Store, open_store
from core.values.channel import ChannelKey
from core.values.events import Message, Move, Reaction, encode_event
from core.values.parts import TextPart
from tests.support.house import ANN, BOB, HERE, House, working

GROUP, UPGRADED = ChannelKey("telegram", "42:-5"), ChannelKey("telegram", "42:-1005")
TOPIC = ChannelKey("telegram", "42:7", "33")
FAR_S = 4e9


def reminder(id: str = "r", channel: ChannelKey = HERE) -> Message:
    return Message(id, channel, ANN, 1.0, f"remember {id}")


@asynccontextmanager
async def ringing(store: Store) -> AsyncGenerator[Doorbell]:
    bell = Doorbell(store, ["telegram"])
    task = asyncio.create_task(bell.listen())
    await asyncio.sleep(0.1)
    try:
        yield bell
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def waiting(lanes: Lanes, channel: ChannelKey = HERE) -> list[str]:
    return [entry.value.id for entry in await lanes.waiting(channel, 99) if not isinstance(entry.value, Exception)]


async def claim(lanes: Lanes, channel: ChannelKey = HERE) -> Any:
    return await lanes.claim(keys.partition(channel), channel.platform)


@pytest.mark.slow
@pytest.mark.parametrize("in_s", [0.3, 2.5])
async def test_it_rings_at_its_time_and_not_before(store: Store, in_s: float):
    """Sooner than the next sweep, and later than that."""
    lanes, at = Lanes(store), clock.now() + in_s
    async with ringing(store) as bell:
        await lanes.schedule(reminder(), at)
        assert await claim(lanes) is None
        async with asyncio.timeout(20):
            await bell.next()
        assert clock.now() >= at
        found = await claim(lanes)
    assert found.event() == reminder()


async def test_what_was_planned_before_anybody_listened_rings_too(store: Store):
    lanes = Lanes(store)
    await lanes.schedule(reminder(), clock.now() + 0.5)
    async with ringing(store) as bell, asyncio.timeout(20):
        assert await bell.next() == (keys.partition(HERE), "telegram")


async def test_a_planned_message_is_answered_once(store: Store):
    house = House(store)
    async with working(house):
        await house.lanes.schedule(reminder(), clock.now() + 0.2)
        async with asyncio.timeout(20):
            while not house.platform.sent:
                await asyncio.sleep(0.02)
        await house.quiet()
        assert await house.lanes.schedule(reminder(), clock.now()) is False
        await house.quiet()
    assert house.platform.texts(HERE) == ["You said: remember r"]


@pytest.mark.slow
async def test_it_outlives_a_redis_that_is_killed(redis_folder: Path, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("r")
    async with open_store("", folder, "always") as store:
        await Lanes(store).schedule(reminder("soon"), clock.now())
        await Lanes(store).schedule(reminder("far"), FAR_S)
        server: Any = await store.redis.info("server")
        process = await asyncio.create_subprocess_exec("kill", "-9", str(server["process_id"]))
        await process.wait()
    async with open_store("", folder, "always") as store:
        lanes = Lanes(store)
        assert (await claim(lanes)).event() == reminder("soon")
        assert await lanes.cancel(HERE, "far")
        assert not await lanes.cancel(HERE, "far")


async def test_who_dies_with_it_leaves_it_to_the_next_and_it_comes_no_second_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.lanes.lanes.LEASE_S", 0.01)
    lanes = Lanes(store)
    await lanes.schedule(reminder(), 1.0)
    for _ in range(3):
        assert (await claim(lanes)).event() == reminder()
        await asyncio.sleep(0.05)
    found = await claim(lanes)
    await lanes.commit(found, None, (), last="r")
    assert await claim(lanes) is None
    assert await waiting(lanes) == []


async def test_it_goes_along_when_its_channel_moves(store: Store):
    lanes = Lanes(store)
    await lanes.schedule(reminder("soon", GROUP), 1.0)
    await lanes.accept(Move("m", GROUP, UPGRADED))
    await lanes.schedule(reminder("far", GROUP), FAR_S)
    found = await claim(lanes, GROUP)
    assert found.head
    await Upkeep(store).move(found, UPGRADED)
    assert await waiting(lanes, UPGRADED) == ["soon"]
    assert not await lanes.cancel(GROUP, "far")
    later: Any = store.redis.zrange(keys.later(keys.partition(UPGRADED), "telegram"), 0, -1, withscores=True)
    assert await later == [(keys.due(UPGRADED, "far").encode(), 1000 * FAR_S)]
    assert await lanes.cancel(UPGRADED, "far")


async def test_a_channel_with_something_planned_is_found_however_long_ago_somebody_was_there(store: Store):
    lanes, people = Lanes(store), People(store)
    await lanes.schedule(reminder(), FAR_S)
    await lanes.accept(Message("m", GROUP, ANN, 1.0, "hi"))
    part = keys.partition(HERE)
    for key in (keys.of_channel("people", HERE), keys.channels(part, "telegram", ANN.id)):
        for member in await store.redis.zrange(key, 0, -1):
            await store.redis.zadd(key, {cast(bytes, member): 1.0})
    sweeping = Retention(store, 1, Invalidation(store, ()))
    await sweeping.sweep()
    assert HERE in await people.channels_of("telegram", ANN.id)
    assert await people.of(HERE) == [ANN.id]
    await lanes.cancel(HERE, "r")
    await sweeping.sweep()
    assert HERE not in await people.channels_of("telegram", ANN.id)


async def test_a_reaction_waits_for_its_part_and_goes_when_that_never_comes(store: Store):
    house = House(store)
    async with working(house):
        await house.lanes.accept(Reaction("r", HERE, ANN, 1.0, "nothing of ours", added=("👍",)))
        assert await waiting(house.lanes) == []
        (member,) = await store.redis.zrange(keys.later(keys.partition(HERE), "telegram"), 0, -1)
        await store.redis.zadd(keys.later(keys.partition(HERE), "telegram"), {cast(bytes, member): 1})
        async with asyncio.timeout(20):
            while await store.redis.exists(keys.of_channel("planned", HERE)):
                await asyncio.sleep(0.02)
        await house.quiet()
    assert await house.feedback.ratings(HERE) == {}
    assert await waiting(house.lanes) == []


async def test_reactions_of_another_lane_come_in_their_order_with_the_record(store: Store):
    lanes, feedback = Lanes(store), Feedback(store)
    for number, (added, removed) in enumerate([(("👍",), ()), ((), ("👍",)), (("👎",), ())]):
        await lanes.accept(Reaction(f"r{number}", HERE, BOB, 1.0, "p", added, removed))
    await lanes.accept(replace(reminder("m"), channel=TOPIC))
    found = await claim(lanes, TOPIC)
    part = TextPart("m", 0, TOPIC, "hello", model="x", person=ANN.id)
    await lanes.commit(found, None, (part,), last="m")
    record = b'{"turn":"m","thread":"33","model":"x","profile":"p","person":"1","version":1}'
    await lanes.sent(found, part, "p", record)
    assert await waiting(lanes) == ["r0", "r1", "r2"]
    for entry in await lanes.waiting(HERE, 9):
        assert isinstance(entry.value, Reaction)
        await feedback.react(entry.value)
    assert {who: rating.rating for who, rating in (await feedback.ratings(TOPIC)).items()} == {("m", BOB.id): -1}


async def test_a_reaction_that_an_earlier_version_kept_until_its_part_came_comes_with_it(store: Store):
    lanes, early = Lanes(store), Reaction("r", HERE, BOB, 1.0, "p", ("👍",))
    await store.redis.rpush(keys.parked(HERE, "p"), encode_event(early))
    await lanes.accept(reminder("m"))
    found = await claim(lanes)
    part = TextPart("m", 0, HERE, "hello", model="x", person=ANN.id)
    await lanes.commit(found, None, (part,), last="m")
    await lanes.sent(found, part, "p", b"record")
    assert await waiting(lanes) == ["r"]
