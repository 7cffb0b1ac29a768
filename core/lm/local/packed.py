"""Opens what was packed in int8: Linears are taken where they are joined, embeddings stay on the disk."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch.nn.functional import embedding
from transformers import AutoConfig, AutoTokenizer, GenerationConfig, PreTrainedTokenizerFast

from core.lm.local.packs import WEIGHTS
from core.lm.local.prepacking import Prepacking
from core.lm.local.quantization import Int8Linear
from core.lm.local.skeleton import skeleton


class Packed(torch.nn.Module):
    """A Linear that is not there yet, until `read`."""

    def __init__(self, full: torch.nn.Linear, pack: Prepacking, name: str) -> None:
        super().__init__()
        self.in_features, self.out_features = full.in_features, full.out_features
        self._pack, self._name = pack, name

    @staticmethod
    def read(parts: "Sequence[Packed]") -> Int8Linear:
        """One Linear that gives what theirs give side by side."""
        return parts[0]._pack.take([each._name for each in parts])


class _Words(torch.nn.Module):
    """An embedding of 16 bits, mapped from the file: only words that were seen are in memory."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = weight.shape
        self.weight = torch.nn.Parameter(weight, requires_grad=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """float32[..., width]."""
        return embedding(ids, self.weight).float()


def open_packed(pack: Prepacking) -> Any:
    """The model, whose layers are `Packed` until `fused` joins them."""
    model = skeleton(AutoConfig.from_pretrained(pack.folder, local_files_only=True))
    model.generation_config = GenerationConfig.from_pretrained(pack.folder, local_files_only=True)
    with safe_open(pack.folder / WEIGHTS, "pt") as file:
        for place, module in list(model.named_modules()):
            for name, child in list(module.named_children()):
                full = f"{place}.{name}" if place else name
                if type(child) is torch.nn.Linear:
                    setattr(module, name, Packed(child, pack, full))
                elif type(child) is torch.nn.Embedding:
                    setattr(module, name, _Words(file.get_tensor(f"{full}.weight")))
        for place, module in model.named_modules():
            for name, each in list(module.named_parameters(recurse=False)):
                if each.is_meta:
                    numbers = file.get_tensor(f"{place}.{name}").clone()
                    setattr(module, name, torch.nn.Parameter(numbers, requires_grad=False))
    model.set_output_embeddings(Packed.read([model.get_output_embeddings()]))
    return model


def tokenizer_of(folder: Path) -> Any:
    """That of a pack. What came from a GGUF file is what it is; by its model's name it would be built a second time."""
    said = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    if said.pop("tokenizer_class", None) != PreTrainedTokenizerFast.__name__:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    said.pop("backend", None)
    template = (folder / "chat_template.jinja").read_text("utf-8")
    return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), chat_template=template, **said)
