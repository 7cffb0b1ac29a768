"""The page's server over a script, and a client of it."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from core.store.redis import Store
from tests.support.scripted import Web, scripted_web


@pytest.fixture
async def web(store: Store) -> AsyncGenerator[Web]:
    async with scripted_web(store) as found:
        yield found


@pytest.fixture
async def client(web: Web) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=web[0].address, timeout=20) as found:
        yield found
