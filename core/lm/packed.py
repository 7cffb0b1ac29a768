"""Opens what was packed in int8: Linears are read where they are joined, one after another, embeddings stay on disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch.nn.functional import embedding
from transformers import AutoConfig, GenerationConfig

from core.lm.packing import SCALES, WEIGHTS
from core.lm.precision import Int8Linear
from core.lm.skeleton import skeleton


class Packed(torch.nn.Module):
    """A Linear on disk, until `read`."""

    def __init__(self, full: torch.nn.Linear, path: Path, name: str, bias: torch.Tensor | None) -> None:
        super().__init__()
        self.in_features, self.out_features = full.in_features, full.out_features
        self.bias = bias
        self._path, self._name = path, name

    @staticmethod
    def read(parts: "Sequence[Packed]") -> Int8Linear:
        """One Linear that gives what theirs give side by side."""
        biases = [each.bias for each in parts if each.bias is not None]
        with safe_open(parts[0]._path, "pt") as file:  # mapped anew each time, so that what was read is free again
            rows = torch.cat([file.get_tensor(each._name) for each in parts])
            scales = torch.cat([file.get_tensor(each._name + SCALES) for each in parts])
        return Int8Linear(rows, scales, torch.cat(biases) if biases else None)


class _Words(torch.nn.Module):
    """An embedding of 16 bits, mapped from the file: only words that were seen are in memory."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = weight.shape
        self.weight = torch.nn.Parameter(weight, requires_grad=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """float32[..., width]."""
        return embedding(ids, self.weight).float()


def open_packed(folder: Path) -> Any:
    """The model, whose layers are `Packed` until `fused` joins them."""
    model = skeleton(AutoConfig.from_pretrained(folder, local_files_only=True))
    model.generation_config = GenerationConfig.from_pretrained(folder, local_files_only=True)
    path = folder / WEIGHTS
    with safe_open(path, "pt") as file:
        names = set(file.keys())
        for place, module in list(model.named_modules()):
            for name, child in list(module.named_children()):
                full = f"{place}.{name}" if place else name
                if type(child) is torch.nn.Linear:
                    bias = file.get_tensor(f"{full}.bias").clone() if f"{full}.bias" in names else None
                    setattr(module, name, Packed(child, path, f"{full}.weight", bias))
                elif type(child) is torch.nn.Embedding:
                    setattr(module, name, _Words(file.get_tensor(f"{full}.weight")))
        for place, module in model.named_modules():
            for name, each in list(module.named_parameters(recurse=False)):
                if each.is_meta:
                    numbers = file.get_tensor(f"{place}.{name}").clone()
                    setattr(module, name, torch.nn.Parameter(numbers, requires_grad=False))
    model.set_output_embeddings(Packed.read([model.get_output_embeddings()]))
    return model
