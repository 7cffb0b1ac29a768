"""Slots say what `generate` says, token by token, whatever company a conversation keeps."""

import random
from copy import deepcopy
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    GraniteConfig,
    HeliumConfig,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    Qwen2Config,
    SmolLM3Config,
)

from core.lm.local.attention import Unservable
from core.lm.local.batch import Batch
from core.lm.local.fused import Fused
from core.lm.local.generic import Whole
from core.lm.local.quantization import weight_bytes
from core.lm.local.trial import decoder_of
from tests.support.tiny import CONFIGS, SHAPE, Chat, finish, generated, random_prompts, tiny

pytestmark = pytest.mark.slow

PLENTY = 1 << 30
TOKENS = 7
LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34, 55)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=[*CONFIGS, "shipped"])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def references(name: str) -> tuple[list[list[int]], list[list[int]]]:
    """Prompts and what `generate` makes of them: 200 for the shipped model, as many for all tiny ones together."""
    if name not in _REFERENCES:
        prompts = random_prompts(200 if name == "shipped" else 34, LENGTHS)
        if name != "shipped":
            prompts += random_prompts(1, [400])
        model = tiny(name)
        _REFERENCES[name] = prompts, [generated(model, prompt, TOKENS) for prompt in prompts]
    return _REFERENCES[name]


_REFERENCES: dict[str, tuple[list[list[int]], list[list[int]]]] = {}


def test_alone_as_generate(name: str):
    batch = Batch(decoder_of(tiny(name)), PLENTY)
    for prompt, said in zip(*references(name), strict=True):
        chat = Chat(batch, prompt, TOKENS)
        finish(batch)
        assert chat.said == said


def test_in_company_as_generate(name: str):
    """They join at any step and are of all lengths; some leave in the middle of their answer."""
    prompts, answers = references(name)
    batch, dice = Batch(decoder_of(tiny(name)), PLENTY, max_batch=8), random.Random(3)
    chats: list[tuple[Chat, list[int], bool]] = []
    for prompt, said in zip(prompts, answers, strict=True):
        chats.append((Chat(batch, prompt, TOKENS), said, dice.random() < 0.2))
        for _ in range(dice.randrange(3)):
            batch.step()
        for chat, _, leaves in chats:
            if leaves and len(chat.said) >= 4:
                chat.job.cancel()
    finish(batch)
    for chat, said, leaves in chats:
        assert chat.said == said[: len(chat.said)]
        assert leaves or len(chat.said) == TOKENS


def test_with_reuse_and_eviction_as_generate(name: str):
    """Each prompt is asked as turns of a channel, on from a part of itself, while memory suffices for a few."""
    prompts, answers = references(name)
    decoder, dice = decoder_of(tiny(name)), random.Random(4)
    batch = Batch(decoder, 6 * 256 * decoder.token_bytes, max_batch=4)
    for at in range(0, len(prompts), 5):
        group = list(zip(prompts, answers, strict=True))[at : at + 5]
        for number, (prompt, said) in enumerate(group):
            Chat(batch, [*prompt[: dice.randrange(len(prompt) + 1)], *said[:2]], 3, f"channel {number}")
        finish(batch)
        chats = [Chat(batch, prompt, TOKENS, f"channel {number}") for number, (prompt, _) in enumerate(group)]
        finish(batch)
        assert [chat.said for chat in chats] == [said for _, said in group]
        again = [
            Chat(batch, [*prompt, *said[:5]], TOKENS - 5, f"channel {number}")
            for number, (prompt, said) in enumerate(group)
        ]
        finish(batch)
        assert [chat.said for chat in again] == [said[5:] for _, said in group]
        assert 0 < batch.slots.used_bytes <= batch.slots.limit_bytes


def test_channels_share_nothing_but_the_system_words():
    """200 prompts of 20 channels, each with a secret after common words: what is said is what a lone run says."""
    model = tiny("llama")
    system, *secrets = random_prompts(21, [40])
    questions = random_prompts(200, [7])
    batch = Batch(decoder_of(tiny("llama")), PLENTY, max_batch=6)
    for at in range(0, 200, 20):
        asked = [[*system, *secrets[number][:9], *questions[at + number]] for number in range(20)]
        chats = [Chat(batch, ids, 5, f"channel {number}", system_tokens=40) for number, ids in enumerate(asked)]
        finish(batch)
        assert [chat.said for chat in chats] == [generated(model, ids, 5) for ids in asked]


def test_a_kept_turn_computes_its_new_words_only():
    decoder = decoder_of(tiny("qwen2"))
    batch = Batch(decoder, PLENTY)
    computed: list[int] = []
    run = decoder.run
    decoder.run = lambda spans: (computed.append(sum(len(span.ids) for span in spans)), run(spans))[1]
    (prompt,) = random_prompts(1, [500])
    first = Chat(batch, prompt, 4, "a")
    finish(batch)
    computed.clear()
    Chat(batch, [*prompt, *first.said, 9, 9, 9], 1, "a")
    finish(batch)
    assert computed == [4]


def test_cancelling_ends_the_work_within_a_step():
    batch = Batch(decoder_of(tiny("llama")), PLENTY)
    (prompt,) = random_prompts(1, [700])
    reading, writing = Chat(batch, prompt, 50), Chat(batch, [5], 50)
    batch.step()
    for chat in (reading, writing):
        chat.job.cancel()
    batch.step()
    assert reading.ends == writing.ends == [None]
    assert (batch.busy, batch.slots.used_bytes) == (False, 0)


def test_half_precision_runs_in_slots():
    model = tiny("qwen2").bfloat16()
    batch = Batch(decoder_of(model), PLENTY)
    chats = [Chat(batch, prompt, 5) for prompt in random_prompts(8, LENGTHS)]
    finish(batch)
    assert all(len(chat.said) == 5 for chat in chats)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (MistralConfig(**SHAPE, sliding_window=64), "DynamicSlidingWindowLayer"),
        (
            Qwen2Config(**SHAPE, use_sliding_window=True, sliding_window=64, max_window_layers=1),
            "DynamicSlidingWindowLayer",
        ),
        (MambaConfig(vocab_size=512, hidden_size=64, num_hidden_layers=2, state_size=4), "cannot be replaced"),
    ],
)
def test_other_kinds_of_model_are_refused_with_a_reason(config: Any, why: str):
    with pytest.raises(Unservable, match=why):
        decoder_of(AutoModelForCausalLM.from_config(config).eval())


def test_settings_that_only_generate_knows_are_refused():
    model = tiny("llama")
    model.generation_config.no_repeat_ngram_size = 3
    with pytest.raises(Unservable, match="no_repeat_ngram_size"):
        decoder_of(model)


def test_attention_that_does_more_is_refused_and_the_model_is_as_before():
    from transformers import Gemma2Config

    model = AutoModelForCausalLM.from_config(Gemma2Config(**SHAPE, layer_types=["full_attention"] * 2)).eval()
    before = model.config._attn_implementation
    with pytest.raises(Unservable, match="softcap"):
        decoder_of(model)
    assert model.config._attn_implementation == before
    assert generated(model, [5, 6, 7], 3)


@pytest.mark.parametrize(
    ("name", "net"), [*((name, Whole if name == "phi3" else Fused) for name in CONFIGS), ("shipped", Fused)]
)
def test_layers_like_llamas_are_fused_and_take_no_more_memory(name: str, net: type):
    model = tiny(name)
    before, decoder = weight_bytes(model), decoder_of(model)
    assert isinstance(decoder.net, net)
    # Norms of queries' and keys' heads are kept once a head: a few bytes of a real model, more of a tiny one.
    assert before <= weight_bytes(decoder.net.weights) <= before * (1.02 if name == "qwen3" else 1)


@pytest.mark.parametrize(
    "config",
    [
        SmolLM3Config(**SHAPE),  # some of its layers turn nothing
        GraniteConfig(**SHAPE, residual_multiplier=0.5),
        HeliumConfig(**SHAPE, head_dim=16),  # turns by neighbours, not by halves
        LlamaConfig(
            **SHAPE,
            rope_parameters=dict(
                rope_type="llama3",
                rope_theta=1e4,
                factor=8.0,
                low_freq_factor=1.0,
                high_freq_factor=4.0,
                original_max_position_embeddings=64,
            ),
        ),
        LlamaConfig(**SHAPE, attention_bias=True, mlp_bias=True),
    ],
    ids=lambda config: config.model_type,
)
def test_layers_that_look_like_llamas_say_what_generate_says(config: Any):
    def fresh() -> Any:
        torch.manual_seed(7)
        return AutoModelForCausalLM.from_config(deepcopy(config)).eval()

    model, decoder = fresh(), decoder_of(fresh())
    assert isinstance(decoder.net, Fused) == (config.model_type == "llama")
    batch, prompts = Batch(decoder, PLENTY), random_prompts(9, LENGTHS)
    chats = [Chat(batch, prompt, TOKENS) for prompt in prompts]
    finish(batch)
    assert [chat.said for chat in chats] == [generated(model, prompt, TOKENS) for prompt in prompts]
