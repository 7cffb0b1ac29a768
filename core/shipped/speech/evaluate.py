"""Measures the built-in ears: `python -m core.shipped.speech.evaluate [--weights DIR] [--clips 200]`.

Every clip is an OGG/Opus voice note and goes through `core.hearing`, as a message's would. A clip in which nothing is
heard counts as all of its words missed. Prints a Markdown table.
"""

import argparse
import asyncio
import random as randomness
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core import audio
from core.audio import SAMPLE_RATE_HZ, Waveform
from core.errors import UserError
from core.hearing import SHIPPED, Hearing
from core.shipped.speech import clips, sentences
from core.shipped.speech.clips import UNSEEN_VARIANTS, VARIANTS, Studio

_SEED = 20_000
"""Far from those of the training clips, which count up from 0."""


@dataclass(frozen=True, slots=True)
class Result:
    """Word error rate of one kind of clip: `errors` of `words` in `clips`, and the clips without any error."""

    kind: str
    clips: int
    words: int
    errors: int
    exact: int

    @property
    def wer(self) -> float:
        """0 is perfect."""
        return self.errors / max(1, self.words)


def distance(said: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest words to change, add or leave out that turn one into the other."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(diagonal + (word != other), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def words(text: str) -> list[str]:
    """Lower-case words without punctuation, so that any model's transcript compares."""
    return re.findall(r"[a-z']+", text.lower())


async def measure(hearing: Hearing, kind: str, notes: Iterator[tuple[str, bytes]]) -> Result:
    """Let `hearing` hear the (sentence, OGG) pairs."""
    count = total = errors = exact = 0
    for text, ogg in notes:
        try:
            heard = (await hearing.transcribe(ogg)).text
        except UserError as error:
            if error.key != "audio_silent":
                raise
            heard = ""
        wrong = distance(words(text), words(heard))
        count, total, errors, exact = count + 1, total + len(words(text)), errors + wrong, exact + (not wrong)
    return Result(kind, count, total, errors, exact)


def _notes(
    studio: Studio, said: Sequence[str], variants: tuple[str, ...], random: randomness.Random, noise: bool = False
) -> Iterator[tuple[str, bytes]]:
    for text in said:
        waveform: Waveform = studio.record(text, variants, random)
        if noise:
            waveform = clips.noisy(waveform, random)
        yield text, audio.encode_ogg_opus(waveform, SAMPLE_RATE_HZ)


async def evaluate(weights: Path, count: int, tell: Callable[[str], None]) -> list[Result]:
    """Hear `count` clips of each kind with the model in a folder; `tell` gets the name of each kind before it starts."""
    studio, random = Studio(), randomness.Random(_SEED)
    fresh = [sentences.held_out(random) for _ in range(count)]
    fixed = list(sentences.FIXED_SENTENCES)
    kinds: list[tuple[str, list[str], tuple[str, ...], bool]] = [
        ("unseen sentences, voices of the training", fresh, VARIANTS, False),
        ("unseen sentences, unseen voices", fresh, UNSEEN_VARIANTS, False),
        ("the same with a room's noise", fresh, UNSEEN_VARIANTS, True),
        ("set phrases (hello, who are you, ...), unseen voices", fixed, UNSEEN_VARIANTS, False),
    ]
    hearing = Hearing.open(str(weights), download_dir=weights)
    results: list[Result] = []
    try:
        for kind, said, variants, noise in kinds:
            tell(kind)
            results.append(await measure(hearing, kind, _notes(studio, said, variants, random, noise)))
    finally:
        hearing.close()
    return results


def table(results: Sequence[Result]) -> str:
    """Markdown."""
    lines = ["| clips | n | words | word error rate | clips without an error |", "|---|---|---|---|---|"]
    lines += [
        f"| {result.kind} | {result.clips} | {result.words} | {result.wer:.1%} | {result.exact / result.clips:.0%} |"
        for result in results
    ]
    return "\n".join(lines)


def main() -> None:
    """Arguments of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=SHIPPED)
    parser.add_argument("--clips", type=int, default=200)
    chosen = parser.parse_args()
    print(table(asyncio.run(evaluate(chosen.weights, chosen.clips, lambda kind: None))))


if __name__ == "__main__":
    main()
