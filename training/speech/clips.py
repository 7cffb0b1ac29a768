"""Training clips: a sentence, a voice of espeak-ng, the wear of a voice note, and Whisper's features of it.

Features are faster-whisper's own, of the clip alone, so that training sees exactly what decoding will.
"""

import contextlib
import os
import random as randomness
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from av import AudioFrame
from av.audio.resampler import AudioResampler
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from core.speech import audio
from core.speech.audio import SAMPLE_RATE_HZ, Waveform
from core.speech.voices.espeak import Espeak
from training.speech import sentences

ACCENTS = ("gmw/en", "gmw/en-US", "gmw/en-US", "gmw/en-GB-x-rp", "gmw/en-GB-scotland", "gmw/en-029")
VARIANTS = tuple(
    f"+{name}" if name else ""
    for name in (
        "|m1|m2|m3|m4|m5|m6|m8|f1|f2|f3|f5|steph|Andy|Mario|Alex|Alicia|Andrea|Denis|Gene|Hugo|Jacky|Marco|Michael|Mike|Reed"
        "|antonio|aunty|belinda|benjamin|boris|caleb|david|ed|edward|ian|max|michel|pablo|paul|pedro|rob|robert|travis|victor"
    ).split("|")
)
UNSEEN_VARIANTS = ("+m7", "+f4", "+Annie", "+Lee", "+adam", "+john", "+linda")
_SHARD = 500


@dataclass(frozen=True, slots=True)
class Clip:
    """What was said and its log-mel features, float16[80, frames]."""

    text: str
    features: NDArray[np.float16]


class Studio:
    """One espeak-ng, one process."""

    def __init__(self) -> None:
        self._voice = Espeak()
        self._features = FeatureExtractor()

    def record(self, text: str, variants: tuple[str, ...], random: randomness.Random) -> Waveform:
        """float32[T] at 16 kHz: one speaker, with their own speed, pitch and loudness, some silence around."""
        samples = self._voice.say(
            text,
            random.choice(ACCENTS) + random.choice(variants),
            words_per_minute=random.randint(130, 195),
            pitch=random.randint(30, 70),
            pitch_range=random.randint(30, 70),
        )
        waveform = _resampled(samples.astype(np.float32) / np.float32(32768), self._voice.rate_hz)
        edges = [np.zeros(int(random.uniform(0, 0.3) * SAMPLE_RATE_HZ), np.float32) for _ in range(2)]
        return np.concatenate([edges[0], waveform * random.uniform(0.3, 1.0), edges[1]])

    def worn(self, waveform: Waveform, random: randomness.Random) -> Waveform:
        """With a room's noise most times, and through an OGG/Opus voice note every third time."""
        if random.random() < 0.6:
            waveform = noisy(waveform, random)
        if random.random() < 0.35:
            waveform = through_opus(waveform)
        return waveform

    def features(self, waveform: Waveform) -> NDArray[np.float16]:
        """Log-mel, float16[80, frames]."""
        return self._features(waveform).astype(np.float16)

    def clip(self, random: randomness.Random) -> Clip:
        """One training clip."""
        text = sentences.sentence(random)
        waveform = self.worn(self.record(text, VARIANTS, random), random)
        return Clip(text, self.features(waveform))


def noisy(waveform: Waveform, random: randomness.Random) -> Waveform:
    """With hiss, from hardly to be heard to a bad microphone's."""
    noise = np.random.default_rng(random.getrandbits(32)).standard_normal(len(waveform))
    return waveform + (10 ** random.uniform(-3.5, -1.8) * noise).astype(np.float32)


def through_opus(waveform: Waveform) -> Waveform:
    """What the other side hears of a voice note."""
    return audio.decode(audio.encode_ogg_opus(waveform, SAMPLE_RATE_HZ), max_s=60)


def _resampled(waveform: Waveform, rate_hz: int) -> Waveform:
    frame = AudioFrame.from_ndarray(waveform[None], format="flt", layout="mono")
    frame.sample_rate = rate_hz
    resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    pieces = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([piece.to_ndarray()[0] for piece in pieces])


def _shard(seed: int, file: Path) -> Path:
    studio, random = Studio(), randomness.Random(seed)
    clips = [studio.clip(random) for _ in range(_SHARD)]
    ends = np.cumsum([clip.features.shape[1] for clip in clips])
    partial = file.with_suffix(".partial.npz")
    texts = np.array([clip.text for clip in clips])
    np.savez(partial, texts=texts, ends=ends, features=np.concatenate([clip.features for clip in clips], axis=1))
    partial.rename(file)
    return file


def load(file: Path) -> list[Clip]:
    """The clips of one file."""
    kept = np.load(file)
    pieces = np.split(kept["features"], kept["ends"][:-1], axis=1)
    return [Clip(str(text), piece) for text, piece in zip(kept["texts"], pieces, strict=True)]


@contextlib.contextmanager
def making(count: int, folder: Path, processes: int) -> Generator[Callable[[], list[Clip]]]:
    """Make `count` clips in the background, kept in `folder` for the next training.

    The value is called for the clips that have become ready since the last call; the first call waits for some.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # One thread a process: numpy's small transforms are nine times slower when they share threads. Spawned, so that
    # numpy is loaded anew under this setting.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    files = [folder / f"{number:04d}.npz" for number in range(-(-count // _SHARD))]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(_shard, seed, file) for seed, file in enumerate(files) if not file.exists()}
        ready = [file for file in files if file.exists()]

        def fresh() -> list[Clip]:
            nonlocal waiting, ready
            first = not ready and len(waiting) == len(files)
            done, waiting = wait(waiting, timeout=None if first else 0, return_when=FIRST_COMPLETED)
            taken, ready = [*ready, *(future.result() for future in done)], []
            return [clip for file in taken for clip in load(file)]

        try:
            yield fresh
        finally:
            pool.shutdown(cancel_futures=True)
