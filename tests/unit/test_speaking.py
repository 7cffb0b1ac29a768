import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from core.audio import SAMPLE_RATE_HZ, decode
from core.errors import UserError
from core.speaking import MAX_SPEECH_S, Speaking, spoken


@pytest.fixture(scope="module")
def voice() -> Iterator[Speaking]:
    """One for all tests: espeak-ng keeps its state in the process."""
    speaking = Speaking()
    yield speaking
    speaking.close()


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


@pytest.mark.parametrize("text", ["", " \n", "...", "👍🎉", "```py\nprint(1)\n```", "**", "---"])
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
    assert MAX_SPEECH_S * 0.7 < (await voice.speak(text, language)).duration_s <= MAX_SPEECH_S


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
    program = "import asyncio; from core.speaking import Speaking; asyncio.run(Speaking().speak('hello', 'en'))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("**bold** and _it_ and `code` here", "bold and it and code here"),
        ("# Title\n- one\n- [x] two\n1. three", "Title. one. two. three"),
        ("see [the page](https://a.b/c?d=e) or https://www.example.com/x/y", "see the page or example.com"),
        ("<https://x.y/z>", "x.y"),
        ("![a cat](http://x/y.png) nice", "a cat nice"),
        ("2 * 3 = 6 and a_b_c and C++", "2 * 3 = 6 and a_b_c and C++"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a b. 1 2"),
        ("||spoiler|| ~~gone~~ __under__ ***both***", "spoiler gone under both"),
        ("use `pip install x`:\n```\nlong code\n```\nthen run it 🎉", "use pip install x: then run it"),
        ("```\nnever closed", ""),
        ("One. Two 3.5 apples? Three!", "One. Two 3.5 apples? Three!"),
    ],
)
def test_markdown_is_read_as_a_person_would(written: str, read: str):
    assert spoken(written) == read


def test_a_long_text_ends_with_a_sentence():
    read = spoken("This is number 3.5 of many. " * 100)
    assert 800 < len(read) <= 900
    assert read.endswith("of many.")
