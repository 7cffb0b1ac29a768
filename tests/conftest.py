"""A real redis-server on a unix socket for the whole run, emptied for each test."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from core.store.redis import Store, open_store

os.environ["MODELS"] = "builtin"  # nothing is fetched but where a test says so

# A slow machine fails no test.
settings.register_profile("parley", deadline=None)
settings.load_profile("parley")


@pytest.fixture(scope="session")
def redis_folder() -> Iterator[Path]:
    # Not under pytest's own folder: the path of a unix socket may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def redis_server(redis_folder: Path) -> Iterator[Path]:
    """Kept running by a client of its own, stopped when that one leaves as the last."""
    with asyncio.Runner() as runner:
        opened = open_store("", redis_folder)
        runner.run(opened.__aenter__())
        yield redis_folder
        runner.run(opened.__aexit__(None, None, None))


@pytest.fixture
async def store(redis_server: Path) -> AsyncIterator[Store]:
    async with open_store(f"unix://{redis_server}/redis/redis.sock", redis_server) as opened:
        await opened.redis.flushall()
        yield opened
