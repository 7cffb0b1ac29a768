"""What the ears are given: sentences in voices and conditions, and fifty clips without speech."""

import asyncio
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler

from core.speech.audio import SAMPLE_RATE_HZ, Waveform, decode, encode_ogg_opus
from core.speech.voices.base import Sound
from core.speech.voices.builtin import BuiltinVoice
from core.speech.voices.piper import PiperVoice

FOLDER = Path(__file__).parent
_MARGIN_S = 0.3
_LONGEST_S = 600


def sentences(language: str) -> list[str]:
    return (FOLDER / f"sentences_{language}.txt").read_text("utf-8").splitlines()


def recorded(folder: Path) -> list[tuple[str, Waveform]]:
    """What lies in a folder: each NAME.txt and the sound in NAME.ogg, at 16 kHz."""
    texts = sorted(folder.glob("*.txt"))
    return [
        (text.read_text("utf-8").strip(), decode(text.with_suffix(".ogg").read_bytes(), max_s=_LONGEST_S))
        for text in texts
    ]


class Speaker:
    """One voice: espeak-ng's under a name of TTS_VOICE's, or a Piper voice's folder."""

    def __init__(self, model: str, voice: str, speed: float = 1.0) -> None:
        self._voice = (
            PiperVoice.open(model, voice=voice, speed=speed) if model else BuiltinVoice(voice=voice, speed=speed)
        )

    def say(self, text: str, language: str) -> Waveform:
        """float32[T] at 16 kHz, some silence around."""
        sound: Sound = asyncio.run(self._voice.say([text], language))
        margin = np.zeros(int(_MARGIN_S * SAMPLE_RATE_HZ), np.float32)
        return np.concatenate([margin, at_rate(sound.samples, sound.rate_hz, SAMPLE_RATE_HZ), margin])


def at_rate(waveform: Waveform, from_hz: int, to_hz: int) -> Waveform:
    frame = av.AudioFrame.from_ndarray(waveform[None], format="flt", layout="mono")
    frame.sample_rate = from_hz
    resampler = AudioResampler(format="flt", layout="mono", rate=to_hz)
    pieces = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([piece.to_ndarray()[0] for piece in pieces])


def _noisy(waveform: Waveform, decibels: float) -> Waveform:
    level = np.sqrt(np.mean(waveform[np.abs(waveform) > 0.01] ** 2)) * 10 ** (-decibels / 20)
    noise = pink(len(waveform), np.random.default_rng(len(waveform)))
    return waveform + (level * noise).astype(np.float32)


def _telephone(waveform: Waveform) -> Waveform:
    return at_rate(at_rate(waveform, SAMPLE_RATE_HZ, 8000), 8000, SAMPLE_RATE_HZ)


CONDITIONS: dict[str, Callable[[Waveform], bytes]] = {
    "clean, Opus 32 kbit/s": lambda sound: encode_ogg_opus(sound, SAMPLE_RATE_HZ),
    "Opus 16 kbit/s": lambda sound: opus(sound, 16_000),
    "8 kHz": lambda sound: encode_ogg_opus(_telephone(sound), SAMPLE_RATE_HZ),
    "noise, 20 dB": lambda sound: encode_ogg_opus(_noisy(sound, 20), SAMPLE_RATE_HZ),
    "noise, 10 dB": lambda sound: encode_ogg_opus(_noisy(sound, 10), SAMPLE_RATE_HZ),
    "quiet, -30 dB": lambda sound: wav(sound * np.float32(10**-1.5)),
}


def opus(waveform: Waveform, bits_s: int) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = bits_s
        samples = (np.clip(at_rate(waveform, SAMPLE_RATE_HZ, 48_000), -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def wav(waveform: Waveform) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=SAMPLE_RATE_HZ, layout="mono")
        samples = (np.clip(waveform, -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def pink(count: int, random: np.random.Generator) -> Waveform:
    """Noise of level 1 whose power falls with the frequency."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    spectrum /= np.sqrt(np.maximum(1, np.arange(len(spectrum))))
    noise = np.fft.irfft(spectrum, count)
    return (noise / noise.std()).astype(np.float32)


def _music(time: Waveform, random: np.random.Generator) -> Waveform:
    """Chords that change each half second."""
    sound = np.zeros_like(time)
    for start in np.arange(0, time[-1], 0.5):
        here, root = (time >= start) & (time < start + 0.5), 110 * 2 ** (random.integers(0, 24) / 12)
        for step in (0, 4, 7, 12):
            fading = np.exp(-3 * (time[here] - start))
            sound[here] += 0.1 * fading * np.sin(2 * np.pi * root * 2 ** (step / 12) * time[here])
    return sound


def _breath(time: Waveform, random: np.random.Generator) -> Waveform:
    swell = np.clip(np.sin(2 * np.pi * time / random.uniform(1.5, 3)), 0, 1).astype(np.float32) ** 2
    return np.float32(0.1) * swell * pink(len(time), random)


def _clicks(time: Waveform, random: np.random.Generator) -> Waveform:
    sound = np.zeros_like(time)
    for at in random.integers(0, len(time) - 80, 12):
        sound[at : at + 80] += random.uniform(0.1, 0.9) * np.exp(-np.arange(80) / 15) * random.choice([-1, 1])
    return sound


def _hum(time: Waveform, random: np.random.Generator) -> Waveform:
    low = random.choice([50, 60])
    return sum((0.1 / number * np.sin(2 * np.pi * low * number * time) for number in (1, 2, 3, 5)), np.zeros_like(time))


def without_speech() -> Iterator[tuple[str, bytes]]:
    """Ten kinds, five clips of 1 to 12 s each."""
    kinds: dict[str, Callable[[Waveform, np.random.Generator], Waveform]] = {
        "silence": lambda time, _: np.zeros_like(time),
        "a quiet room": lambda time, random: 0.001 * pink(len(time), random),
        "hiss": lambda time, random: 0.02 * random.standard_normal(len(time)),
        "loud hiss": lambda time, random: 0.2 * random.standard_normal(len(time)),
        "rumble": lambda time, random: 0.1 * pink(len(time), random),
        "hum": _hum,
        "music": _music,
        "clicks": _clicks,
        "breath": _breath,
        "a tone": lambda time, random: 0.3 * np.sin(2 * np.pi * random.uniform(200, 2000) * time),
    }
    for kind, make in kinds.items():
        for number, seconds in enumerate((1, 2, 4, 7, 12)):
            time = np.arange(seconds * SAMPLE_RATE_HZ, dtype=np.float32) / np.float32(SAMPLE_RATE_HZ)
            made = make(time, np.random.default_rng([number, len(kind)]))
            yield kind, encode_ogg_opus(made.astype(np.float32), SAMPLE_RATE_HZ)
