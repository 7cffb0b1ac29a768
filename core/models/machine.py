"""How much memory this machine, or the container that Parley runs in, has."""

import ctypes
import gc
import os
from pathlib import Path

_GROUP = Path("/sys/fs/cgroup")
_MEMORY = Path("/proc/meminfo")


def memory_bytes() -> int:
    """All of it."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(machine, _group("memory.max") or machine)


def free_memory_bytes() -> int:
    """What programs may still take without others being swapped out."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):  # not Linux
        return memory_bytes()
    limit, used = _group("memory.max"), _group("memory.current")
    return free if limit is None or used is None else min(free, max(0, limit - used + _cached_files()))


def _cached_files() -> int:
    """Bytes of files that the container's memory holds and gives back when they are wanted."""
    lines = dict(line.split() for line in (_GROUP / "memory.stat").read_text().splitlines())
    return int(lines["inactive_file"])


def _group(name: str) -> int | None:
    """A number of the container's; None outside of one, and where it says "max"."""
    try:
        return int((_GROUP / name).read_text())
    except (OSError, ValueError):
        return None


def give_back_memory() -> None:
    """Give the system what this process holds and does not need; nothing where the C library cannot (musl)."""
    gc.collect()
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
