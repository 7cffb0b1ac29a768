"""A machine that is full: a prompt that finds no memory is refused politely, and nobody else notices."""

import asyncio
import resource
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from core.lm.local.loading import SHIPPED
from tests.fault.conftest import Note
from tests.scenario.product import Product, running

_CHATS = ("Hello!", "What is a boat?", "My name is Ann.", "Who are you?")
_HUGE = "one two three four five six seven eight nine ten " * 900
"""Some 9,000 tokens: 2.4 GB of keys and values."""
_LEFT_BYTES = 800 << 20
"""What the process may still take: four chats need 0.3 GB."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with a long context, whose keys and values take 256 KiB a token; the shipped tokenizer."""
    made = tmp_path_factory.mktemp("model")
    config = LlamaConfig(
        vocab_size=3026,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=8,
        num_attention_heads=8,
        num_key_value_heads=8,
        head_dim=512,
        max_position_embeddings=32_768,
        initializer_range=0.2,
        eos_token_id=1,
        pad_token_id=1,
        bos_token_id=None,
    )
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config)
    model.generation_config.max_new_tokens = 24
    model.save_pretrained(made)
    for file in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(SHIPPED / file, made)
    settings = made / "tokenizer_config.json"
    settings.write_text(settings.read_text().replace('"model_max_length": 768', '"model_max_length": 32768'))
    return made


def leave_little(product: Product) -> None:
    """From outside: the process gets no more than a little beyond what it has."""
    pid = product.process.pid
    status = Path(f"/proc/{pid}/status").read_text()
    has = next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmSize"))
    resource.prlimit(pid, resource.RLIMIT_AS, (has + _LEFT_BYTES, resource.RLIM_INFINITY))


async def four_chats(product: Product) -> list[str]:
    return [
        answer["text"]
        for answer in await asyncio.gather(*(product.ask(said, f"chat-{number}") for number, said in enumerate(_CHATS)))
    ]


async def test_14_a_prompt_without_memory_fails_politely_and_alone(data: Path, folder: Path, note: Note):
    first, second = data / "a", data / "b"
    first.mkdir()
    second.mkdir()
    async with running(first, LM_MODEL=str(folder)) as product:
        expected = await four_chats(product)
    assert all(expected)
    async with running(second, LM_MODEL=str(folder)) as product:
        await product.ask("Hello!", "warm-up")
        leave_little(product)
        huge, answers = await asyncio.gather(product.ask(_HUGE, "huge"), four_chats(product))
        again = await product.ask(_CHATS[1], "afterwards")
        alive = product.process.returncode is None
    refusals = [line for line in product.log if "no memory for an answer to" in line]
    note(f"{huge} in {len(refusals)} tries; then {again['text']!r}")
    assert answers == expected
    assert again["text"] == expected[1]
    assert "too long for me" in str(huge)
    assert len(refusals) == 1
    assert alive
    assert not [line for line in product.log if "Traceback" in line]
