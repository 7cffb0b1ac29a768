"""What this machine can carry, for what `parley setup` recommends."""

import os
import shutil
import subprocess
from dataclasses import dataclass

from core.models import machine
from core.models.catalogue import Entry, entries, starter

_LOOK_S = 5.0
_BESIDE = 1_000_000_000
"""Bytes for Parley itself, its libraries and a few conversations, as measured with the starter set."""
_SHARE_OF_GPU = 0.7
"""Of its memory for weights; the rest is for conversations."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Bytes of free memory, cores, and the GPU's name and bytes, "" and 0 for none."""

    free: int
    cores: int
    gpu: str
    gpu_memory: int

    def carries(self, model: Entry) -> bool:
        """Whether a model has room in this machine's memory, or in its GPU's."""
        return (model.least_memory or 0) + _BESIDE <= self.free or self._on_gpu(model)

    def recommended_mind(self) -> Entry | None:
        """On a GPU the largest with a free licence that fits, else the one to start with; None where nothing fits."""
        on_gpu = [
            each for each in entries() if each.kind == "mind" and self._on_gpu(each) and "not for" not in each.licence
        ]
        if on_gpu:
            return max(on_gpu, key=lambda model: model.memory["bfloat16"])
        first = starter("mind")
        return first if self.carries(first) else None

    def _on_gpu(self, model: Entry) -> bool:
        return 0 < model.memory.get("bfloat16", self.gpu_memory + 1) <= _SHARE_OF_GPU * self.gpu_memory


def look() -> Machine:
    """Asks the machine, without torch."""
    name, memory = _gpu()
    return Machine(machine.free_memory_bytes(), len(os.sched_getaffinity(0)), name, memory)


def _gpu() -> tuple[str, int]:
    """The largest GPU that NVIDIA's own tool tells of."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return "", 0
    query = [tool, "--query-gpu=memory.total,name", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=_LOOK_S, check=True).stdout
        mib, name = max((int(line.split(",")[0]), line.split(",")[1].strip()) for line in told.splitlines() if line)
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return "", 0
    return name, mib << 20
