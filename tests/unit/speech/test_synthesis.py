import asyncio
import io
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from threading import Event

import av
import numpy as np
import pytest

from bots.loading import open_speaking
from core.errors import PermanentError, SettingError, UserError
from core.settings import Settings
from core.speech.audio import SAMPLE_RATE_HZ, decode
from core.speech.synthesis import Speaking
from core.speech.voices.base import MAX_SPEECH_S, Sound
from core.speech.voices.builtin import BuiltinVoice
from tests.support.settings import settings_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def voice() -> Iterator[Speaking]:
    """One for all tests: espeak-ng keeps its state in the process."""
    speaking = Speaking(BuiltinVoice())
    yield speaking
    asyncio.run(speaking.close())


@pytest.mark.parametrize(
    ("text", "language", "seconds"),
    [
        ("Hello, my name is Zora.", "en", (1.2, 2.5)),
        ("你好，我叫小明。今天天气很好。", "zh-Hans", (2.5, 6.0)),
        ("Guten Morgen, wie geht es Ihnen?", "de-AT", (1.2, 3.5)),
    ],
)
async def test_a_note_is_speech_of_the_length_it_says(
    voice: Speaking, text: str, language: str, seconds: tuple[float, float]
):
    note = await voice.speak(text, language)
    waveform = decode(note.ogg, max_s=60)
    assert seconds[0] < note.duration_s < seconds[1]
    assert len(waveform) / SAMPLE_RATE_HZ == pytest.approx(note.duration_s, abs=0.05)
    assert np.sqrt(np.mean(waveform**2)) > 0.02
    assert 1 <= len(note.waveform) <= min(256, note.duration_s * 10)


async def test_each_language_has_its_own_voice_and_an_unknown_one_speaks_english(voice: Speaking):
    notes = {language: await voice.speak("hello one two three", language) for language in ("en", "fr", "xx", "")}
    assert notes["xx"].duration_s == notes[""].duration_s == notes["en"].duration_s
    assert notes["fr"].duration_s != notes["en"].duration_s


@pytest.mark.parametrize("text", ["", " \n", "...", "**", "---", "<br>"])
async def test_what_nobody_would_say_is_refused(voice: Speaking, text: str):
    with pytest.raises(UserError, match="nothing_to_say"):
        await voice.speak(text, "en")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The quick brown fox jumps over the lazy dog. " * 60, "en"),
        ("今天天气很好，我们一起去公园散步吧。" * 60, "zh"),
        ("1234567890 " * 80, "en"),
    ],
    ids=["english", "chinese", "one endless sentence of digits"],
)
async def test_a_note_lasts_a_minute_at_most(voice: Speaking, text: str, language: str):
    note = await voice.speak(text, language)
    assert MAX_SPEECH_S * 0.7 < note.duration_s <= MAX_SPEECH_S
    assert len(note.ogg) < 1_000_000
    assert len(note.waveform) == 256


async def test_control_characters_and_half_emoji_neither_cut_nor_command_the_voice(voice: Speaking):
    whole = await voice.speak("before after this", "en")
    for odd in ("before\x00after this", "before\x01after this", "before \ud83d after this"):
        assert (await voice.speak(odd, "en")).duration_s == pytest.approx(whole.duration_s, abs=0.02)


async def test_the_loop_goes_on_while_it_speaks(voice: Speaking):
    gaps: list[float] = []

    async def heartbeat() -> None:
        while True:
            start = time.monotonic()
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - start)

    beating = asyncio.create_task(heartbeat())
    await voice.speak("The quick brown fox jumps over the lazy dog. " * 20, "en")
    beating.cancel()
    assert len(gaps) > 20
    assert max(gaps) < 0.5


def test_speaking_writes_nothing_to_the_terminal():
    program = "\n".join(
        (
            "import asyncio",
            "from core.speech.synthesis import Speaking",
            "from core.speech.voices.builtin import BuiltinVoice",
            "asyncio.run(Speaking(BuiltinVoice()).speak('hello', 'en'))",
        )
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"", b"")


async def test_the_notes_are_opus_in_mono_at_48_khz_and_32_kbit(voice: Speaking):
    note = await voice.speak("The quick brown fox jumps over the lazy dog. " * 15, "en")
    with av.open(io.BytesIO(note.ogg)) as container:
        (stream,) = container.streams
        assert isinstance(stream, av.AudioStream)
        assert (container.format.name, stream.codec_context.name) == ("ogg", "opus")
        assert (stream.rate, stream.channels) == (48_000, 1)
    assert 20_000 < len(note.ogg) * 8 / note.duration_s < 40_000


class Broken:
    """A voice that gives what no sound is."""

    name = "broken"

    def __init__(self, samples: list[float]) -> None:
        self._samples = np.array(samples, np.float32)

    async def say(self, sentences: Sequence[str], language: str) -> Sound:
        return Sound(self._samples, 16_000)

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("samples", [[], [0.0] * 16_000, [float("nan")] * 16_000, [0.1, float("inf")]])
async def test_a_voice_without_a_sound_is_an_error(samples: list[float]):
    speaking = Speaking(Broken(samples))
    with pytest.raises(PermanentError, match="made no sound"):
        await speaking.speak("hello", "en")
    await speaking.close()


def _settings(**values: str) -> Settings:
    return settings_of(**values)


async def test_the_settings_choose_the_voice():
    remote = open_speaking(_settings(TTS_URL="http://127.0.0.1:9/v1", TTS_MODEL="kokoro"), Event())
    builtin = open_speaking(_settings(), Event())
    assert (remote.name, builtin.name) == ("kokoro", "espeak-ng")
    await remote.close()
    await builtin.close()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"TTS_URL": "http://127.0.0.1:9/v1"}, "TTS_MODEL: got nothing, wants the name of the voice's model at http"),
        ({"TTS_MODEL": "/no/such/voice"}, "TTS_MODEL: got '/no/such/voice', wants a folder that exists"),
    ],
)
def test_a_voice_that_cannot_be_opened_is_one_line(values: dict[str, str], says: str):
    with pytest.raises(SettingError) as caught:
        open_speaking(_settings(**values), Event())
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)
