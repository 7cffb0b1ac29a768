"""Redis as a cluster, behind a sentinel, or one server: the same house stands on each."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bots.web import wire
from core import clock
from core.errors import RetryableError, SettingError
from core.intake.pairing import Pairing, Stranger
from core.intake.quotas import Allowance, Quotas
from core.lanes.admin import Upkeep
from core.lanes.claim import Fenced
from core.lanes.lanes import Lanes
from core.lanes.wakeup import Doorbell
from core.privacy.aof_rewrite import Files
from core.settings import Settings
from core.store import keys
from core.store.clients import is_cluster, nodes
from core.store.people import People
from core.store.preferences import PreferenceStore
from core.store.redis import Store, open_store
from core.values.channel import ChannelKey, Person
from core.values.events import Message, Move, Reaction
from core.values.parts import TextPart
from tests.support.house import ANN, HERE, THERE, House, working
from tests.support.redis_nodes import cluster, serving

pytestmark = pytest.mark.slow

GROUP, UPGRADED = ChannelKey("telegram", "42:-5"), ChannelKey("telegram", "42:-1005")
ROOM = ChannelKey("web", "room")


@pytest.fixture(params=[1, 3], scope="module")
def size(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
async def clustered(size: int, tmp_path: Path) -> AsyncIterator[Store]:
    async with cluster(tmp_path, size) as url, open_store(url, tmp_path) as store:
        assert is_cluster(store.redis)
        assert len(nodes(store.redis)) == size
        yield store


async def test_the_whole_house_stands_on_a_cluster(clustered: Store):
    """Turns in many channels, a reaction, preferences, what is planned, a move, /export and /forget."""
    house = House(clustered)
    channels = [ChannelKey("telegram", f"42:{number}") for number in range(20)]
    async with working(house):
        for channel in channels:
            await house.say("hello", channel)
        await house.quiet()
        assert sorted(str(part.channel) for part in house.platform.sent) == sorted(map(str, channels))
        first = house.platform.sent[0]
        await house.lanes.accept(Reaction("r", first.channel, ANN, 2.0, f"sent-{first.nonce}", ("👍",)))
        await house.lanes.schedule(Message("later", HERE, ANN, 1.0, "later"), clock.now() + 0.3)
        async with asyncio.timeout(20):
            while "You said: later" not in house.platform.texts(HERE):
                await asyncio.sleep(0.02)
        await house.quiet()
        assert [each.rating for each in (await house.feedback.ratings(first.channel)).values()] == [1]
        await PreferenceStore(clustered).change(HERE, lambda chosen: replace(chosen, voice="never"))
        assert (await PreferenceStore(clustered).preferences(HERE)).voice == "never"
        assert set(await People(clustered).channels_of("telegram", ANN.id)) >= set(channels)
        await house.desk().accept(Message("export", HERE, ANN, 1.0, "/export"))
        await house.quiet()
        assert house.platform.sent[-1].document is not None
        await house.desk().accept(Message("forget", HERE, ANN, 1.0, "/forget me"))
        await house.quiet()
    assert "messages with my answers 21" in house.platform.texts(HERE)[-1]
    assert await People(clustered).channels_of("telegram", ANN.id) == []
    assert await Upkeep(clustered).oldest() is None
    assert [each async for each in Upkeep(clustered).standings()] == []
    await Files(clustered).write_anew()
    assert await clustered.check()


async def test_a_turn_goes_step_by_step_and_a_late_worker_writes_nothing(clustered: Store):
    lanes, bell = Lanes(clustered), Doorbell(clustered, ["telegram"])
    listening = asyncio.create_task(bell.listen())
    await asyncio.sleep(0.3)
    for channel in (HERE, THERE):
        assert await lanes.accept(Message(f"m{channel.space}", channel, ANN, 1.0, "hi"))
        async with asyncio.timeout(1.5):  # before a sweep
            part, platform = await bell.next() or (0, "web")
        claim = await lanes.claim(part, platform)
        assert claim is not None
        assert claim.channel == channel
        sent = TextPart(f"m{channel.space}", 0, channel, "hello", model="m", person=ANN.id)
        assert await lanes.commit(claim, None, (sent,), last=sent.turn)
        assert not await lanes.sent(claim, sent, "p", b"record")
        with pytest.raises(Fenced):
            await lanes.free(replace(claim, fence=claim.fence - 1))
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_strangers_and_quotas_are_counted_in_a_cluster(clustered: Store):
    pairing = Pairing(clustered, Lanes(clustered))
    found = await pairing.knock(Stranger("telegram:9", Person("9", "Eve"), "telegram/42:9", False))
    assert found is not None
    assert await pairing.confirm(found[0].code) is not None
    assert await pairing.knows(["telegram:9"]) == ["telegram:9"]
    quotas = Quotas(clustered, Allowance(messages_per_minute=2), Allowance())
    counted = [await quotas.exceeded(Message(f"q{n}", HERE, ANN, 1.0, "hi"), {"messages"}) for n in range(3)]
    assert [each is None for each in counted] == [True, True, False]


async def test_a_channel_moves_within_a_cluster(clustered: Store):
    lanes = Lanes(clustered)
    await lanes.accept(Message("a", GROUP, ANN, 1.0, "one"))
    await lanes.accept(Move("m", GROUP, UPGRADED))
    await lanes.accept(Message("b", GROUP, ANN, 2.0, "two"))
    claim = await lanes.claim(keys.partition(GROUP), "telegram")
    assert claim is not None
    await Upkeep(clustered).move(claim, UPGRADED)
    waiting: list[Any] = [entry.value for entry in await lanes.waiting(UPGRADED, 9)]
    assert [event.id for event in waiting] == ["a", "b"]
    assert await lanes.waiting(GROUP, 9) == []


async def test_a_page_hears_its_answer_from_a_cluster(clustered: Store):
    ear = wire.Ear(clustered)
    running = asyncio.create_task(ear.run())
    async with asyncio.timeout(10):
        await ear.listening.wait()
    with ear.waiting_for("t") as inbox:
        await wire.post(clustered, TextPart("t", 0, ROOM, "hello"))
        note = await inbox.get(10)
    ear.stop()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert note is not None
    assert note == await wire.kept(clustered, ROOM, "t")


async def test_behind_a_sentinel_work_goes_on_when_the_first_server_dies(tmp_path: Path):
    async with serving(tmp_path) as second:
        async with serving(tmp_path) as first, Redis(port=second) as replica:
            await replica.replicaof("127.0.0.1", first)
            watching = (
                f"sentinel monitor house 127.0.0.1 {first} 1\n"
                "sentinel down-after-milliseconds house 300\nsentinel failover-timeout house 2000\n"
            )
            async with serving(tmp_path, "--sentinel", config=watching) as sentinel:
                address = f"redis+sentinel://127.0.0.1:{sentinel},127.0.0.1:1/house/0"
                async with open_store(address, tmp_path) as store:
                    lanes = Lanes(store)
                    assert await lanes.accept(Message("a", HERE, ANN, 1.0, "one"))
                    await _until_known(sentinel)
                    await store.redis.wait(1, 5000)
                    async with Redis(port=first) as dying:
                        await dying.shutdown(nosave=True)
                    async with asyncio.timeout(60):
                        while True:
                            try:
                                await lanes.accept(Message("b", HERE, ANN, 2.0, "two"))
                                break
                            except RetryableError:
                                await asyncio.sleep(0.1)
                    waiting: list[Any] = [entry.value for entry in await lanes.waiting(HERE, 9)]
                    assert [event.id for event in waiting] == ["a", "b"]


async def _until_known(sentinel: int) -> None:
    """The sentinel has heard of the replica."""
    async with asyncio.timeout(30), Redis(port=sentinel) as client:
        while not await client.execute_command("SENTINEL", "REPLICAS", "house"):
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)


@pytest.mark.parametrize(
    "url",
    [
        "redis+cluster://me:hunter2@",
        "redis+cluster://me:hunter2@h:1,h:x",
        "redis+cluster://me:hunter2@h:1/0",
        "redis+sentinel://me:hunter2@h:1",
        "redis+sentinel://me:hunter2@h:1/name/x",
        "redis+sentinel://me:hunter2@h:1/a/1/2",
        "unix+cluster://me:hunter2@h",
    ],
)
async def test_an_address_that_is_none_is_refused_without_its_password(url: str, tmp_path: Path):
    with pytest.raises(SettingError) as refused:
        async with open_store(url, tmp_path):
            pass
    assert "REDIS_URL" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("url", ["redis+cluster://127.0.0.1:1", "rediss+sentinel://127.0.0.1:1/house"])
async def test_where_nobody_answers_is_said_with_the_setting_s_name(url: str, tmp_path: Path):
    assert Settings(redis_url=url).redis_url == url  # pyright: ignore[reportCallIssue]
    with pytest.raises(SettingError, match="REDIS_URL"):
        async with open_store(url, tmp_path):
            pass
