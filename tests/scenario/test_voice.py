"""A voice note is answered by text and voice, and by text alone where the voice fails: the whole product."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.speech import audio
from core.speech.synthesis import Speaking
from core.speech.voices.builtin import BuiltinVoice
from tests.platforms.ears_server import EarsServer, heard
from tests.platforms.telegram_server import ANN, TelegramServer
from tests.platforms.voice_server import VoiceServer
from tests.scenario.product import Product, run_to_end, running


@asynccontextmanager
async def talking(data: Path, telegram: TelegramServer, **settings: str) -> AsyncGenerator[Product]:
    async with running(data, TELEGRAM_TOKEN=telegram.token, TELEGRAM_API_BASE=telegram.base, **settings) as product:
        yield product


async def until(truth: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not truth():
            await asyncio.sleep(0.02)


@pytest.fixture
async def note() -> bytes:
    speaking = Speaking(BuiltinVoice())
    spoken = await speaking.speak("What is your name?", "en")
    await speaking.close()
    return spoken.ogg


async def test_line_12_the_text_arrives_whatever_the_voices_server_does(data: Path, note: bytes):
    async with TelegramServer() as telegram, VoiceServer() as voice:
        async with talking(data, telegram, TTS_URL=voice.base, TTS_MODEL="m", TTS_API_KEY="sk-secret") as product:
            telegram.say(voice=telegram.voice(note))
            await until(lambda: "record_voice" in telegram.signs)
            assert [bool(each.voice) for each in telegram.sent] == [False]
            voice.answers += [note, b"", b"rubbish", 500]
            await telegram.wait_sent(2)
            for number in range(3):
                telegram.say(voice=telegram.voice(note))
                await telegram.wait_sent(number + 3)
            await until(lambda: sum("answering without a voice note" in line for line in product.log) == 3)
            sent = await telegram.wait_quiet()
        assert [bool(each.voice) for each in sent] == [False, True, False, False, False]
        assert all(each.text.startswith("🎧 “") for each in sent if not each.voice)
        assert audio.decode(sent[1].voice, max_s=60).any()
        assert len(voice.asked) == 4
        assert not [line for line in product.log if "sk-secret" in line or "Traceback" in line]


async def test_line_12_who_takes_no_voice_notes_gets_text_and_is_not_asked_again(data: Path, note: bytes):
    async with TelegramServer() as telegram:
        telegram.fail("sendVoice", 400, "Bad Request: VOICE_MESSAGES_FORBIDDEN")
        async with talking(data, telegram):
            telegram.say(voice=telegram.voice(note))
            await telegram.wait_sent(1)
            await telegram.wait_quiet()
        async with talking(data, telegram):
            telegram.signs.clear()
            telegram.say(voice=telegram.voice(note))
            await telegram.wait_sent(2)
            sent = await telegram.wait_quiet()
        assert [(each.chat, bool(each.voice)) for each in sent] == [(ANN["id"], False)] * 2
        assert "record_voice" not in telegram.signs


async def test_ears_on_a_server_are_asked_again_when_they_fail_and_believed(data: Path, note: bytes):
    async with TelegramServer() as telegram, EarsServer() as ears:
        settings = {"ASR_URL": ears.base, "ASR_MODEL": "whisper-1", "ASR_API_KEY": "sk-secret"}
        async with talking(data, telegram, **settings) as product:
            ears.answers += [500, heard("What is seven times eight?")]
            telegram.say(voice=telegram.voice(note))
            await telegram.wait_sent(1)
            assert telegram.sent[0].text.startswith("🎧 “What is seven times eight?”")
            assert "56" in telegram.sent[0].text
        assert len(ears.asked) == 2
        assert not [line for line in product.log if "sk-secret" in line or "Traceback" in line]


async def test_doctor_tries_the_voice(data: Path, note: bytes):
    async with VoiceServer() as voice:
        voice.answers += [note, 401]
        code, printed = await run_to_end(data, "doctor", TTS_URL=voice.base, TTS_MODEL="kokoro")
        assert code == 0, printed
        assert "✓ speaking: kokoro says" in printed
        code, printed = await run_to_end(data, "doctor", TTS_URL=voice.base, TTS_MODEL="kokoro")
        assert code == 1
        assert "✗ speaking: the voice at TTS_URL answered 401: check TTS_URL" in printed
