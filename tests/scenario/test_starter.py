"""A first start: the built-in models answer at once, real ones come from a hub and take over by themselves."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import constants

from bots.app import App
from bots.platforms import open_platforms
from bots.starter import BUILTIN
from bots.web.platform import WebPlatform
from core.errors import PermanentError
from core.lm.local.loading import SHIPPED as MIND
from core.models import catalogue
from core.models.arriving import Arrival
from core.models.catalogue import Entry, Kind
from core.speech.transcription import SHIPPED as EARS
from core.store.redis import open_store
from tests.platforms.hub_server import HubServer
from tests.support.settings import settings_of

MIND_AND_EARS: dict[Kind, Entry] = {
    "mind": Entry("tiny-mind", "parley/tiny-mind", "mind", starter=True),
    "ears": Entry("small-ears", "parley/small-ears", "ears", starter=True),
}


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HubServer]:
    async with HubServer({"parley/tiny-mind": MIND, "parley/small-ears": EARS}) as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.base)
        url = running.base + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)
        monkeypatch.setattr(catalogue, "starter", MIND_AND_EARS.__getitem__)
        yield running


class Running:
    """One Parley in this process, and what its page says."""

    def __init__(self, app: App, page: str, steps: list[Arrival]) -> None:
        self.app = app
        self.steps = steps
        self.client = httpx.AsyncClient(base_url=page, timeout=60)

    async def say(self, text: str, channel: str = "here") -> str:
        answer = await self.client.post(f"/v1/channels/{channel}/messages", json={"text": text})
        assert answer.status_code == 200, answer.text
        return answer.json()["text"]

    async def models(self) -> dict[str, Any]:
        return (await self.client.get("/v1/models")).json()

    async def coming(self) -> set[str]:
        """The states of the models that were asked for."""
        return {each["state"] for each in (await self.models())["coming"]}

    async def until(self, *states: str) -> None:
        """Wait until each model that was asked for is in one of these states."""
        async with asyncio.timeout(60):
            while not (coming := (await self.models())["coming"]) or any(
                each["state"] not in states for each in coming
            ):
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def first_start(data: Path, **settings: object) -> AsyncGenerator[Running]:
    chosen = settings_of(data_dir=data, web_port=0, models="starter", **settings)
    steps: list[Arrival] = []
    async with open_store("", data) as store:
        app = App(chosen, store, watch=steps.append)
        platforms = open_platforms(app)
        page = platforms["web"]
        assert isinstance(page, WebPlatform)
        running = asyncio.create_task(app.run(platforms))
        await page.started.wait()
        there = Running(app, page.address, steps)
        try:
            yield there
        finally:
            await there.client.aclose()
            app.leave()
            await running


async def test_real_models_take_over_by_themselves_and_the_conversation_stays(hub: HubServer, data: Path):
    async with first_start(data) as parley:
        assert await parley.say("My name is Zora.")
        await parley.until("here")
        told = await parley.models()
        assert {model["name"] for model in told["models"]} == {"tiny-mind", "small-ears"}
        assert set(told["choices"]) == {"tiny-mind", BUILTIN}
        assert [step.state for step in parley.steps if step.name == "small-ears"][-2:] == ["opening", "here"]
        await parley.say("And now?")
        history = (await parley.client.get("/v1/channels/here/messages")).json()["messages"]
        assert [turn["said"] for turn in history] == ["My name is Zora.", "And now?"]
        assert (await parley.client.get("/healthz")).status_code == 200
    hub.asked.clear()
    async with first_start(data) as parley:
        assert await parley.say("Hello")
        told = await parley.models()
        assert {model["name"] for model in told["models"]} == {"tiny-mind", "small-ears"}
        assert told["coming"] == []
    assert hub.asked == []


async def test_twenty_chats_lose_nothing_while_the_models_change(hub: HubServer, data: Path):
    async with first_start(data) as parley:
        chats = [f"chat{number}" for number in range(20)]
        rounds = 0
        while await parley.coming() != {"here"}:
            await asyncio.gather(*(parley.say(f"Hello {rounds}", chat) for chat in chats))
            rounds += 1
            assert rounds < 200
        await asyncio.gather(*(parley.say(f"Hello {rounds}", chat) for chat in chats))
        for chat in chats:
            history = (await parley.client.get(f"/v1/channels/{chat}/messages")).json()["messages"]
            assert [turn["said"] for turn in history] == [f"Hello {number}" for number in range(rounds + 1)]


async def test_a_hub_that_lies_leaves_the_built_in_answering_and_says_why(hub: HubServer, data: Path):
    hub.lies_about = {"model.safetensors", "model.bin"}
    async with first_start(data) as parley:
        await parley.until("failed")
        told = await parley.models()
        assert {model["name"] for model in told["models"]} == {"parley-small", "parley-ears"}
        assert all(each["reason"] for each in told["coming"])
        assert await parley.say("Hello")
        assert "tiny-mind could not be fetched" in await parley.say("/status")
        assert (await parley.client.get("/healthz")).status_code == 200


async def test_leaving_while_the_hub_is_silent_does_not_wait_for_it(hub: HubServer, data: Path):
    hub.silent = True
    async with first_start(data) as parley:
        assert await parley.say("Hello")
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 15  # the hub would be given up after twenty-five


async def test_built_in_fetches_nothing(hub: HubServer, data: Path):
    from bots import starter

    chosen = settings_of(data_dir=data, models="builtin")
    assert (list(starter.wanted(chosen)), starter.first("mind", chosen)) == ([], BUILTIN)
    own = settings_of(data_dir=data, models="starter", lm_model="mine")
    assert [entry.name for entry in starter.wanted(own)] == ["small-ears"]
    assert starter.first("mind", own) == "mine"
    with pytest.raises(PermanentError):
        catalogue.entry("no such model")
    assert json.dumps(hub.asked) == "[]"
