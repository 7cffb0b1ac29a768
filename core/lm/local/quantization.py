"""In how many bits a model computes on a CPU: int8 if the owner wants it, bfloat16 if the processor is good at it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal
from warnings import filterwarnings

import torch
from torch.nn.functional import linear

from core import clock

Quantize = Literal["auto", "none", "int8"]
_LARGE_ROWS, _PART_ROWS = 1 << 15, 1 << 12
"""A Linear of more rows, as that to all words of a vocabulary, is one of parts: torch prepacks each row of a large one
in more than twice the time. With parts this small a token takes as long as with one; with smaller ones longer.
"""
PREPACKING = 2
"""Threads that prepack: torch does not share this work out itself."""
# Tensors of 8 bits are to go from torch one day (pytorch/pytorch#184982). What it has for plain ones,
# torch.ops.onednn.qlinear_pointwise, took 1.5 to 3 times as long for one token of a model of half a billion.
filterwarnings("ignore", r"torch\.quantize_per_tensor", UserWarning)
_FASTER = 1.3
"""bfloat16 has to be so many times as fast as float32."""


class Int8Linear(torch.nn.Module):
    """A Linear of 8-bit weights, a scale an output; inputs become 8-bit at each call.

    torch has one scale for all inputs of a call, so that one row with large numbers would leave the others few bits.
    Rows are brought to one size before, and back after.
    """

    def __init__(self, rows: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None) -> None:
        """`rows` and `scales` are what `eight_bits` gave, `bias` is float32[out_features]."""
        super().__init__()
        self.out_features, self.in_features = rows.shape
        most = _PART_ROWS if len(rows) > _LARGE_ROWS else len(rows)
        with ThreadPoolExecutor(PREPACKING) as pool:
            self._packed = list(pool.map(_prepacked, rows.split(most), scales.split(most)))
        self._bias = bias
        # Without VNNI sums of two products are kept in 16 bits: inputs of 7 bits do not overflow them.
        self._seven_bits = not _has("avx512_vnni", "avx_vnni")

    @classmethod
    def like(cls, full: torch.nn.Linear) -> "Int8Linear":
        """The same as a Linear of full numbers, as near as 8 bits are."""
        bias: Any = full.bias
        return cls(*eight_bits(full.weight.detach().float()), None if bias is None else bias.detach().float())

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """float32[..., in_features] to float32[..., out_features]."""
        if states.shape[-2] == 1:
            out = self._product(states)
        else:
            largest = states.abs().amax(-1, keepdim=True).clamp_(min=1e-12)
            out = self._product(states / largest).mul_(largest)
        return out if self._bias is None else out.add_(self._bias)

    def _product(self, states: torch.Tensor) -> torch.Tensor:
        product = torch.ops.quantized.linear_dynamic.default
        parts = [product(states, packed, self._seven_bits) for packed in self._packed]
        return torch.cat(parts, -1) if len(parts) > 1 else parts[0]


def eight_bits(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """int8 rows and a scale for each, of float32[out_features, in_features]."""
    scales = (weight.abs().amax(1) / 127).clamp_(min=1e-12)
    return (weight / scales.unsqueeze(1)).round_().to(torch.int8), scales


def _prepacked(rows: torch.Tensor, scales: torch.Tensor) -> Any:
    """As torch's product wants them."""
    if "x86" in torch.backends.quantized.supported_engines:
        torch.backends.quantized.engine = "x86"
    zeros = torch.zeros(len(scales), dtype=torch.long)
    make: Any = torch._make_per_channel_quantized_tensor  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
    eight = make(rows, scales.double(), zeros, 0)
    return torch.ops.quantized.linear_prepack(eight, None)


def quantized(model: Any) -> Any:
    """The same float32 model on a CPU with every Linear in int8: a quarter of the memory read for each token."""
    with torch.no_grad():
        for module in list(model.modules()):
            for name, child in list(module.named_children()):
                if type(child) is torch.nn.Linear:
                    setattr(module, name, Int8Linear.like(child))
    return model


def weight_bytes(model: Any) -> int:
    """What the weights take in memory."""
    kept = sum(each.numel() * each.element_size() for each in model.parameters())
    eight = [each for each in model.modules() if isinstance(each, Int8Linear)]
    return kept + sum(each.in_features * each.out_features for each in eight)


def weight_bits(model: Any) -> int:
    """Bits of a weight of its Linears."""
    if any(isinstance(each, Int8Linear) for each in model.modules()):
        return 8
    return max(each.weight.dtype.itemsize * 8 for each in model.modules() if isinstance(each, torch.nn.Linear))


def bfloat16_pays() -> bool:
    """Whether this CPU multiplies in bfloat16 clearly faster than in float32, one row and many; measured in a moment.

    A processor without instructions for it is not asked.
    """
    return _has("avx512_bf16", "amx_bf16") and all(_gain(rows) > _FASTER for rows in (1, 64))


def _has(*features: str) -> bool:
    """Whether this processor has one of them."""
    known = torch.cpu.get_capabilities()
    return any(known.get(feature) for feature in features)


def _gain(rows: int) -> float:
    with torch.inference_mode():
        weight, states = torch.randn(2048, 1024), torch.randn(rows, 1024)
        halves = weight.bfloat16(), states.bfloat16()
        return _best_s(lambda: linear(states, weight)) / _best_s(lambda: linear(halves[1], halves[0]))


def _best_s(work: Callable[[], object]) -> float:
    def once() -> float:
        began = clock.monotonic()
        work()
        return clock.monotonic() - began

    once()
    return min(once() for _ in range(10))
