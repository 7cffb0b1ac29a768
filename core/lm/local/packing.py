"""Weights brought once into the form in which they are opened: int8 rows with a scale each, or full numbers.

Read and written a few rows at a time: no more than a block of float32 is ever in memory.
"""

import json
import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import IO, Any, Protocol

import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from core.lm.local import packs
from core.lm.local.attention import Unservable
from core.lm.local.blueprint import Blueprint
from core.lm.local.likeness import layers_of
from core.lm.local.packs import SCALES, WEIGHTS, Progress
from core.lm.local.quantization import eight_bits
from core.lm.local.sampling import Generation
from core.lm.local.skeleton import skeleton, small
from core.lm.local.tokenizer import Tokenizer
from core.lm.local.trial import fused
from core.lm.local.unpacked import chatting, positions

_BLOCK_NUMBERS = 4 << 20
_TYPES = {torch.int8: "I8", torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32"}


class Source(Protocol):
    """Where weights come from: a GGUF file or a folder of transformers'. `dtype` is what they are stored in."""

    config: Any
    dtype: torch.dtype

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all weights by transformers' names."""
        ...

    def rows(self, name: str, start: int, stop: int) -> torch.Tensor:
        """Rows of a weight, float32[stop - start, width]; a vector is one row."""
        ...

    def tokenizer(self) -> Any:
        """The tokenizer with its chat template."""
        ...

    def generation(self) -> Any:
        """Generation settings."""
        ...


class FolderModel:
    """A folder of transformers' safetensors as a source. What its names do not tell is found when it is packed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.config = AutoConfig.from_pretrained(folder, local_files_only=True)
        self.dtype: torch.dtype = self.config.dtype if isinstance(self.config.dtype, torch.dtype) else torch.float32
        self._files: dict[str, Path] = {}
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, "pt") as file:
                self._files |= dict.fromkeys(file.keys(), path)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all weights."""
        found: dict[str, tuple[int, ...]] = {}
        for path in set(self._files.values()):
            with safe_open(path, "pt") as file:
                found |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        return found

    def rows(self, name: str, start: int, stop: int) -> torch.Tensor:
        """Rows of a weight, float32[stop - start, width]; a vector is one row."""
        with safe_open(self._files[name], "pt") as file:  # mapped anew each time, so that what was read is free again
            part = file.get_slice(name)
            vector = len(part.get_shape()) == 1
            return part[:].float().unsqueeze(0) if vector else part[start:stop].float()

    def tokenizer(self) -> Any:
        """The tokenizer with its chat template."""
        return AutoTokenizer.from_pretrained(self._folder, local_files_only=True)

    def generation(self) -> Any:
        """Its own settings, or those that its config implies."""
        try:
            return GenerationConfig.from_pretrained(self._folder, local_files_only=True)
        except OSError:
            return GenerationConfig.from_model_config(self.config)


def blueprint_of(source: Source, name: str) -> tuple[Tokenizer, Blueprint]:
    """What of a source is not weights, its layers tried on a small model of their kind.

    Raises Unservable, and SettingError for a model without a chat template.
    """
    tokenizer = chatting(source.tokenizer(), name)
    like = small(source.config)
    if like.base_model_prefix != "model":
        raise Unservable("it is not built like Llama")
    layers = replace(layers_of(like), count=source.config.num_hidden_layers)
    fused(like)
    context_tokens = min(positions(source.config), tokenizer.chat.most_tokens)
    return tokenizer, Blueprint(layers, tokenizer.chat, Generation.of(source.generation()), context_tokens)


def pack_eight_bits(
    source: Source, folder: Path, plan: tuple[Tokenizer, Blueprint], progress: Progress, said: Mapping[str, str]
) -> None:
    """Write `folder`, whole or not at all, as `core.lm.local.packed` opens it. `progress` may raise to stop it.

    `plan` is of the same source; `said` of it are its source and its form.
    """
    tokenizer, blueprint = plan
    with _whole(folder, said) as part:
        tokenizer.save(part)
        blueprint.save(part)
        _write(source, part / WEIGHTS, torch.int8, progress)
    progress(1.0)


def pack(source: Source, folder: Path, dtype: torch.dtype, progress: Progress, said: Mapping[str, str]) -> None:
    """The same in full numbers, an ordinary folder of transformers'. SettingError without a chat template."""
    tokenizer = source.tokenizer()
    chatting(tokenizer, folder.name)
    source.config.dtype = dtype
    with _whole(folder, said) as part:
        for each in (source.config, source.generation(), tokenizer):
            each.save_pretrained(part)
        _write(source, part / WEIGHTS, dtype, progress)
    progress(1.0)


@contextmanager
def _whole(folder: Path, said: Mapping[str, str]) -> Generator[Path]:
    """A folder beside, which becomes this one at the end."""
    part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        yield part
        packs.seal(part, folder, said)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write(source: Source, path: Path, dtype: torch.dtype, progress: Progress) -> None:
    """A safetensors file (its README has the format), each tensor as it comes."""
    plan = list(_planned(source, dtype))
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, shape, kind, _ in plan:
        size = prod(shape) * kind.itemsize
        head[name] = {"dtype": _TYPES[kind], "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    said = json.dumps(head).encode()
    said += b" " * (-len(said) % 8)
    with path.open("wb") as file:
        file.write(len(said).to_bytes(8, "little") + said)
        scales: list[torch.Tensor] = []
        for _, shape, kind, read_from in plan:
            if read_from is None:
                _put(file, torch.cat(scales))
                scales.clear()
                continue
            for block in _blocks(source, read_from, shape):
                if kind is torch.int8:
                    rows, more = eight_bits(block)
                    scales.append(more)
                    _put(file, rows)
                else:
                    _put(file, block.to(kind))
                progress(file.tell() / (at + 8 + len(said)))


def _planned(source: Source, dtype: torch.dtype) -> Iterator[tuple[str, tuple[int, ...], torch.dtype, str | None]]:
    """Name, shape, type of what is written, and the weight that it is read from: None for scales of the one before."""
    model, shapes = skeleton(source.config), source.shapes()
    linears = {f"{name}.weight" for name, each in model.named_modules() if type(each) is torch.nn.Linear}
    embeddings = {f"{name}.weight" for name, each in model.named_modules() if type(each) is torch.nn.Embedding}
    tied: dict[str, str] = (
        {} if not source.config.tie_word_embeddings else {"lm_head.weight": "model.embed_tokens.weight"}
    )
    weights: dict[str, torch.Tensor] = model.state_dict()
    for name, wanted in weights.items():
        read_from: str = tied.get(name, name)
        if tuple(shapes.get(read_from, ())) != tuple(wanted.shape):
            raise ValueError(f"{name} is {shapes.get(read_from)} instead of {tuple(wanted.shape)}")
        shape = tuple(wanted.shape)
        if dtype is not torch.int8:
            if name not in tied:
                yield name, shape, dtype, read_from
        elif name in linears:
            yield name, shape, torch.int8, read_from
            yield name + SCALES, shape[:1], torch.float32, None
        else:
            halves = torch.bfloat16 if source.dtype is torch.bfloat16 else torch.float16
            yield name, shape, halves if name in embeddings else torch.float32, read_from


def _blocks(source: Source, name: str, shape: tuple[int, ...]) -> Iterator[torch.Tensor]:
    if len(shape) == 1:
        yield source.rows(name, 0, 1)[0]
        return
    step = max(1, _BLOCK_NUMBERS // shape[1])
    for start in range(0, shape[0], step):
        yield source.rows(name, start, min(start + step, shape[0]))


def _put(file: IO[bytes], numbers: torch.Tensor) -> None:
    file.write(numbers.contiguous().view(torch.uint8).numpy().data)
