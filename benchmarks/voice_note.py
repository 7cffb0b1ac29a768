"""From a voice note to its answer, with real ears and a real mind: `make bench-voice` (QUICK=1: fewer notes).

The whole product as an owner starts it, on the starter set, behind a local Telegram. The clock starts when the server
has the note and stops when the whole text has come in at `sendMessage`, and once more at `sendVoice`. A Piper voice
(`--voice FOLDER`) speaks the notes, and the answers in a second row; without one the built-in voice speaks both, which
these ears mishear.
"""

import argparse
import asyncio
import os
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from aiohttp import web

from benchmarks import report
from bots.locales import Phrases
from core.models import catalogue
from core.models.fetching import fetch
from core.speech.synthesis import Speaking
from core.speech.voices.builtin import BuiltinVoice
from core.speech.voices.piper import PiperVoice
from tests.platforms.telegram_server import ANN, TelegramServer
from tests.scenario.product import Product

CHATS = 4
_START_S, _ANSWER_S = 900, 120
_STAGES = ("hearing", "prompt", "model", "commit", "speaking")
_SAID = (
    "Good morning. What is the capital of France?",
    "I have a question. How many days are in a week?",
    "Thank you. Which planet is the largest one?",
    "One more thing. What is the opposite of hot?",
    "I am cooking. What goes well with rice?",
    "We have a garden. Which flowers grow in the shade?",
    "It is late. Say good night to my daughter.",
    "I am tired. What helps against a headache?",
    "My train is late. What can I read meanwhile?",
    "We are four people. How much pasta do we need?",
    "I like music. Who wrote the Moonlight Sonata?",
    "It rains today. What can we do at home?",
    "I am in London. Which river flows through it?",
    "My cat is old. How long do cats live?",
    "We want to travel. Is Italy warm in May?",
    "I learn Spanish. How do I say good evening?",
    "The bread is hard. What can I make of it?",
    "I bought a bike. How often should I oil it?",
    "He is ten years old. Which book would he like?",
    "I moved house. Whom should I tell about it?",
    "It is cold here. How do I keep my feet warm?",
    "She runs a lot. What should she drink?",
    "I lost my keys. What should I do first?",
    "Dinner was great. Write a short thank you.",
)
"""Two sentences each, about 3 s long."""
NOTES = _SAID[:8] if os.environ.get("QUICK") else _SAID
_ASKED_BACK = Phrases().say("did_you_say", "en", heard="|").partition("|")[0]


@dataclass(slots=True)
class Seen:
    """Seconds from a note to its whole text and to its voice note; those that were asked back are left out."""

    text_s: list[float] = field(default_factory=list)
    voice_s: list[float] = field(default_factory=list)
    asked_back: int = 0
    stages_s: dict[str, float] = field(default_factory=dict)


class Clocked(TelegramServer):
    """Knows when each thing came."""

    def __init__(self) -> None:
        super().__init__()
        self.came: dict[str, list[float]] = defaultdict(list)

    def _do(self, method: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> web.Response:
        answer = super()._do(method, fields, files)
        self.came[method].append(time.perf_counter())
        return answer

    async def coming(self, method: str, count: int) -> float:
        """When that many calls of a method have come."""
        async with asyncio.timeout(_ANSWER_S):
            while len(self.came[method]) < count:
                await asyncio.sleep(0.002)
        return self.came[method][count - 1]


async def spoken(voice: str) -> list[bytes]:
    """The notes as OGG/Opus; prints how long they are."""
    speaking = Speaking(PiperVoice.open(voice) if voice else BuiltinVoice())
    notes = [await speaking.speak(text, "en") for text in NOTES]
    await speaking.close()
    lengths = [note.duration_s for note in notes]
    print(f"{len(notes)} notes of {min(lengths):.1f} to {max(lengths):.1f} s, p50 {np.median(lengths):.1f} s")
    return [note.ogg for note in notes]


@asynccontextmanager
async def product(models: Path, telegram: TelegramServer, **settings: str) -> AsyncGenerator[Product]:
    """Parley on the starter set that lies in `models`."""
    with tempfile.TemporaryDirectory(prefix="parley-", ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        (data / "d").mkdir()
        (data / "d" / "models").symlink_to(models)
        reached = {"TELEGRAM_TOKEN": telegram.token, "TELEGRAM_API_BASE": telegram.base}
        started = Product(data, MODELS="starter", **(reached | settings))
        try:
            yield await (await started.start()).healthy(_START_S)
        finally:
            await started.stop()


async def measure(models: Path, notes: Sequence[bytes], **settings: str) -> Seen:
    """One note after the other, in a few chats."""
    seen = Seen()
    async with Clocked() as telegram, product(models, telegram, **settings) as parley:
        await _ask(telegram, notes[0], 0, Seen())
        before = await _stages(parley)
        for number, note in enumerate(notes):
            await _ask(telegram, note, number, seen)
        after = await _stages(parley)
    seen.stages_s = {stage: after[stage] - before[stage] for stage in _STAGES}
    return seen


async def _ask(telegram: Clocked, note: bytes, number: int, seen: Seen) -> None:
    texts, voices = len(telegram.came["sendMessage"]), len(telegram.came["sendVoice"])
    chat = 1000 + number % CHATS
    began = time.perf_counter()
    telegram.say(voice=telegram.voice(note, 3), chat={"id": chat, "type": "private"}, user={**ANN, "id": chat})
    came = await telegram.coming("sendMessage", texts + 1)
    if _ASKED_BACK in telegram.sent[-1].text:
        seen.asked_back += 1
    else:
        seen.text_s.append(came - began)
        seen.voice_s.append(await telegram.coming("sendVoice", voices + 1) - began)
    await telegram.wait_quiet()


async def _stages(parley: Product) -> dict[str, float]:
    """Seconds that went into each stage so far."""
    async with httpx.AsyncClient() as client:
        page = (await client.get(f"{parley.page}/metrics")).text
    found = dict(re.findall(r'^parley_stage_seconds_sum\{stage="(\w+)"\} (\S+)$', page, re.MULTILINE))
    return {stage: float(found.get(stage, 0)) for stage in _STAGES}


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "models", type=lambda given: Path(given).absolute(), help="where the starter set is, or is fetched into"
    )
    parser.add_argument("--voice", default="", help="a Piper voice's folder")
    chosen = parser.parse_args()
    print(report.machine())
    for kind in ("ears", "mind"):
        fetch(catalogue.starter(kind), chosen.models)
    notes = await spoken(chosen.voice)
    voices = {"built-in": ""} | ({Path(chosen.voice).name: chosen.voice} if chosen.voice else {})
    rows, stages, figures = [], [], {}
    for name, folder in voices.items():
        seen = await measure(chosen.models, notes, **({"TTS_MODEL": folder} if folder else {}))
        percentiles = [*np.percentile(seen.text_s, [50, 90]), *np.percentile(seen.voice_s, [50, 90])]
        rows.append((name, len(seen.text_s), seen.asked_back, *(f"{each:.2f}" for each in percentiles)))
        stages.append((name, *(f"{1000 * seen.stages_s[stage] / len(notes):.0f}" for stage in _STAGES)))
        figures |= {f"note_to_text_p50_s_{name}": percentiles[0], f"note_to_voice_p50_s_{name}": percentiles[2]}
    columns = ("answers spoken by", "answered", "asked back", "text p50 s", "p90", "voice note p50 s", "p90")
    report.table(columns, rows)
    report.table(("ms a note, of all", *_STAGES), stages)
    figures["note_to_text_p50_s"] = figures["note_to_text_p50_s_built-in"]
    report.close("voice_note", figures)


if __name__ == "__main__":
    asyncio.run(main())
