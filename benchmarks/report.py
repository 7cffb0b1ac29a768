"""Tables, figures beside their goals, and `benchmarks/out/*.json`."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks.goals import GOALS

OUT = Path(__file__).parent / "out"


def machine() -> str:
    """Today, the processor and the cores that this process may use."""
    cores = len(os.sched_getaffinity(0))
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    info = Path("/proc/cpuinfo").read_text()
    names = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    flags = next((line for line in info.splitlines() if line.startswith("flags")), "").split()
    special = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8") if flag in flags]
    processor = names[0] if names else platform.processor()
    return (
        f"{date.today()}, {processor}, {cores} cores ({' '.join(special)}), {memory_gib:.0f} GiB, "
        f"Python {platform.python_version()}"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A Markdown table: the first column left, the others right."""
    print(f"\n| {' | '.join(header)} |\n|---|{'--:|' * (len(header) - 1)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)


def close(name: str, figures: Mapping[str, float]) -> None:
    """The figures that have a goal beside it, and all of them into `benchmarks/out/<name>.json`."""
    rows = [(GOALS[key].what, f"{value:.2f}", GOALS[key]) + (GOALS[key].verdict(value),)
            for key, value in figures.items() if key in GOALS]  # fmt: skip
    table(("figure", "measured", "goal", ""), rows)
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{name}.json"
    path.write_text(json.dumps({key: round(value, 4) for key, value in figures.items()}, indent=2) + "\n")
    print(f"\nwritten: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


def memory_bytes(pid: int | str = "self", what: str = "VmRSS") -> int:
    """What a process holds in memory; with VmHWM the most that it ever held."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith(what)).split()[1])
