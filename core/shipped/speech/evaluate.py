"""What the built-in ears understand, measured: `python -m core.shipped.speech.evaluate`.

Sentences that training never saw, as OGG/Opus voice notes, through `core.hearing` as any voice note goes.
"""

import argparse
import asyncio
import random as randomness
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core import audio
from core.errors import UserError
from core.hearing import Hearing
from core.shipped.speech import sentences
from core.shipped.speech.clips import UNSEEN_VARIANTS, VARIANTS, Studio


@dataclass(frozen=True, slots=True)
class Heard:
    """One row of the table: word errors among the words of so many sentences."""

    what: str
    sentences: int
    words: int
    errors: int
    exact: int

    @property
    def word_error_rate(self) -> float:
        """Insertions, deletions and substitutions over the words said."""
        return self.errors / self.words


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance between two lists of words."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        previous, row[0] = row[0], number
        for column, other in enumerate(heard, 1):
            keep = previous + (word != other)
            previous, row[column] = row[column], min(keep, row[column] + 1, row[column - 1] + 1)
    return row[-1]


async def measure(hearing: Hearing, what: str, variants: tuple[str, ...], count: int) -> Heard:
    """Record `count` unseen sentences with these voices and hear them."""
    studio, random = Studio(), randomness.Random(what)
    words = errors = exact = 0
    for _ in range(count):
        text = sentences.held_out(random)
        note = audio.encode_ogg_opus(studio.record(text, variants, random), audio.SAMPLE_RATE_HZ)
        try:
            heard = (await hearing.transcribe(note)).text
        except UserError:
            heard = ""
        missed = word_errors(text.split(), heard.lower().split())
        words, errors, exact = words + len(text.split()), errors + missed, exact + (missed == 0)
    return Heard(what, count, words, errors, exact)


async def table(weights: Path | None, count: int) -> list[Heard]:
    """Both rows that the card shows."""
    hearing = Hearing.open(str(weights) if weights else None, download_dir=Path())
    rows = [
        await measure(hearing, "unseen sentences, voices of the training", VARIANTS, count),
        await measure(hearing, "unseen sentences, unseen voices", UNSEEN_VARIANTS, count),
    ]
    hearing.close()
    return rows


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--count", type=int, default=200)
    chosen = parser.parse_args()
    print("| after an OGG/Opus round trip | sentences | words | word error rate | heard without an error |")
    print("|---|--:|--:|--:|--:|")
    for row in asyncio.run(table(chosen.weights, chosen.count)):
        right = f"{row.exact / row.sentences:.1%}"
        print(f"| {row.what} | {row.sentences} | {row.words} | {row.word_error_rate:.1%} | {right} |")


if __name__ == "__main__":
    main()
