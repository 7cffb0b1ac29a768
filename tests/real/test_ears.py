"""Whisper base with its own weights."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import UserError
from core.speech import loops
from core.speech.hearing import Hearing
from core.speech.synthesis import Speaking
from core.speech.transcription import WhisperHearing
from core.speech.voices.builtin import BuiltinVoice
from evals.ears import clips, scoring

CHINESE = sorted(Path(os.environ.get("PARLEY_REAL", "")).glob("zh/*.ogg"))
"""Clips of Mandarin, each with its words in a .txt beside it."""


@pytest.fixture(scope="module")
def hearing(ears: Path) -> Iterator[Hearing]:
    opened = WhisperHearing.open(str(ears))
    yield opened
    asyncio.run(opened.close())


@pytest.fixture(scope="module")
def voice() -> Iterator[Speaking]:
    speaking = Speaking(BuiltinVoice())
    yield speaking
    asyncio.run(speaking.close())


@pytest.mark.parametrize("likely", [("en",), ("en", "zh"), ("zh", "en")])
async def test_how_are_you_today_is_english(hearing: Hearing, voice: Speaking, likely: tuple[str, ...]):
    heard = await hearing.transcribe((await voice.speak("How are you today?", "en")).ogg, likely=likely)
    assert heard.language == "en"
    assert heard.doubtful or not scoring.errors("How are you today?", heard.text, "en")[0]


async def test_a_german_note_in_an_english_app_is_german(hearing: Hearing, voice: Speaking):
    heard = await hearing.transcribe((await voice.speak("Wie komme ich zum Bahnhof?", "de")).ogg, likely=("en",))
    assert (heard.language, heard.text) == ("de", "Wie komme ich zum Bahnhof?")


@pytest.mark.skipif(not CHINESE, reason="PARLEY_REAL holds no zh/*.ogg")
async def test_chinese_notes_are_understood_and_written_in_the_chats_script(hearing: Hearing):
    wrong, of, traditional = 0, 0, 0
    for clip in CHINESE:
        said = clip.with_suffix(".txt").read_text("utf-8")
        heard = await hearing.transcribe(clip.read_bytes(), likely=("zh-Hans", "en"), names=("Ann", "王小明"))
        assert heard.language == "zh"
        missed, characters = scoring.errors(said, heard.text, "zh")
        wrong, of = wrong + missed, of + characters
        traditional += sum(a != b for a, b in zip(heard.text, scoring.simplified(heard.text), strict=True))
    assert wrong / of < 0.1
    assert traditional / of < 0.01


async def test_names_of_the_chat_are_heard(hearing: Hearing):
    """Twelve notes: without the hint none of these names is written so, with it most are."""
    said = {
        "Siobhan": "Please remind Siobhan to bring the keys.",
        "Xiaoming": "What did Xiaoming say about the meeting?",
        "Jean-Pierre": "Jean-Pierre is coming to dinner tonight.",
    }
    notes: list[tuple[str, bytes]] = []
    for name in ("f2", "m3", "en-gb-x-rp", "en-us"):
        speaking = Speaking(BuiltinVoice(voice=name))
        notes += [(who, (await speaking.speak(text, "en")).ogg) for who, text in said.items()]
        await speaking.close()
    found: list[int] = []
    for names in ((), tuple(said)):
        heard = [(who, await hearing.transcribe(note, likely=("en",), names=names)) for who, note in notes]
        found.append(sum(who in transcript.text for who, transcript in heard))
    without, hinted = found
    assert hinted >= 7
    assert without <= 2


async def test_a_clip_without_speech_has_no_words(hearing: Hearing):
    for _, data in clips.without_speech():
        for language in (None, "zh-Hans"):
            with pytest.raises(UserError, match="audio_silent"):
                await hearing.transcribe(data, language=language, names=("Ann",))


async def test_a_decoder_that_runs_in_a_circle_is_stopped_and_doubted(hearing: Hearing, voice: Speaking):
    """espeak-ng's Chinese sends Whisper base into a loop of 448 tokens, five times over."""
    note = await voice.speak("今天天气怎么样？", "zh")
    start = time.process_time()
    heard = await hearing.transcribe(note.ogg, language="zh")
    assert time.process_time() - start < 12
    assert heard.doubtful
    assert len(heard.text) < 120
    assert heard.text == loops.shortened(heard.text)
