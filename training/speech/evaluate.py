"""What the built-in ears understand, measured: `python -m training.speech.evaluate`.

Sentences that training never saw, as OGG/Opus voice notes, through `core.speech` as any voice note goes. The last row
is the round trip: what Parley's own voice answers with, heard by its own ears; above `MOST_ERRORS` the program fails.
"""

import argparse
import asyncio
import random as randomness
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError
from core.speech import audio
from core.speech.hearing import Hearing
from core.speech.scoring import word_errors
from core.speech.synthesis import Speaking
from core.speech.transcription import WhisperHearing
from core.speech.voices.builtin import BuiltinVoice
from training.speech import sentences
from training.speech.clips import UNSEEN_VARIANTS, VARIANTS, Studio

MOST_ERRORS = 0.12


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


Record = Callable[[str, randomness.Random], Awaitable[bytes]]
"""A sentence as an OGG/Opus voice note."""


def recorder(variants: tuple[str, ...]) -> Record:
    """Any speaker among these voices."""
    studio = Studio()

    async def record(text: str, random: randomness.Random) -> bytes:
        return audio.encode_ogg_opus(studio.record(text, variants, random), audio.SAMPLE_RATE_HZ)

    return record


async def round_trip(hearing: Hearing, count: int) -> Heard:
    """Say `count` unseen sentences as an answer is said, and hear them."""
    speaking = Speaking(BuiltinVoice())

    async def record(text: str, _: randomness.Random) -> bytes:
        return (await speaking.speak(text, "en")).ogg

    heard = await measure(hearing, "unseen sentences, the voice that answers", record, count)
    await speaking.close()
    return heard


async def measure(hearing: Hearing, what: str, record: Record, count: int) -> Heard:
    """Record `count` unseen sentences and hear them."""
    random = randomness.Random(what)
    words = errors = exact = 0
    for _ in range(count):
        text = sentences.held_out(random)
        try:
            heard = (await hearing.transcribe(await record(text, random))).text
        except UserError:
            heard = ""
        missed = word_errors(text.split(), heard.lower().split())
        words, errors, exact = words + len(text.split()), errors + missed, exact + (missed == 0)
    return Heard(what, count, words, errors, exact)


async def table(weights: Path | None, count: int) -> list[Heard]:
    """The rows that the card shows."""
    hearing = WhisperHearing.open(str(weights) if weights else None)
    rows = [
        await measure(hearing, "unseen sentences, voices of the training", recorder(VARIANTS), count),
        await measure(hearing, "unseen sentences, unseen voices", recorder(UNSEEN_VARIANTS), count),
        await round_trip(hearing, count),
    ]
    await hearing.close()
    return rows


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--count", type=int, default=200)
    chosen = parser.parse_args()
    print("| after an OGG/Opus round trip | sentences | words | word error rate | heard without an error |")
    print("|---|--:|--:|--:|--:|")
    rows = asyncio.run(table(chosen.weights, chosen.count))
    for row in rows:
        right = f"{row.exact / row.sentences:.1%}"
        print(f"| {row.what} | {row.sentences} | {row.words} | {row.word_error_rate:.1%} | {right} |")
    if rows[-1].word_error_rate > MOST_ERRORS:
        raise SystemExit(f"the round trip has more than {MOST_ERRORS:.0%} word errors")


if __name__ == "__main__":
    main()
