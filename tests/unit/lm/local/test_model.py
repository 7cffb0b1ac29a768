"""The local model as the engine sees it: what is kept between turns, what is said when something fails."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig

from core.errors import PermanentError, RetryableError, UserError
from core.lm.base import Request, Utterance, whole_text
from core.lm.local import model as localizing
from core.lm.local.loading import LoadedModel, load
from core.lm.local.model import LocalModel
from core.lm.local.sampling import Generation
from core.lm.local.slots import OutOfMemory
from core.values.sampling import Sampling
from tests.support.tiny import shape, tiny

SYSTEM = Utterance.of("system", "You are Parley, an assistant in a chat.")
GREEDY = Sampling(temperature=0)


def loaded(config: Any) -> LoadedModel:
    """Random weights behind the shipped tokenizer."""
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(config).eval()
    return replace(load(None), name="random", generation=Generation(), context_tokens=512, model=model, decoder=None)


def chat(*said: str) -> tuple[Utterance, ...]:
    """System words, then user and assistant in turn."""
    return (SYSTEM, *(Utterance.of("assistant" if at % 2 else "user", text) for at, text in enumerate(said)))


async def answer(model: LocalModel, said: tuple[Utterance, ...], channel: str = "", tokens: int = 12) -> str:
    return await whole_text(model, Request(said, tokens, GREEDY, channel=channel))


@pytest.fixture
async def model() -> AsyncIterator[LocalModel]:
    opened = LocalModel(load(None))
    yield opened
    await opened.close()


async def test_a_channel_is_kept_between_its_turns_until_it_is_forgotten(model: LocalModel):
    hello = await answer(model, chat("My name is Ann."), "a")
    await answer(model, chat("Hi."), "b")
    kept = model.status()
    assert (kept.kept_channels, kept.slots_in_use, kept.waiting) == (2, 0, 0)
    assert 0 < kept.cache_bytes <= kept.cache_limit_bytes
    turn = chat("My name is Ann.", hello, "What is my name?")
    assert await answer(model, turn, "a") == await answer(model, turn)
    model.forget("a")
    assert await answer(model, turn) == await answer(model, turn, "a")
    model.forget("a")
    model.forget("b")
    await answer(model, chat("Hi."))
    assert (model.status().kept_channels, model.status().cache_bytes) == (0, 0)


async def test_status_tells_what_was_loaded(model: LocalModel):
    status = model.status()
    assert (status.name, status.bits, status.context_tokens) == ("parley-small", 32, 768)
    assert status.weight_bytes == sum(each.numel() * 4 for each in tiny("shipped").parameters())


async def test_turns_that_were_counted_are_not_tokenised_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(localizing, "_COUNTS", 2)
    whole = load(None)
    model = LocalModel(whole)
    assert whole.tokenizer.takes_system
    rendered: list[str] = []
    render = whole.tokenizer.rendered
    whole.tokenizer.rendered = lambda chat: rendered.append(chat[0]["content"]) or render(chat)
    said = [(Utterance.of("user", text),) for text in ("a", "bb cc", "a", "d", "a", "bb cc", "a")]
    assert [model.count_tokens(each) for each in said] == [len(whole.encode(each)) for each in said]
    assert rendered[:4] == ["a", "bb cc", "d", "bb cc"]
    await model.close()


async def test_eight_bits_are_a_setting():
    model = LocalModel.open(None, "int8")
    assert model.status().bits == 8
    assert await answer(model, chat("Hello"))
    await model.close()


async def test_only_the_system_words_are_shared(model: LocalModel):
    one, other = (load(None).encode_with_system(chat(said)) for said in ("Hello", "my name is Ann"))
    assert one[1] == other[1] > 5
    assert one[0][: one[1]] == other[0][: other[1]]
    assert load(None).tokenizer.decode(one[0][: one[1]]).strip() == f"{SYSTEM.text}"


@pytest.mark.slow
async def test_answers_side_by_side_are_those_of_lone_runs(model: LocalModel):
    asked = [chat(f"My name is {name}. Hello!") for name in ("Ann", "Ben", "Cem", "Dan", "Eve", "Fay")]
    alone = [await answer(model, said) for said in asked]
    together = await asyncio.gather(*(answer(model, said, str(at)) for at, said in enumerate(asked)))
    assert together == alone


async def test_a_model_without_slots_answers_all_the_same(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        model = LocalModel(loaded(MistralConfig(**shape(vocab_size=3026), sliding_window=32)))
    assert [record.message for record in caplog.records] == [
        "random answers one chat at a time and keeps nothing between turns: its cache has DynamicSlidingWindowLayer"
    ]
    said = await asyncio.gather(*(answer(model, chat("Hello"), "a") for _ in range(3)))
    assert said[0]
    assert len(set(said)) == 1
    gone = asyncio.create_task(answer(model, chat("Hello"), tokens=400))
    await asyncio.sleep(0.02)
    gone.cancel()
    assert await answer(model, chat("Hello")) == said[0]
    assert model.status().kept_channels == 0
    await model.close()


async def test_a_forward_that_fails_is_told_once_and_the_next_answer_comes():
    model = LocalModel(loaded(LlamaConfig(**shape(vocab_size=300))))
    with pytest.raises(PermanentError, match="IndexError"):
        await answer(model, (Utterance.of("user", "Hello there"),))
    assert model.status().cache_bytes == 0
    with pytest.raises(PermanentError, match="IndexError"):
        await answer(model, (Utterance.of("user", "Hello there"),))
    await model.close()


def _full(slot: int, tokens: int) -> None:
    raise OutOfMemory("full")


@pytest.mark.parametrize(("words", "error"), [(2_000, UserError), (2, RetryableError)])
async def test_where_memory_is_short_a_long_chat_is_too_long_and_a_short_one_may_wait(
    monkeypatch: pytest.MonkeyPatch, words: int, error: type[Exception]
):
    whole = replace(load(None), context_tokens=100_000)
    monkeypatch.setattr(whole.decoder, "reserve", _full)
    model = LocalModel(whole)
    with pytest.raises(error) as raised:
        await answer(model, chat("word " * words))
    if isinstance(raised.value, UserError):
        assert raised.value.key == "message_too_long"
        assert 100 < int(str(raised.value.params["limit_words"])) < words
    await model.close()


async def test_a_closed_model_says_so():
    model = LocalModel(load(None))
    await model.close()
    model.forget("a")
    with pytest.raises(RetryableError):
        await answer(model, chat("Hello"))
    await model.close()


def test_tiny_models_are_the_same_each_time():
    one, other = tiny("llama"), tiny("llama")
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_chat_that_is_too_long_is_counted():
    loaded = load(None)
    assert len(loaded.encode((Utterance.of("user", "Hello there. " * 1000),))) > loaded.tokenizer.chat.most_tokens
