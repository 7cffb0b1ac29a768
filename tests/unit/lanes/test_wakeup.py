import asyncio
from contextlib import asynccontextmanager

import pytest

from core.lanes import wakeup
from core.lanes.lanes import Lanes
from core.lanes.wakeup import Doorbell
from core.store import keys
from core.store.redis import Store
from core.values.channel import ChannelKey, Person
from core.values.events import Message

HERE = ChannelKey("discord", "20")


@asynccontextmanager
async def listening(bell: Doorbell):
    task = asyncio.create_task(bell.listen())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_accepted_message_rings_within_the_sweep(store: Store):
    bell = Doorbell(store, ["discord", "web"])
    async with listening(bell):
        await asyncio.sleep(0.05)
        await Lanes(store).accept(Message("1", HERE, Person("1", "A"), 1.0, "hi"))
        assert await asyncio.wait_for(bell.next(), 0.5) == (keys.partition(HERE), "discord")


async def test_the_sweep_finds_what_no_message_told_of(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wakeup, "_SWEEP_S", 0.05)
    await store.redis.zadd(keys.ready(keys.partition(HERE), "discord"), {str(HERE): 1})
    bell = Doorbell(store, ["discord"])
    async with listening(bell):
        assert await asyncio.wait_for(bell.next(), 1) == (keys.partition(HERE), "discord")


async def test_other_platforms_lanes_do_not_ring(store: Store):
    bell = Doorbell(store, ["web"])
    async with listening(bell):
        await asyncio.sleep(0.05)
        await Lanes(store).accept(Message("1", HERE, Person("1", "A"), 1.0, "hi"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bell.next(), 0.2)


async def test_each_ring_is_handed_out_once():
    bell = Doorbell.__new__(Doorbell)
    bell._due, bell._rung, bell._silent = {}, asyncio.Condition(), False
    await bell.ring(1, "web")
    await bell.ring(1, "web")
    await bell.ring(2, "web")
    assert [await bell.next(), await bell.next()] == [(1, "web"), (2, "web")]


async def test_a_silenced_bell_hands_out_nothing_more(store: Store):
    bell = Doorbell(store, ["web"])
    waiting = asyncio.create_task(bell.next())
    await asyncio.sleep(0)
    await bell.silence()
    await bell.ring(1, "web")
    assert await waiting is None
    assert await bell.next() is None


async def test_of_two_processes_one_hears_a_partition_first_and_the_other_soon(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(wakeup, "_SWEEP_S", 0.1)
    monkeypatch.setattr(wakeup, "_HEAD_START_S", 0.3)
    bells = [Doorbell(store, ["discord"], owner) for owner in ("a", "b")]
    async with listening(bells[0]), listening(bells[1]):
        await asyncio.sleep(0.3)
        rung = [asyncio.create_task(bell.next()) for bell in bells]
        await store.redis.publish(keys.WAKE, "7 discord")
        await asyncio.wait(rung, return_when=asyncio.FIRST_COMPLETED)
        assert [task.done() for task in rung].count(True) == 1
        assert await asyncio.gather(*rung) == [(7, "discord")] * 2
