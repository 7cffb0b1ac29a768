"""One product for all, because a start takes seconds; each test has chats of its own, or looks at what is new."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fault.model_server import answer_to
from tests.pains.world import World, living, spoken


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def living_world() -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory(prefix="parley-", ignore_cleanup_errors=True) as folder:
        async with living(Path(folder)) as world:
            yield world


@pytest.fixture
def world(living_world: World) -> World:
    """The product, its model back to what it says by itself."""
    model = living_world.model
    model.word_s, model.first_s, model.answer, model.trouble = 0.0, lambda said: 0.0, answer_to, lambda said: None
    return living_world


@pytest.fixture(scope="session")
def notes() -> list[bytes]:
    """A short voice note and a long one."""
    return asyncio.run(
        spoken(
            [
                "Hello, my name is Alice.",
                "Hello, my name is Alice. What is my name? What can you do? Tell me a joke. " * 3,
            ]
        )
    )
