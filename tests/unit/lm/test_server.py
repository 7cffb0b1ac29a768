"""What servers tell of their models, each in its dialect, over a real socket."""

import asyncio
import logging
from threading import Event
from typing import Any

import pytest

from bots import loading
from bots.starter import BUILTIN, SERVER
from core.errors import RetryableError, SettingError, UserError
from core.lm import server
from core.lm.base import Request, Utterance
from core.lm.remote import DEFAULT_CONTEXT_TOKENS, RemoteModel
from core.lm.server import Offered
from tests.support.model_pages import listed, serving
from tests.support.settings import settings_of

KEY = "sk-very-secret"
LISTED = "v1/models"


async def find(pages: dict[str, Any], model: str) -> Offered:
    async with serving(pages) as url:
        return await asyncio.to_thread(server.find, url, model, KEY)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pages", "tokens"),
    [
        ({LISTED: listed({"id": "m", "max_model_len": 4096})}, 4096),
        ({LISTED: listed({"id": "base", "max_model_len": 2048}, {"id": "m", "parent": "base"})}, 2048),
        ({LISTED: listed({"id": "m", "meta": {"n_ctx_train": 32768}})}, 32768),
        (
            {
                LISTED: listed({"id": "m", "meta": {"n_ctx_train": 32768}}),
                "props": {"default_generation_settings": {"n_ctx": 1024}},
            },
            1024,
        ),
        ({LISTED: listed("m"), "api/ps": {"models": [{"name": "m", "context_length": 16384}]}}, 16384),
        ({LISTED: listed("m"), "api/show": {"parameters": "stop  x\nnum_ctx     8192"}}, 8192),
        ({LISTED: listed("m"), "api/show": {"model_info": {"qwen2.context_length": 131072}}}, 4096),
        ({LISTED: listed("m"), "api/show": {"model_info": {"gpt2.context_length": 1024}}}, 1024),
        ({LISTED: listed("m"), "api/v0/models": {"data": [{"id": "m", "max_context_length": 32768}]}}, 32768),
        (
            {
                LISTED: listed("m"),
                "api/v0/models": {"data": [{"id": "m", "max_context_length": 9, "loaded_context_length": 8}]},
            },
            8,
        ),
        ({LISTED: listed({"id": "m", "context_length": 200_000})}, 200_000),
        ({LISTED: listed({"id": "m", "max_model_len": None, "context_window": "long"})}, 0),
        ({LISTED: ["nonsense"]}, 0),
        ({LISTED: 500}, 0),
        ({}, 0),
    ],
)
async def test_each_server_tells_its_context_in_its_own_way(pages: dict[str, Any], tokens: int):
    assert await find(pages, "m") == Offered("m", tokens)


async def test_a_name_without_a_tag_is_ollamas_latest():
    pages = {LISTED: listed("m:latest"), "api/ps": {"models": [{"name": "m:latest", "context_length": 7}]}}
    assert await find(pages, "m") == Offered("m", 7)


async def test_a_name_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(SettingError) as raised:
        await find({LISTED: listed("qwen", "llama")}, "qwenn")
    assert str(raised.value) == "LM_MODEL: got 'qwenn', wants a model that LM_URL has: llama, qwen"


async def test_many_names_are_not_all_told():
    with pytest.raises(SettingError, match=r": m0, m1, m10, .* and 42 more$"):
        await find({LISTED: listed(*(f"m{index}" for index in range(50)))}, "x")


async def test_a_name_that_the_server_answers_to_without_listing_it_is_fine():
    pages = {LISTED: listed("m"), "v1/chat/completions": {"choices": []}}
    assert (await find(pages, "/models/other")).name == "/models/other"


async def test_a_server_of_one_model_that_answers_to_any_name_reads_as_much_as_that_model():
    pages = {
        LISTED: listed({"id": "m", "meta": {"n_ctx_train": 32768}}),
        "v1/chat/completions": {"choices": []},
        "props": {"default_generation_settings": {"n_ctx": 4096}},
    }
    assert await find(pages, "gpt") == Offered("gpt", 4096)


async def test_the_only_model_needs_no_name_and_several_do():
    assert (await find({LISTED: listed("only")}, "")).name == "only"
    for pages in ({LISTED: listed("one", "two")}, {}):
        with pytest.raises(SettingError, match="^LM_MODEL: got nothing, wants the name of a model"):
            await find(pages, "")


async def test_a_key_that_is_refused_is_told_and_not_shown():
    with pytest.raises(SettingError, match="^LM_API_KEY") as raised:
        await find({LISTED: 401}, "m")
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("status", [429, 502, 503])
async def test_a_server_in_trouble_is_worth_another_try(status: int):
    with pytest.raises(RetryableError, match=str(status)):
        await find({LISTED: status}, "m")


async def test_parley_starts_without_its_server_and_meets_it_when_it_comes(caplog: pytest.LogCaptureFixture):
    async with serving({}) as url:
        pass
    model = await asyncio.to_thread(loading.open_model, settings_of(lm_url=url, lm_model=""), SERVER, Event())
    assert isinstance(model, RemoteModel)
    assert (model.name, model.context_tokens) == ("", DEFAULT_CONTEXT_TOKENS)
    request = Request((Utterance.of("user", "Hello"),), 10)
    with pytest.raises(RetryableError):
        await anext(model.stream(request))
    caplog.set_level(logging.INFO)
    async with serving({LISTED: listed({"id": "only", "max_model_len": 512})}, int(url.split(":")[2][:-3])):
        with pytest.raises(UserError, match="model_unreachable"):  # it answers nothing but its list
            await anext(model.stream(request))
    assert (model.name, model.context_tokens) == ("only", 512)
    assert "has one model, only: taking it" in caplog.text
    await model.close()


async def test_a_wrong_name_found_out_later_is_told_in_the_log(caplog: pytest.LogCaptureFixture):
    async with serving({LISTED: listed("good")}) as url:
        model = RemoteModel(url, "bad", KEY)
        with pytest.raises(UserError, match="model_unreachable"):
            await anext(model.stream(Request((Utterance.of("user", "Hello"),), 10)))
        await model.close()
    assert "a model that LM_URL has: good" in caplog.text
    assert KEY not in caplog.text


async def test_the_owners_word_on_the_context_goes_before_the_servers():
    async with serving({LISTED: listed({"id": "m", "max_model_len": 4096})}) as url:
        settings = settings_of(lm_url=url, lm_model="m", lm_context_tokens=1000)
        model = await asyncio.to_thread(loading.open_model, settings, "m", Event())
        assert model.context_tokens == 1000
        await model.close()


def test_the_owners_word_lowers_the_context_of_a_local_model_too():
    model = loading.open_model(settings_of(lm_context_tokens=300), BUILTIN, Event())
    assert model.context_tokens == 300
    asyncio.run(model.close())
