import asyncio
import contextlib
import socket

import pytest

from core.lanes import listener_lease
from core.lanes.listener_lease import ListenerLease
from core.store.redis import Store


class Listener:
    """Says when it listens."""

    def __init__(self, store: Store, name: str) -> None:
        self.listening = asyncio.Event()
        self.ends = asyncio.Event()
        self.task = asyncio.create_task(ListenerLease(store, name).listen("telegram/x", self._listen))

    async def _listen(self) -> None:
        self.listening.set()
        try:
            await self.ends.wait()
        finally:
            self.listening.clear()

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_lease, "_LEASE_S", 0.3)


async def test_one_listens_and_the_other_follows_when_it_leaves(store: Store, caplog: pytest.LogCaptureFixture):
    first = Listener(store, "a")
    await asyncio.wait_for(first.listening.wait(), 5)
    second = Listener(store, "b")
    await asyncio.sleep(0.6)
    assert first.listening.is_set()
    assert not second.listening.is_set()
    assert caplog.text.count("standing by") == 1
    await first.stop()
    await asyncio.wait_for(second.listening.wait(), 5)
    await second.stop()


async def test_who_dies_is_followed_when_its_lease_ends(store: Store):
    await store.redis.set(listener_lease.keys.listening("telegram/x"), "dead", px=300)
    heir = Listener(store, "b")
    await asyncio.wait_for(heir.listening.wait(), 5)
    await heir.stop()


async def test_a_restart_does_not_wait_for_the_lease_of_the_process_that_was_killed(store: Store):
    killed = await asyncio.create_subprocess_exec("sleep", "60")
    killed.kill()
    await killed.wait()
    await store.redis.set(
        listener_lease.keys.listening("telegram/x"), f"{socket.gethostname()}:{killed.pid}:1", px=60_000
    )
    heir = Listener(store, "b")
    await asyncio.wait_for(heir.listening.wait(), 5)
    await heir.stop()


async def test_who_slept_through_its_lease_stops_listening(store: Store):
    sleeper = Listener(store, "a")
    await asyncio.wait_for(sleeper.listening.wait(), 5)
    await store.redis.set(listener_lease.keys.listening("telegram/x"), "b", px=60_000)
    async with asyncio.timeout(5):
        while sleeper.listening.is_set():
            await asyncio.sleep(0.02)
    await sleeper.stop()


async def test_listening_that_ends_by_itself_ends_the_turn(store: Store):
    one = Listener(store, "a")
    await asyncio.wait_for(one.listening.wait(), 5)
    one.ends.set()
    await asyncio.wait_for(one.task, 5)
    assert await store.redis.get(listener_lease.keys.listening("telegram/x")) is None
