"""Who listens to Redis ends when told to, also when its client loses the first word of it (python/cpython#86296)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio.client import PubSub

from core.lanes.wakeup import Doorbell
from core.privacy.cache_invalidation import Invalidation
from core.store.redis import Store

LISTENERS: dict[str, Callable[[Store], Awaitable[None]]] = {
    "the doorbell": lambda store: Doorbell(store, ["telegram"]).listen(),
    "what is forgotten": lambda store: Invalidation(store, ()).listen(),
}


@pytest.mark.parametrize("name", LISTENERS)
async def test_a_cancel_that_the_client_lost_ends_it_all_the_same(
    name: str, store: Store, monkeypatch: pytest.MonkeyPatch
):
    asked, get_message = asyncio.Event(), PubSub.get_message

    async def losing(self: PubSub, **how: Any) -> object:
        asked.set()
        try:
            return await get_message(self, **how)
        except asyncio.CancelledError:
            return None

    monkeypatch.setattr(PubSub, "get_message", losing)
    task = asyncio.ensure_future(LISTENERS[name](store))
    await asyncio.wait_for(asked.wait(), 30)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=30)
    assert done
