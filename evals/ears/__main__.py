"""`python -m evals.ears [MODEL] [--voice PIPER_FOLDER]`: what ears hear of sentences that no generator of ours made.

Every clip goes through `core.speech` as a voice note does, in a chat where English and Chinese are both likely.
"""

import argparse
import asyncio
import resource
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from core.errors import UserError
from core.models.resolving import resolve
from core.speech.audio import SAMPLE_RATE_HZ, Waveform
from core.speech.hearing import Hearing, Transcript
from core.speech.transcription import WhisperHearing
from evals.ears import clips, scoring

_CHAT = ("en", "zh")
_OTHER_CHAT = ("fr",)
_WORDS = {
    "en": ("Yes.", "No.", "Hello.", "Stop.", "Thanks.", "Okay.", "Tomorrow.", "Breakfast.", "Twelve.", "Goodbye."),
    "zh": ("好的。", "不是。", "你好。", "谢谢。", "再见。", "明天。", "早饭。", "十二。", "可以。", "北京。"),
}
_VOICES = {"en": ("f2", "m3", "en-gb-x-rp"), "zh": ("f2", "m3")}
_FAST = 1.5
_CLEAN = next(iter(clips.CONDITIONS))
_LONG_S = 600
Said = tuple[str, Waveform]


@dataclass(slots=True)
class Row:
    """What is counted of one voice in one condition; seconds of processor and of sound."""

    name: str
    clips: int = 0
    units: int = 0
    wrong: int = 0
    exact: int = 0
    asked_back: int = 0
    invented: int = 0
    other_language: int = 0
    nothing: int = 0
    cpu_s: float = 0.0
    sound_s: float = 0.0
    log: list[tuple[float, int, str, str]] | None = None

    def add(self, said: str, heard: Transcript | None, language: str, cpu_s: float, sound_s: float) -> None:
        text = heard.text if heard else ""
        wrong, of = scoring.errors(said, text, language)
        self.clips, self.units, self.wrong = self.clips + 1, self.units + of, self.wrong + wrong
        self.exact += wrong == 0
        self.nothing += heard is None
        self.cpu_s, self.sound_s = self.cpu_s + cpu_s, self.sound_s + sound_s
        if heard is not None:
            self.asked_back += heard.doubtful
            self.invented += not heard.doubtful and wrong > of / 2
            self.other_language += heard.language != language
            if self.log is not None:
                self.log.append(
                    (heard.confidence, wrong, said, f"{heard.language} {heard.language_probability:.2f} {text}")
                )


def hear(hearing: Hearing, data: bytes, chat: Sequence[str] = _CHAT) -> tuple[Transcript | None, float]:
    """What is heard, None for nothing, and the processor's seconds."""
    start = time.process_time()
    try:
        heard = asyncio.run(hearing.transcribe(data, likely=chat))
    except UserError:
        heard = None
    return heard, time.process_time() - start


def measure(
    hearing: Hearing,
    row: Row,
    said: Iterable[Said],
    language: str,
    condition: str,
    chat: Sequence[str],
) -> Row:
    for text, sound in said:
        data = clips.CONDITIONS[condition](sound)
        heard, cpu_s = hear(hearing, data, chat)
        row.add(text, heard, language, cpu_s, len(sound) / SAMPLE_RATE_HZ)
    return row


def rows(hearing: Hearing, chosen: argparse.Namespace) -> Iterator[Row]:
    """Recordings and the first voice of each language in every condition, other voices in the clearest."""

    def row(
        name: str, said: Iterable[Said], language: str, condition: str = _CLEAN, chat: Sequence[str] = _CHAT
    ) -> Row:
        empty = Row(f"{language}, {name}", log=[] if chosen.show else None)
        return measure(hearing, empty, said, language, condition, chat)

    for folder in map(Path, chosen.recorded):
        said = clips.recorded(folder)[:: chosen.every]
        for condition in clips.CONDITIONS:
            yield row(f"recorded, {condition}", said, folder.name, condition)
    for language in filter(None, chosen.languages.split(",")):
        voices = [("", voice) for voice in _VOICES[language]][: chosen.voices]
        pipers = [(model, "") for model in chosen.voice] if language == "en" else []
        texts = clips.sentences(language)[:: chosen.every]
        for place, (model, voice) in enumerate(pipers + voices):
            name, speaker = Path(model).name if model else f"espeak-ng {voice}", clips.Speaker(model, voice)
            said = [(text, speaker.say(text, language)) for text in texts]
            yield row(f"{name}, {_CLEAN}", said, language)
            if place:
                continue
            for condition in list(clips.CONDITIONS)[1:]:
                yield row(f"{name}, {condition}", said, language, condition)
            fast = clips.Speaker(model, voice, _FAST)
            yield row(f"{name}, {_FAST} times as fast", [(text, fast.say(text, language)) for text in texts], language)
            yield row(f"{name}, one word", [(word, speaker.say(word, language)) for word in _WORDS[language]], language)
            yield row(f"{name}, in a French chat", said, language, chat=_OTHER_CHAT)
            if chosen.long:
                yield row(f"{name}, ten minutes", [_long(said)], language)


def _long(said: Sequence[Said]) -> Said:
    """Ten minutes of it, over and over, with all of its words."""
    length = int(_LONG_S * SAMPLE_RATE_HZ)
    times = -(-length // sum(len(sound) for _, sound in said))
    whole = np.concatenate([sound for _, sound in said] * times)[:length]
    return " ".join([text for text, _ in said] * times), whole


def silence(hearing: Hearing) -> list[tuple[str, str]]:
    """What was heard in clips without speech."""
    heard = [(kind, hear(hearing, data)[0]) for kind, data in clips.without_speech()]
    return [(kind, found.text) for kind, found in heard if found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="", help="a Whisper size, hub id or folder; none: what ships")
    parser.add_argument("--voice", action="append", default=[], help="a Piper voice's folder, for English")
    parser.add_argument(
        "--recorded", action="append", default=[], help="a folder named as its language (zh): NAME.ogg with NAME.txt"
    )
    parser.add_argument("--languages", default="en,zh")
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth sentence")
    parser.add_argument("--voices", type=int, default=9, help="how many of espeak-ng's voices")
    parser.add_argument("--long", action="store_true", help="also ten minutes at a stretch")
    parser.add_argument("--show", action="store_true", help="also each sentence: confidence, errors, said, heard")
    chosen = parser.parse_args()
    console = Console(width=150)
    folder = resolve("ears", chosen.model, Path("data/models"))
    hearing = WhisperHearing.open(str(folder) if folder else None)
    table = Table(title=f"{hearing.name}, {hearing.bits} bit")
    columns = "voice and condition|clips|wrong|exact|asked back|believed, half wrong|other language|nothing|CPU s / s"
    for name in columns.split("|"):
        table.add_column(name, justify="left" if name.startswith("voice") else "right")
    for row in rows(hearing, chosen):
        figures = (row.asked_back, row.invented, row.other_language, row.nothing)
        share, exact, speed = row.wrong / row.units, row.exact / row.clips, row.cpu_s / row.sound_s
        table.add_row(row.name, str(row.clips), f"{share:.1%}", f"{exact:.0%}", *map(str, figures), f"{speed:.2f}")
        for confidence, wrong, said, text in sorted(row.log or ()):
            console.print(f"{confidence:.2f} {wrong} {said} | {text}", markup=False)
    console.print(table)
    invented = silence(hearing)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"50 clips without speech: words in {len(invented)} {invented or ''}; peak memory {peak_mb:.0f} MB")
    asyncio.run(hearing.close())


if __name__ == "__main__":
    main()
