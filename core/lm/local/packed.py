"""Opens without transformers what was packed in int8, and the model that ships."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from core.lm.local.attention import BatchView
from core.lm.local.blueprint import Blueprint, Layers
from core.lm.local.decoder import Decoder, Size
from core.lm.local.fused import Fused, Weights
from core.lm.local.packs import WEIGHTS
from core.lm.local.prepacking import Prepacking


def open_packed(blueprint: Blueprint, weights: Weights) -> Decoder:
    """The decoder of what lies on the disk; on a CPU."""
    layers, view = blueprint.layers, BatchView()
    return Decoder(Fused(layers, weights, view), view, size_of(layers, weights.dtype))


def size_of(layers: Layers, dtype: torch.dtype) -> Size:
    """How its keys and values are kept, on a CPU."""
    return Size(layers.count, layers.kv_heads, layers.head_dim, dtype, torch.device("cpu"))


class _Stored:
    """A folder's weights but for the Linears, computed with in float32. Words that were not seen stay on the disk."""

    dtype = torch.float32

    def __init__(self, folder: Path) -> None:
        self._file = folder / WEIGHTS

    def words(self) -> torch.nn.Parameter:
        """In the type that they are stored in, mapped from the file."""
        return torch.nn.Parameter(self._tensor("model.embed_tokens.weight"), requires_grad=False)

    def vector(self, name: str) -> torch.Tensor:
        """float32, in memory."""
        return self._tensor(f"model.{name}.weight").float().clone()

    def _tensor(self, name: str) -> torch.Tensor:
        with safe_open(self._file, "pt") as file:
            return file.get_tensor(name)


class Int8Weights(_Stored):
    """Those of a pack, whose Linears are in int8."""

    def __init__(self, pack: Prepacking) -> None:
        super().__init__(pack.folder)
        self._pack = pack

    def head(self) -> Any:
        """In int8, also where it is the words'."""
        return self._pack.take(["lm_head"])

    def linear(self, names: Sequence[str]) -> Any:
        """In int8."""
        return self._pack.take([f"model.{name}" for name in names])


class FullWeights(_Stored):
    """Those of a small model whose head is its words, all in memory in float32."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._words = torch.nn.Parameter(super().words().float(), requires_grad=False)

    def words(self) -> torch.nn.Parameter:
        """float32."""
        return self._words

    def head(self) -> Any:
        """Its weights are the words'."""
        return _linear(self._words)

    def linear(self, names: Sequence[str]) -> Any:
        """float32."""
        rows = torch.cat([self._tensor(f"model.{name}.weight") for name in names]).float()
        return _linear(torch.nn.Parameter(rows, requires_grad=False))


def _linear(weight: torch.nn.Parameter) -> torch.nn.Linear:
    made = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    made.weight = weight
    return made
