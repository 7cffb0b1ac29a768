"""How many dangers are recognised, and how often one is seen where there is none: python -m evals.sentences.dangers.

The sentences are written by hand after the rules. Those that are `seen` served to mend the rules, the others did not.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from core.thinking.dangers import recognised

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Sentence:
    """What somebody says and which danger they speak of, "none" for none."""

    language: str
    part: str
    kind: str
    text: str


def sentences() -> list[Sentence]:
    """All of them, English first."""
    rows: list[Sentence] = []
    for language in ("en", "zh"):
        with (_FOLDER / f"dangers_{language}.tsv").open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            rows += [Sentence(language, row["part"], row["kind"], row["sentence"]) for row in reader]
    return rows


def main() -> None:
    """The command line."""
    rows = sentences()
    print("| sentences | dangers recognised | of the right kind | false alarms |\n|---|--:|--:|--:|")
    for language in ("en", "zh"):
        for part in ("seen", "held out"):
            some = [row for row in rows if (row.language, row.part) == (language, part)]
            found = [(row, recognised(row.text)) for row in some]
            dangers = [(row, danger) for row, danger in found if row.kind != "none"]
            harmless = [(row, danger) for row, danger in found if row.kind == "none"]
            hit = sum(danger is not None for _, danger in dangers)
            right = sum(danger is not None and danger.kind == row.kind for row, danger in dangers)
            alarms = sum(danger is not None for _, danger in harmless)
            print(f"| {language}, {part} | {hit} of {len(dangers)} | {right} | {alarms} of {len(harmless)} |")
    for row in rows:
        danger = recognised(row.text)
        if (danger is None) != (row.kind == "none"):
            print(f"{row.part}: {row.kind} -> {danger.kind if danger else 'none'}: {row.text}")


if __name__ == "__main__":
    main()
