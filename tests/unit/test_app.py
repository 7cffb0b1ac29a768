"""How the process says that it is: /healthz is open to everybody, also where a token is set."""

import logging
from pathlib import Path

import pytest

from bots.app import App
from core import clock
from core.lanes.lanes import Lanes
from core.store import keys
from core.store.clients import client_of
from core.store.redis import Store
from core.values.channel import ChannelKey, Person
from core.values.events import Message
from tests.support.settings import settings_of


def app(store: Store) -> App:
    return App(settings_of(), store)


async def waiting(store: Store, name: str, sent_at: float, text: str = "hello") -> None:
    message = Message(name, ChannelKey("telegram", name), Person("1", "Ann"), sent_at, text)
    await Lanes(store).accept(message)


async def calls(store: Store) -> dict[str, int]:
    stats = await store.redis.info("commandstats")
    return {name.removeprefix("cmdstat_"): of["calls"] for name, of in stats.items()}


async def test_health_tells_how_long_the_oldest_message_waits(store: Store):
    assert await app(store).health() == {"redis": "ok", "oldest message": "ok"}
    await waiting(store, "1", clock.now())
    await waiting(store, "2", clock.now() - 500, 'I say "sent_at":1 and \\"sent_at\\":2')
    await waiting(store, "3", clock.now() - 50)
    told = (await app(store).health())["oldest message"]
    assert told in ("has waited for 500 s", "has waited for 501 s")


async def test_health_looks_at_no_more_keys_in_a_large_store(store: Store):
    async with store.redis.pipeline(transaction=False) as pipe:
        for number in range(3000):
            pipe.zadd(keys.ready(0, "telegram"), {f"telegram/{number}": number})
            pipe.set(f"somebody's other key {number}", 1)
        await pipe.execute()
    health = app(store).health
    await health()  # loads the script
    await store.redis.config_resetstat()
    assert (await health())["redis"] == "ok"
    made = await calls(store)
    assert "scan" not in made
    assert "keys" not in made
    assert made["lindex"] <= 16
    assert sum(made.values()) < 4 * keys.PARTITIONS * 4


async def test_a_redis_that_does_not_answer_is_told_in_two_words(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    sick = app(Store(client_of("redis://:hunter2@127.0.0.1:1/0"), None))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert await sick.health() == {"redis": "no answer", "oldest message": "not known"}
    assert len(caplog.records) == 1
    assert "127.0.0.1" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_redis_that_is_full_does_answer(store: Store):
    await store.redis.config_set("maxmemory", "1")
    try:
        assert (await app(store).health())["redis"] == "takes nothing"
    finally:
        await store.redis.config_set("maxmemory", "0")
