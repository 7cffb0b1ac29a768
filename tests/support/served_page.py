"""The page with the scripted worker, beside a test that no event loop runs in."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from core.store.redis import open_store
from tests.support.scripted import Script, scripted_web


@contextlib.contextmanager
def served(redis_server: Path, **waits_s: Any) -> Generator[tuple[str, Callable[[], object]]]:
    """The page's address, and what lets a "silent" message be answered.

    The server has a loop and a thread of its own: Playwright's sync API occupies this one.
    """
    ready, leave = threading.Event(), asyncio.Event()
    found: list[tuple[str, Script]] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        url = f"unix://{redis_server}/redis/redis.sock"
        async with open_store(url, redis_server) as store, scripted_web(store, **waits_s) as (platform, script):
            found.append((platform.address, script))
            ready.set()
            await leave.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="page")
    thread.start()
    assert ready.wait(20)
    ((address, script),) = found
    yield address, lambda: loop.call_soon_threadsafe(script.go.set)
    loop.call_soon_threadsafe(leave.set)
    thread.join(20)
    loop.close()
