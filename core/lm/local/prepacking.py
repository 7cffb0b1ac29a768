"""Reads the Linears of a pack, and brings them into torch's own order on several threads. Needs no transformers."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch
from safetensors import safe_open

from core.lm.local.packs import SCALES, WEIGHTS
from core.lm.local.quantization import PREPACKING, Int8Linear

JOINED = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Linears of one input, which are one."""


class Prepacking:
    """The Linears of one pack, each taken once. That to the vocabulary is begun first: it takes longest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with safe_open(folder / WEIGHTS, "pt") as file:
            self._names = set(file.keys())
        linears = {name.removesuffix(f".weight{SCALES}") for name in self._names if name.endswith(SCALES)}
        groups = {_group(name) for name in linears}
        pool = ThreadPoolExecutor(PREPACKING, "prepacking")
        self._made: dict[tuple[str, ...], Future[Int8Linear]] = {
            group: pool.submit(self._read, group) for group in sorted(groups, key=_place)
        }
        pool.shutdown(wait=False)

    def take(self, names: Sequence[str]) -> Int8Linear:
        """One Linear that gives what those of these names give side by side."""
        made = self._made.pop(tuple(names), None)
        return made.result() if made else self._read(names)

    def _read(self, names: Sequence[str]) -> Int8Linear:
        # Mapped anew each time, so that what was read is free again.
        with safe_open(self.folder / WEIGHTS, "pt") as file:
            rows = _joined([file.get_tensor(f"{name}.weight") for name in names])
            scales = _joined([file.get_tensor(f"{name}.weight{SCALES}") for name in names])
            biases = [file.get_tensor(f"{name}.bias") for name in names if f"{name}.bias" in self._names]
            return Int8Linear(rows, scales, torch.cat(biases) if biases else None)


def _joined(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """One below the other. One alone stays mapped: that of a vocabulary would be 136 MB more at the peak."""
    return torch.cat(list(parts)) if len(parts) > 1 else parts[0]


def _group(name: str) -> tuple[str, ...]:
    stem, _, own = name.rpartition(".")
    joined = next((names for names in JOINED if own in names), (own,))
    return tuple(f"{stem}.{each}" if stem else each for each in joined)


def _place(group: tuple[str, ...]) -> tuple[int, ...]:
    """What is outside of the layers first, then layer by layer, as they are taken."""
    return tuple(int(part) for part in group[0].split(".") if part.isdigit())
