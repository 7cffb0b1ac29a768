"""Whisper base with its own weights: PARLEY_REAL is the folder that holds `whisper-base-int8`."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import UserError
from core.hearing import Hearing
from core.speaking import Speaking
from core.voices.builtin import BuiltinVoice
from evals.ears import clips

FOLDER = Path(os.environ.get("PARLEY_REAL", "")) / "whisper-base-int8"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="PARLEY_REAL holds no whisper-base-int8")


@pytest.fixture(scope="module")
def ears(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hearing]:
    hearing = Hearing.open(str(FOLDER), download_dir=tmp_path_factory.mktemp("models"))
    yield hearing
    hearing.close()


@pytest.fixture(scope="module")
def voice() -> Iterator[Speaking]:
    speaking = Speaking(BuiltinVoice())
    yield speaking
    asyncio.run(speaking.close())


@pytest.mark.parametrize("likely", [("en",), ("en", "zh"), ("zh", "en")])
async def test_how_are_you_today_is_english(ears: Hearing, voice: Speaking, likely: tuple[str, ...]):
    heard = await ears.transcribe((await voice.speak("How are you today?", "en")).ogg, likely=likely)
    assert heard.language == "en"


async def test_a_german_note_in_an_english_app_is_german(ears: Hearing, voice: Speaking):
    heard = await ears.transcribe((await voice.speak("Wie komme ich zum Bahnhof?", "de")).ogg, likely=("en",))
    assert heard.language == "de"


async def test_a_clip_without_speech_has_no_words(ears: Hearing):
    for _, data in clips.without_speech():
        with pytest.raises(UserError, match="audio_silent"):
            await ears.transcribe(data)


async def test_a_decoder_that_runs_in_a_circle_is_stopped_and_doubted(ears: Hearing, voice: Speaking):
    """espeak-ng's Chinese sends Whisper base into a loop of 448 tokens, five times over."""
    note = await voice.speak("今天天气怎么样？", "zh")
    start = time.process_time()
    heard = await ears.transcribe(note.ogg, language="zh")
    assert time.process_time() - start < 12
    assert len(heard.text) < 120
