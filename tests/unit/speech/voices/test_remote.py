"""A voice behind a real server on this machine."""

import asyncio
import io
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import av
import numpy as np
import pytest
from aiohttp import web

from core.errors import AssistantError, PermanentError, RetryableError
from core.speech.audio import SAMPLE_RATE_HZ, decode
from core.speech.synthesis import Speaking
from core.speech.voices.remote import RemoteVoice
from tests.support.sounds import sound_track

KEY = "sk-very-secret"
Answer = Callable[[web.Request], Any]


def recording(container: str, codec: str, seconds: float = 2.0, rate_hz: int = 24_000, level: int = 12_000) -> bytes:
    """A tone of 440 Hz."""
    tone = (np.sin(np.arange(int(seconds * rate_hz)) * 2 * np.pi * 440 / rate_hz) * level).astype(np.int16)
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = sound_track(file, codec, rate_hz)
        step = stream.frame_size or 1024
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=rate_hz, frame_size=step)
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.sample_rate = rate_hz
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    return out.getvalue()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncGenerator[tuple[Speaking, list[dict[str, object]]]]:
    """A server that answers so, and the voice that asks it."""
    asked: list[dict[str, object]] = []

    async def speech(request: web.Request) -> web.StreamResponse:
        asked.append(await request.json() | {"key": request.headers["Authorization"]})
        return await answer(request)

    app = web.Application()
    app.router.add_post("/v1/audio/speech", speech)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    speaking = Speaking(RemoteVoice(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", "kokoro", "af_heart", KEY))
    try:
        yield speaking, asked
    finally:
        await speaking.close()
        await runner.cleanup()


def body(data: bytes, status: int = 200) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=data, status=status)

    return answer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("container", "codec", "rate_hz"),
    [("wav", "pcm_s16le", 24_000), ("mp3", "mp3", 44_100), ("ogg", "libopus", 48_000), ("flac", "flac", 22_050)],
)
async def test_whatever_sound_comes_becomes_a_voice_note(container: str, codec: str, rate_hz: int):
    async with serving(body(recording(container, codec, rate_hz=rate_hz))) as (speaking, asked):
        note = await speaking.speak("**Hello** Ann!", "en")
    assert asked == [{"input": "Hello Ann!", "model": "kokoro", "voice": "af_heart", "response_format": "wav",
                      "key": f"Bearer {KEY}"}]  # fmt: skip
    assert note.ogg[:4] == b"OggS"
    waveform = decode(note.ogg, max_s=60)
    assert note.duration_s == pytest.approx(2.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(waveform[:SAMPLE_RATE_HZ]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=2)


async def test_a_wav_that_is_streamed_does_not_know_its_length():
    data = bytearray(recording("wav", "pcm_s16le"))
    data[4:8] = b"\xff\xff\xff\xff"
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    async with serving(body(bytes(data))) as (speaking, _):
        assert (await speaking.speak("hello", "en")).duration_s == pytest.approx(2.0, abs=0.05)


@pytest.mark.slow
async def test_a_long_answer_is_asked_for_in_part_and_its_note_is_small():
    async with serving(body(recording("wav", "pcm_s16le", seconds=100))) as (speaking, asked):
        note = await speaking.speak("This is one of many sentences. " * 200, "en")
    assert 800 < len(str(asked[0]["input"])) <= 900
    assert len(note.ogg) < 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (body(b""), PermanentError, "0 bytes"),
        (body(b"<html>not a sound</html>"), PermanentError, "no sound"),
        (body(recording("wav", "pcm_s16le")[:44]), PermanentError, "no sound"),
        (body(recording("wav", "pcm_s16le", seconds=121)), PermanentError, "audio_too_long"),
        (body(recording("wav", "pcm_s16le", level=0)), PermanentError, "made no sound"),
        (body(bytes(33 * 2**20)), PermanentError, "more than 32 MB"),
        (body(b"no such voice af_heart", 400), PermanentError, "400: check TTS_URL, TTS_MODEL"),
        (body(b"who are you", 401), PermanentError, "401"),
        (body(b"broken", 500), RetryableError, "500"),
        (body(b"slow down", 429), RetryableError, "429"),
    ],
    ids=["nothing", "rubbish", "a header alone", "endless", "silence", "huge", "400", "401", "500", "429"],
)
async def test_what_is_no_voice_is_one_error_of_ours(answer: Answer, error: type[AssistantError], says: str):
    async with serving(answer) as (speaking, asked):
        with pytest.raises(error, match=says) as caught:
            await speaking.speak("hello", "en")
    assert len(asked) == 1
    assert KEY not in f"{caught.value}{caught.value.__cause__}"


async def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.speech.voices.remote.TOTAL_S", 0.3)

    async def hang(_: web.Request) -> None:
        await asyncio.Event().wait()

    async with serving(hang) as (speaking, _):
        with pytest.raises(RetryableError, match="not done within"):
            await speaking.speak("hello", "en")


async def test_a_server_that_breaks_off_is_an_error_of_ours():
    async def stop_midway(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100000"})
        await response.prepare(request)
        await response.write(recording("wav", "pcm_s16le")[:50_000])
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(stop_midway) as (speaking, _):
        with pytest.raises(RetryableError, match="cannot be reached"):
            await speaking.speak("hello", "en")


async def test_no_server_at_all_is_an_error_of_ours():
    speaking = Speaking(RemoteVoice("http://127.0.0.1:9/v1", "m", "alloy"))
    with pytest.raises(RetryableError, match="cannot be reached"):
        await speaking.speak("hello", "en")
    await speaking.close()


async def test_one_server_that_hangs_does_not_hold_up_others(monkeypatch: pytest.MonkeyPatch):
    sound, waiting = recording("wav", "pcm_s16le"), asyncio.Event()

    async def first_hangs(request: web.Request) -> web.Response:
        if (await request.json())["input"] == "first":
            waiting.set()
            await asyncio.Event().wait()
        return web.Response(body=sound)

    async with serving(first_hangs) as (speaking, _):
        hanging = asyncio.create_task(speaking.speak("first", "en"))
        await waiting.wait()
        assert (await speaking.speak("second", "en")).duration_s > 1
        assert not hanging.done()
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
