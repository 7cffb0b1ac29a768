"""A Piper voice (TTS_MODEL): `*.onnx` and `*.onnx.json`, by onnxruntime, from the phonemes of espeak-ng.

Each voice speaks one language; a text in another one is said by the built-in voice.
How ids are made of phonemes: github.com/rhasspy/piper, src/python_run/piper/voice.py.
"""

import asyncio
import json
import os
import unicodedata
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import PermanentError, SettingError
from core.speech.audio import Waveform
from core.speech.languages import base
from core.speech.voices.base import Sound, one_by_one
from core.speech.voices.builtin import BuiltinVoice

_MOST_THREADS = 2
_PAD, _START, _END = "_", "^", "$"
_SOME = 10
"""How many speakers' names an error lists."""


@dataclass(frozen=True, slots=True)
class _Card:
    """What the JSON beside the weights says: `scales` are noise, length and noise of the lengths."""

    rate_hz: int
    espeak_voice: str
    language: str
    ids: Mapping[str, Sequence[int]]
    scales: tuple[float, float, float]
    speakers: Mapping[str, int]


class PiperVoice:
    """One loaded voice, the thread that it runs in, and the built-in voice for phonemes and other languages."""

    def __init__(self, name: str, session: Any, card: _Card, speaker: int | None, builtin: BuiltinVoice) -> None:
        self.name = name
        self._session = session
        self._card = card
        self._speaker = speaker
        self._builtin = builtin
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voice")

    @classmethod
    def open(cls, model: str, *, voice: str = "", speed: float = 1.0) -> "PiperVoice":
        """Load a folder or an `.onnx` file; blocks. SettingError names TTS_MODEL or TTS_VOICE and what is wrong."""
        import onnxruntime  # heavy

        weights = weights_in(Path(model).expanduser())
        if weights is None:
            raise SettingError("TTS_MODEL", repr(model), "a folder with one .onnx file of Piper's")
        card = _card(weights, model, speed)
        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(_MOST_THREADS, len(os.sched_getaffinity(0)))
        options.inter_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common class of their own
            raise SettingError("TTS_MODEL", repr(model), f"a whole Piper voice ({type(error).__name__})") from error
        return cls(weights.stem, session, card, _speaker(card, voice), BuiltinVoice(speed=speed))

    async def say(self, sentences: Sequence[str], language: str) -> Sound:
        """The sentences; by the built-in voice when they are in a language that this one does not speak."""
        if base(language) != self._card.language:
            return await self._builtin.say(sentences, language)
        phonemes = await self._builtin.phonemes(sentences, self._card.espeak_voice)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._say, phonemes)

    async def close(self) -> None:
        """Let the threads end; what they are doing is finished first."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        await self._builtin.close()

    def _say(self, sentences: Sequence[str]) -> Sound:
        try:
            return one_by_one(map(self._sound, filter(None, sentences)), self._card.rate_hz)
        except (RuntimeError, ValueError) as error:
            raise PermanentError(f"the voice {self.name} failed: {type(error).__name__}") from error

    def _sound(self, phonemes: str) -> Waveform:
        ids = _ids(phonemes, self._card.ids)
        given = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array(self._card.scales, np.float32),
        }
        if self._speaker is not None:
            given["sid"] = np.array([self._speaker], np.int64)
        made: Any = self._session.run(None, given)[0]
        return np.asarray(made, np.float32).reshape(-1)


def weights_in(path: Path) -> Path | None:
    """The weights of a Piper voice's folder or file; None when it is no such voice."""
    found = [path] if path.suffix == ".onnx" else sorted(path.glob("*.onnx"))
    return found[0] if len(found) == 1 and Path(f"{found[0]}.json").is_file() and found[0].is_file() else None


def _ids(phonemes: str, known: Mapping[str, Sequence[int]]) -> list[int]:
    """Each phoneme and a pad after it; signs that the voice never learnt are left out, as Piper does."""
    ids = [*known[_START], *known[_PAD]]
    for sign in unicodedata.normalize("NFD", phonemes):
        if sign in known:
            ids += [*known[sign], *known[_PAD]]
    return [*ids, *known[_END]]


def _card(weights: Path, model: str, speed: float) -> _Card:
    try:
        told = json.loads(Path(f"{weights}.json").read_text("utf-8"))
        inference = told.get("inference", {})
        voice = str(told["espeak"]["voice"])
        card = _Card(
            int(told["audio"]["sample_rate"]),
            voice,
            base(told.get("language", {}).get("code", voice)),
            {str(sign): [int(number) for number in ids] for sign, ids in told["phoneme_id_map"].items()},
            (
                float(inference.get("noise_scale", 0.667)),
                float(inference.get("length_scale", 1.0)) / speed,
                float(inference.get("noise_w", 0.8)),
            ),
            told.get("speaker_id_map", {}) if told.get("num_speakers", 1) > 1 else {},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingError("TTS_MODEL", repr(model), f"a Piper voice ({weights.name}.json is not whole)") from error
    if told.get("phoneme_type", "espeak") != "espeak" or not {_PAD, _START, _END} <= card.ids.keys():
        raise SettingError("TTS_MODEL", repr(model), "a Piper voice that is made of espeak-ng's phonemes")
    return card


def _speaker(card: _Card, voice: str) -> int | None:
    if not card.speakers:
        if voice:
            raise SettingError("TTS_VOICE", repr(voice), "nothing: this voice has one speaker")
        return None
    if voice and voice not in card.speakers:
        some = ", ".join(list(card.speakers)[:_SOME])
        raise SettingError(
            "TTS_VOICE", repr(voice), f"one of the voice's {len(card.speakers)} speakers, such as {some}"
        )
    return card.speakers[voice] if voice else 0
