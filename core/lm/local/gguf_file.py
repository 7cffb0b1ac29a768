"""A GGUF file: what it says of itself, and its tensors a few rows at a time (ggml's docs/gguf.md has the format).

The package `gguf` knows the kinds of numbers. Its own reader makes objects of every word of the vocabulary: half a
gigabyte, and 12 s for 150,000 words; here they are strings. Nothing is mapped, so that what was read is free again.
"""

import struct
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

from core.lm.local.packs import Unreadable

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_VERSIONS = (2, 3)
_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor as it is stored: its shape as torch has it, and where its first row begins in the file."""

    shape: tuple[int, ...]
    kind: GGMLQuantizationType
    start: int

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        numbers, size = GGML_QUANT_SIZES[self.kind]
        return self.shape[-1] // numbers * size

    @property
    def end(self) -> int:
        """Where it ends in the file."""
        return self.start + prod(self.shape[:-1]) * self.row_bytes


class GgufFile:
    """One file: `metadata` by its own keys, `tensors` by their own names."""

    def __init__(self, path: Path) -> None:
        """Reads what comes before the tensors; raises Unreadable, and OSError."""
        self.path = path
        self._size = path.stat().st_size
        with path.open("rb") as file:
            try:
                self.metadata, self.tensors = self._read(file)
            except (struct.error, UnicodeDecodeError, ValueError, KeyError, RecursionError) as error:
                raise Unreadable(f"its head is cut or damaged ({type(error).__name__})") from error
        last = max((stored.end for stored in self.tensors.values()), default=0)
        if last > self._size:
            raise Unreadable(f"it is cut: {self._size} bytes are here, {last} belong to it")

    @property
    def architecture(self) -> str:
        """As llama.cpp calls it."""
        return str(self.metadata.get("general.architecture", ""))

    def get(self, key: str, default: Any = None) -> Any:
        """What is said for the architecture, such as "block_count"."""
        return self.metadata.get(f"{self.architecture}.{key}", default)

    @cached_property
    def halves(self) -> bool:
        """Whether its matrices are bfloat16."""
        matrices = {stored.kind for stored in self.tensors.values() if len(stored.shape) > 1}
        return matrices == {GGMLQuantizationType.BF16}

    def rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """Rows of a tensor, float32[stop - start, width]; a vector is one row."""
        stored = self.tensors[name]
        with self.path.open("rb") as file:
            file.seek(stored.start + start * stored.row_bytes)
            raw = np.fromfile(file, np.uint8, (stop - start) * stored.row_bytes)
        try:
            numbers = dequantize(raw.reshape(stop - start, stored.row_bytes), stored.kind)
        except NotImplementedError as error:
            raise Unreadable(f"its tensors are in {stored.kind.name}, which cannot be read") from error
        return numbers.reshape(stop - start, stored.shape[-1])

    def _read(self, file: IO[bytes]) -> tuple[dict[str, Any], dict[str, Stored]]:
        if file.read(4) != b"GGUF":
            raise Unreadable("it does not begin as GGUF files do")
        version, tensors, entries = self._unpack(file, "IQQ")
        if version not in _VERSIONS:
            raise Unreadable(f"it is of version {version}, and 2 and 3 can be read")
        metadata: dict[str, Any] = {}
        for _ in range(entries):
            key = self._string(file)
            metadata[key] = self._value(file, self._unpack(file, "I")[0])
        found = [self._tensor(file) for _ in range(tensors)]
        alignment = metadata.get("general.alignment", _ALIGNMENT)
        first = -(-file.tell() // alignment) * alignment
        return metadata, {name: Stored(shape, kind, first + at) for name, shape, kind, at in found}

    def _tensor(self, file: IO[bytes]) -> tuple[str, tuple[int, ...], GGMLQuantizationType, int]:
        name = self._string(file)
        sizes = self._unpack(file, f"{self._unpack(file, 'I')[0]}Q")
        kind, at = self._unpack(file, "IQ")
        return name, tuple(reversed(sizes)), GGMLQuantizationType(kind), at

    def _value(self, file: IO[bytes], kind: int) -> Any:
        if kind == _STRING:
            return self._string(file)
        if kind != _ARRAY:
            return self._unpack(file, _NUMBERS[kind])[0]
        inner, count = self._unpack(file, "IQ")
        if inner in (_STRING, _ARRAY):
            return [self._value(file, inner) for _ in range(self._within(count))]
        return list(self._unpack(file, f"{count}{_NUMBERS[inner]}"))

    def _string(self, file: IO[bytes]) -> str:
        (length,) = self._unpack(file, "Q")
        return file.read(self._within(length)).decode()

    def _unpack(self, file: IO[bytes], form: str) -> tuple[Any, ...]:
        return struct.unpack("<" + form, file.read(self._within(struct.calcsize("<" + form))))

    def _within(self, count: int) -> int:
        """A count that a damaged file may make up: never more than it has bytes."""
        if count > self._size:
            raise ValueError(count)
        return count
