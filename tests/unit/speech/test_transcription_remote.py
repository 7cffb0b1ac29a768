"""Ears on a server: what it is asked, what is made of its answers, and what it never gets."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from bots.loading import open_hearing
from core.errors import PermanentError, RetryableError, SettingError, UserError
from core.speech import audio, transcription_remote
from core.speech.synthesis import Speaking
from core.speech.transcription_remote import RemoteHearing
from core.speech.voices.builtin import BuiltinVoice
from tests.platforms.ears_server import EarsServer, heard
from tests.support.settings import settings_of


@pytest.fixture
async def server() -> AsyncIterator[EarsServer]:
    async with EarsServer() as made:
        yield made


@pytest.fixture
async def ears(server: EarsServer) -> AsyncIterator[RemoteHearing]:
    made = RemoteHearing(server.base, "whisper-1", "sk-secret")
    yield made
    await made.close()


@pytest.fixture(scope="module")
def note() -> bytes:
    """A voice note in Opus, as platforms send them."""

    async def said() -> bytes:
        speaking = Speaking(BuiltinVoice())
        made = await speaking.speak("Where is the station?", "en")
        await speaking.close()
        assert made
        return made.ogg

    return asyncio.run(said())


async def test_speech_is_sent_with_the_chats_language_names_and_key(
    server: EarsServer, ears: RemoteHearing, note: bytes
):
    server.answers += [heard("Where is the station?")]
    transcript = await ears.transcribe(note, likely=("en", "zh"), names=("Zora",))
    (asked,) = server.asked
    assert (asked["model"], asked["response_format"], asked["prompt"]) == ("whisper-1", "verbose_json", "Zora")
    assert "language" not in asked
    assert asked["authorization"] == "Bearer sk-secret"
    with wave.open(io.BytesIO(asked["file"])) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (1, audio.SAMPLE_RATE_HZ)
        assert 0.5 < sound.getnframes() / sound.getframerate() <= transcript.duration_s
    assert (transcript.text, transcript.language, transcript.doubtful) == ("Where is the station?", "en", False)
    assert 0.85 < transcript.confidence < 0.95
    assert [segment.text for segment in transcript.segments] == [" Where is the station?"]


async def test_an_ordered_language_is_an_order_and_chinese_is_asked_for_in_the_chats_script(
    server: EarsServer, ears: RemoteHearing, note: bytes
):
    server.answers += [heard("你好", "chinese")]
    transcript = await ears.transcribe(note, language="zh", likely=("zh-Hant",))
    assert (server.asked[0]["language"], transcript.language) == ("zh", "zh")
    assert "普通" in server.asked[0]["prompt"]


async def test_a_language_that_is_not_allowed_is_asked_for_in_one_that_is(server: EarsServer, note: bytes):
    ears = RemoteHearing(server.base, "whisper-1", allowed=("en", "zh"))
    server.answers += [heard("ハワユー", "ja"), heard("How are you?")]
    transcript = await ears.transcribe(note, likely=("zh",))
    assert [asked.get("language") for asked in server.asked] == [None, "zh"]
    assert (transcript.text, transcript.language) == ("How are you?", "zh")
    await ears.close()


@pytest.mark.parametrize(
    ("answer", "language", "doubtful"),
    [
        ({"text": "Bonjour tout le monde, comment allez-vous ce matin ?"}, "fr", False),
        (heard("Where is the station, please, my friend?", "english"), "en", False),
        (heard("Where is the nation of them?", logprob=-0.9), "en", True),
        (heard("No.", logprob=-0.7), "en", False),
        (heard("ha " * 40, loops=9.0), "en", True),
        ({**heard("Where is it now?"), "segments": None}, "en", False),
    ],
)
async def test_servers_differ_in_what_they_tell(
    server: EarsServer, ears: RemoteHearing, note: bytes, answer: dict[str, Any], language: str, doubtful: bool
):
    server.answers += [answer]
    transcript = await ears.transcribe(note, likely=("en",))
    assert (transcript.language, transcript.doubtful) == (language, doubtful)


@pytest.mark.parametrize(
    ("data", "key"),
    [(b"", "audio_empty"), (b"no sound at all", "audio_unreadable"), (None, "audio_silent")],
)
async def test_what_is_no_speech_is_never_sent(server: EarsServer, ears: RemoteHearing, data: bytes | None, key: str):
    silence = audio.encode_ogg_opus(np.zeros(audio.SAMPLE_RATE_HZ * 2, np.float32), audio.SAMPLE_RATE_HZ)
    with pytest.raises(UserError) as refused:
        await ears.transcribe(silence if data is None else data)
    assert (refused.value.key, server.asked) == (key, [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "error", "says"),
    [
        ([500], RetryableError, "the ears at ASR_URL answered 500"),
        ([429], RetryableError, "answered 429"),
        ([401], PermanentError, r"answered 401: check ASR_URL, ASR_MODEL \(whisper-1\) and ASR_API_KEY"),
        ([], RetryableError, "were not done within 0 s"),
    ],
)
async def test_its_failures_are_ours_and_never_carry_the_key(
    server: EarsServer, ears: RemoteHearing, note: bytes, monkeypatch: pytest.MonkeyPatch, answers: list[int],
    error: type[Exception], says: str,
):  # fmt: skip
    if not answers:
        monkeypatch.setattr(transcription_remote, "TOTAL_S", 0.3)
    server.answers += answers
    with pytest.raises(error, match=says) as raised:
        await ears.transcribe(note)
    assert "secret" not in f"{raised.value!r} {raised.value.__cause__!r}"


async def test_nobody_there_is_a_failure_that_may_pass(note: bytes):
    ears = RemoteHearing("http://127.0.0.1:9/v1", "whisper-1")
    with pytest.raises(RetryableError, match="cannot be reached"):
        await ears.transcribe(note)
    await ears.close()


async def test_nothing_said_by_the_server_is_silence(server: EarsServer, ears: RemoteHearing, note: bytes):
    server.answers += [heard("  ")]
    with pytest.raises(UserError) as refused:
        await ears.transcribe(note)
    assert refused.value.key == "audio_silent"


async def test_the_settings_open_them_and_want_a_name(tmp_path: Path):
    there = {"asr_url": "http://127.0.0.1:9/v1", "data_dir": tmp_path}
    ears = open_hearing(settings_of(**there, asr_model="whisper-1"), "whisper-1", Event())
    assert (ears.name, ears.weight_bytes, ears.translates) == ("whisper-1", 0, False)
    await ears.close()
    with pytest.raises(SettingError, match="ASR_MODEL: got nothing, wants the name of the ears' model at http"):
        open_hearing(settings_of(**there), "built-in", Event())
