"""Bad voice notes on both platforms: one reply each, soon, while everything else goes on."""

import asyncio
import io
import time
from dataclasses import dataclass

import av
import numpy as np

from core.speech import audio
from core.speech.synthesis import Speaking
from core.speech.voices.builtin import BuiltinVoice
from tests.fault.conftest import Note
from tests.fault.discord_world import Both
from tests.fault.watcher import watching
from tests.fault.world import until
from tests.platforms.discord_payloads import CROWD, DM

_MIB = 2**20
_IDLE_S = 3


@dataclass(frozen=True)
class Bad:
    """A file, what the sender says of it, and what the reply has to say (one of these)."""

    data: bytes
    says: tuple[str, ...]
    duration_s: float = 2.0
    claimed_bytes: int | None = None


async def test_17_bad_voice_notes_get_one_reply_each(both: Both, note: Note):
    notes = await _bad_notes()
    took: dict[str, float] = {}
    async with watching(both.product) as idle:
        await asyncio.sleep(_IDLE_S)
    async with watching(both.product) as busy:
        for number, (what, bad) in enumerate(notes.items()):
            took[f"{what}, Telegram"] = await _on_telegram(both, 100 + number, bad)
            took[f"{what}, Discord"] = await _on_discord(both, CROWD[number], bad)
    await both.telegram.wait_quiet()
    await both.discord.wait_quiet()
    slowest = max(took, key=lambda what: took[what])
    note(
        f"{len(took)} notes, slowest reply {took[slowest]:.2f} s ({slowest}; goal 5 s); memory at most "
        f"+{max(busy.memory) - idle.memory[-1]:.0f} MiB, at the end +{busy.memory[-1] - idle.memory[-1]:.0f} (goal 200)"
    )
    note(
        f"/metrics answered within {1000 * max(busy.lags):.0f} ms, 99 % within "
        f"{1000 * np.quantile(busy.lags, 0.99):.0f}; idle {1000 * max(idle.lags):.0f} and "
        f"{1000 * np.quantile(idle.lags, 0.99):.0f} (goal 100)"
    )
    for number, (what, bad) in enumerate(notes.items()):
        shown = (_texts(both, 100 + number), both.shown(CROWD[number]))
        for texts in shown:
            assert len(texts) == 1, (what, texts)
            assert any(words in texts[0] for words in bad.says), (what, texts)
    both.no_error()


async def _bad_notes() -> dict[str, Bad]:
    spoken = await _spoken()
    silence = audio.encode_ogg_opus(np.zeros(5 * audio.SAMPLE_RATE_HZ, np.float32), audio.SAMPLE_RATE_HZ)
    hiss = np.random.default_rng(1).normal(0, 0.01, 660 * audio.SAMPLE_RATE_HZ).astype(np.float32)
    long = await asyncio.to_thread(audio.encode_ogg_opus, hiss, audio.SAMPLE_RATE_HZ)
    return {
        "0 bytes": Bad(b"", ("0 bytes",)),
        "cut after the header": Bad(spoken[:80], ("cannot read that as audio",)),
        "cut in the middle": Bad(spoken[: len(spoken) // 2], ("🎧", "could not hear")),
        "silence": Bad(silence, ("could not hear",)),
        "11 minutes": Bad(long, ("up to 10 minutes",), duration_s=660),
        "11 minutes that claim 2 s": Bad(long, ("up to 10 minutes",)),
        "30 MB": Bad(b"x" * (30 * _MIB), ("too big",)),
        "30 MB that claim 1 byte": Bad(b"x" * (30 * _MIB), ("too big",), claimed_bytes=1),
        "a video without sound, renamed": Bad(_film(b""), ("no sound",)),
        "a video with sound, renamed": Bad(_film(spoken), ("🎧", "could not hear")),
        "no sound at all": Bad(b"%PDF-1.7 " + bytes(range(256)) * 40, ("cannot read that as audio",)),
    }


async def _on_telegram(both: Both, chat: int, bad: Bad) -> float:
    began = time.monotonic()
    told = both.telegram.voice(bad.data, int(bad.duration_s), bad.claimed_bytes)
    person = {"id": chat, "is_bot": False, "first_name": "Ann", "language_code": "en"}
    both.telegram.say(voice=told, chat={"id": chat, "type": "private"}, user=person)
    await until(lambda: _texts(both, chat), "a reply")
    return time.monotonic() - began


async def _on_discord(both: Both, person: str, bad: Bad) -> float:
    began = time.monotonic()
    await both.discord.voice(bad.data, author=person, duration_s=bad.duration_s, claimed_bytes=bad.claimed_bytes)
    await until(lambda: any(not text.endswith(" …") for text in both.discord.shown(DM[person])), "a reply")
    return time.monotonic() - began


def _texts(both: Both, chat: int) -> list[str]:
    return [sent.text for sent in both.telegram.sent if sent.chat == chat and sent.text]


async def _spoken() -> bytes:
    speaking = Speaking(BuiltinVoice())
    said = await speaking.speak("Hello, my name is Alice, and I live in a small house.", "en")
    await speaking.close()
    return said.ogg


def _film(ogg: bytes) -> bytes:
    """Ten frames of black in MP4, with this sound (b"": none)."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as film:
        picture = film.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 32
        picture.pix_fmt = "yuv420p"
        sound = film.add_stream("aac", rate=48_000, layout="mono") if ogg else None
        for _ in range(10):
            film.mux(picture.encode(av.VideoFrame(32, 32, "yuv420p")))
        film.mux(picture.encode(None))
        if sound is not None:
            with av.open(io.BytesIO(ogg), "r") as heard:
                for frame in heard.decode(audio=0):
                    frame.pts = None
                    film.mux(sound.encode(frame))
            film.mux(sound.encode(None))
    return out.getvalue()
