"""int8 is close to float32, and a row with large numbers spoils no other."""

import subprocess
import sys

import pytest
import torch

from core.lm.local.batch import Batch
from core.lm.local.quantization import Int8Linear, eight_bits, quantized, weight_bits, weight_bytes
from core.lm.local.trial import decoder_of
from tests.support.tiny import Chat, finish, random_prompts, tiny

# The numbers are what rounding to 8 bits costs, not a time.
CLOSE = 0.03


def off(got: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((got - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 2, 40])
@torch.inference_mode()
def test_eight_bits_are_close(rows: int, bias: bool):
    torch.manual_seed(0)
    full = torch.nn.Linear(192, 320, bias=bias)
    states = torch.randn(1, rows, 192)
    got = Int8Linear.like(full)(states)
    assert got.shape == (1, rows, 320)
    assert not rows or off(got, full(states)) < CLOSE


@torch.inference_mode()
def test_a_row_of_large_numbers_spoils_no_other():
    torch.manual_seed(0)
    full = torch.nn.Linear(192, 320)
    states = torch.randn(1, 9, 192)
    states[0, 4] *= 1_000
    states[0, 5] = 0
    got, wanted = Int8Linear.like(full)(states), full(states)
    assert max(off(got[0, row], wanted[0, row]) for row in range(9)) < CLOSE


def test_the_whole_model_is_smaller():
    model = tiny("qwen2")
    before, head = weight_bytes(model), model.lm_head.weight
    assert weight_bits(model) == 32
    with torch.inference_mode():
        ids = torch.tensor(random_prompts(1, [30]))
        full = model(input_ids=ids).logits
        assert quantized(model) is model
        assert off(model(input_ids=ids).logits, full) < 3 * CLOSE
    assert weight_bits(model) == 8
    assert weight_bytes(model) < before - head.numel() * 2


@pytest.mark.parametrize("name", ["qwen2", "phi3"])
def test_in_slots_it_is_brought_to_eight_bits_after(name: str):
    model = tiny(name)
    decoder = decoder_of(model)
    before, batch, model = weight_bytes(model), Batch(decoder, 1 << 30), decoder.net.weights
    quantized(model)
    assert weight_bits(model) == 8
    assert weight_bytes(model) < before / 2
    chats = [Chat(batch, prompt, 5) for prompt in random_prompts(6, [3, 40])]
    finish(batch)
    assert all(len(chat.said) == 5 for chat in chats)


@pytest.mark.parametrize("inputs", [192, 896])
@torch.inference_mode()
def test_the_product_is_that_of_whole_numbers(inputs: int):
    torch.manual_seed(0)
    full = torch.nn.Linear(inputs, 320, bias=False)
    states = torch.randn(1, inputs)
    ours = Int8Linear.like(full)
    rows, scales = eight_bits(full.weight.detach())
    scale, zero = torch._choose_qparams_per_tensor(states, ours._seven_bits)  # pyright: ignore[reportPrivateImportUsage]
    eight = (states * (1 / scale)).round().add(zero).clamp(0, 127 if ours._seven_bits else 255)
    sums = (eight.double() - zero) @ rows.double().T
    assert torch.equal(ours(states), sums.float() * (scales * scale))


@pytest.mark.slow
def test_nothing_deprecated_is_told_at_a_start():
    """What of torch is to go (torch.ao.quantization, and a notice of tensors of 8 bits) is neither used nor shown."""
    program = (
        "from core.lm.local.model import LocalModel\n"
        "import asyncio\n"
        "asyncio.run(LocalModel.open(None, 'int8').close())\n"
    )
    command = [sys.executable, "-W", "default::DeprecationWarning", "-W", "default::FutureWarning", "-c", program]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stderr
    assert "torch" not in told
