"""What came of a run: a table by kind, and every answer as JSON."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from math import sqrt
from pathlib import Path

from rich.table import Table

from evals.models.asking import Answered


def by_kind(answers: Sequence[Answered]) -> dict[str, tuple[int, int]]:
    """Kind -> how many are right, of how many; in the order in which they were asked."""
    counts: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for each in answers:
        right, all_of_it = counts[each.task.kind]
        counts[each.task.kind] = right + (not each.faults), all_of_it + 1
    return dict(counts)


def table(name: str, answers: Sequence[Answered]) -> Table:
    """Right answers by kind, and of all with their standard error."""
    rows = Table("kind", "right", "of", "share", title=name)
    counts = by_kind(answers)
    for kind, (right, count) in counts.items():
        rows.add_row(kind, str(right), str(count), f"{right / count:.0%}")
    right, count = sum(not each.faults for each in answers), max(1, len(answers))
    share = right / count
    rows.add_section()
    rows.add_row("all", str(right), str(count), f"{share:.1%} ± {sqrt(share * (1 - share) / count):.1%}")
    return rows


def write(file: Path, name: str, answers: Sequence[Answered]) -> None:
    """Every task with its answer and what is wrong with it, for reading."""
    found = {
        "model": name,
        "kinds": {kind: {"right": right, "of": count} for kind, (right, count) in by_kind(answers).items()},
        "answers": [
            {
                "id": each.task.id,
                "kind": each.task.kind,
                "said": each.task.said,
                "answer": each.answer,
                "faults": each.faults,
                "task": {name: value for name, value in asdict(each.task).items() if value},
            }
            for each in answers
        ],
    }
    file.write_text(json.dumps(found, ensure_ascii=False, indent=1), "utf-8")
