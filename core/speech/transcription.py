"""Ears: a voice note in any container, its words out. faster-whisper, in threads of its own.

Called by the engine. Decoding the audio and running the model both end inside such a thread: faster-whisper returns a
lazy generator, and whoever loops over it on the event loop stops everything else.
"""

import asyncio
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import PermanentError, SettingError, UserError
from core.speech import audio, languages, loops
from core.speech.audio import Waveform
from core.speech.hearing import MAX_AUDIO_S, Segment, Transcript, before, confidence_of, sure_from

WEIGHTS = "model.bin"
"""What every faster-whisper model's folder holds."""
SHIPPED = Path(__file__).parents[1] / "shipped" / "speech" / "weights"
SHIPPED_NAME = "parley-ears"
_AT_ONCE = 2
"""Notes that are heard side by side, so that a short one does not wait behind ten minutes. All share one model."""
_MOST_THREADS = 4
"""Of one note: CTranslate2 gains little beyond (its own default)."""
_LONG_S, _BATCH = 60, 8
"""On a GPU a longer note is cut at pauses and its pieces are heard in a batch, which faster-whisper measured as three
times as fast. On two cores a batch took as long as one by one, or longer (226 s of speech, Whisper tiny's shape).
"""
_BITS = {"int8": 8, "16": 16}
"""What CTranslate2's names for them say: int8, int8_float16, int8_float32, int16, float16, bfloat16, float32."""
_NOT_TAUGHT_TO_TRANSLATE = ("turbo", "distil")
"""In the names of models that were trained on transcripts alone (their cards on the hub say so)."""
_TEMPERATURES = (0.0, 0.4)
"""One more try for what came out as a loop, with one sample. faster-whisper's five tries with five samples each took
17.8 s for a note of 3 s.
"""
_MOST_TOKENS, _TOKENS_BEFORE, _TOKENS_PER_S = 224, 30, 15
"""Of a window. Nobody says more words than that, and a decoder that runs in a circle stops there."""
_WINDOW_S = 30
"""What Whisper hears at once. A shorter note needs no time marks."""
_SURE_SMALL = 0.87
"""As `hearing` has it for others. The ears that ship had 58 of 59 sentences that they heard rightly above it, and 9 of
70 everyday ones, all misheard.
"""
_WHISPER_TOKENS = 51_864
"""Of the smallest original Whisper. A model with fewer knows single sentences, and neither timestamps nor noises."""


@dataclass(frozen=True, slots=True)
class _Asked:
    language: str
    likely: Sequence[str]
    names: Sequence[str]
    in_english: bool


class WhisperHearing:
    """One loaded Whisper and the threads that it runs in.

    faster-whisper may be called from several threads as long as no call sets `chunk_length`, which changes the feature
    extractor that all share.
    """

    def __init__(self, model: Any, name: str, weight_bytes: int, allowed: Sequence[str] = ()) -> None:
        self.name = name
        self.weight_bytes = weight_bytes
        self._model = model
        self._allowed = allowed
        self._small = model.hf_tokenizer.get_vocab_size() < _WHISPER_TOKENS
        self.batches: bool = model.model.device == "cuda"
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hearing")

    @classmethod
    def open(cls, model: str | None, *, allowed: Sequence[str] = ()) -> "WhisperHearing":
        """Load a faster-whisper model's folder, or with None the one that ships; blocks.

        `allowed` are the languages that voice notes may be in, () for all that the model knows. SettingError names
        ASR_MODEL and what is wrong with it.
        """
        from core.speech.whisper import Whisper  # loads CTranslate2 and onnxruntime: a second

        folder = SHIPPED if model is None else Path(model).expanduser()
        missing = [name for name in (WEIGHTS, "config.json", "tokenizer.json") if not (folder / name).is_file()]
        if missing:
            raise SettingError("ASR_MODEL", repr(model or str(folder)), f"a folder with {', '.join(missing)}")
        try:
            loaded = Whisper(
                str(folder),
                compute_type=_compute_type(),
                cpu_threads=min(_MOST_THREADS, len(os.sched_getaffinity(0))),
                num_workers=_AT_ONCE,
            )
            return cls(loaded, model or SHIPPED_NAME, (folder / WEIGHTS).stat().st_size, allowed)
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise SettingError("ASR_MODEL", repr(model or str(folder)), f"a faster-whisper model ({reason})") from error

    @property
    def bits(self) -> int:
        """Of a weight, as it is computed with."""
        return next((bits for kind, bits in _BITS.items() if kind in self._model.model.compute_type), 32)

    @property
    def translates(self) -> bool:
        """Whether it can write down in English what is said in another language."""
        taught = not any(name in self.name.lower() for name in _NOT_TAUGHT_TO_TRANSLATE)
        return taught and not self._small and bool(self._model.model.is_multilingual)

    async def transcribe(
        self,
        data: bytes,
        *,
        language: str | None = None,
        likely: Sequence[str] = (),
        names: Sequence[str] = (),
        in_english: bool = False,
    ) -> Transcript:
        """As `Hearing.transcribe`; names are told to a model that can read, and `in_english` is Whisper's own task
        (Radford et al. 2022, section 2.3).
        """
        chat = (language, *likely) if language else likely
        asked = _Asked(languages.base(language or ""), chat, names, in_english)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transcribe, data, asked)

    async def close(self) -> None:
        """Let the threads end; what they are doing is finished first."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _transcribe(self, data: bytes, asked: _Asked) -> Transcript:
        waveform = audio.levelled(decoded := audio.decode(data, max_s=MAX_AUDIO_S))
        segments: list[Segment] = []
        found, share = "", 0.0
        try:
            for piece in self._pieces(waveform):
                found, share = self._language(piece, asked)
                segments += map(_segment, self._listen(piece, self._options(piece, found, asked)))
        except RuntimeError as error:
            raise PermanentError(f"the speech model failed: {error}") from error
        finally:
            self._model.forget()
        heard = " ".join(filter(None, (segment.text.strip() for segment in segments)))
        if not heard:
            raise UserError("audio_silent")
        text = loops.shortened(heard)
        confidence = confidence_of(segments) if text == heard else 0.0
        doubtful = confidence < self._sure(segments)
        if doubtful and self._small and asked.likely and languages.base(asked.likely[0]) != "en":
            raise UserError("audio_only_english")
        found = "en" if asked.in_english else found
        length_s = len(decoded) / audio.SAMPLE_RATE_HZ
        return Transcript(text, found, length_s, confidence, share, doubtful, tuple(segments))

    def _sure(self, segments: Sequence[Segment]) -> float:
        return _SURE_SMALL if self._small else sure_from(segments)

    def _language(self, speech: Waveform, asked: _Asked) -> tuple[str, float]:
        """What it is in, and how sure that is."""
        if asked.language in self._model.supported_languages:
            return asked.language, 1.0
        return languages.likeliest(self._model.language_shares(speech), asked.likely, self._allowed)

    def _listen(self, speech: Waveform, options: dict[str, Any]) -> Iterable[Any]:
        if self._small or not self.batches or len(speech) <= _LONG_S * audio.SAMPLE_RATE_HZ:
            return self._model.transcribe(speech, **options)[0]
        from faster_whisper import BatchedInferencePipeline  # heavy, as above

        batched = BatchedInferencePipeline(self._model)
        return batched.transcribe(speech, batch_size=_BATCH, vad_filter=True, **options)[0]

    def _pieces(self, waveform: Waveform) -> list[Waveform]:
        """What is heard at once: all speech, or sentence by sentence by a model that learnt single sentences."""
        from faster_whisper.vad import VadOptions, get_speech_timestamps  # heavy, as above

        # Measured: 80 of 80 single sentences stay whole, 39 of 40 notes of three come apart rightly (at 200 ms: 29).
        options = VadOptions(min_silence_duration_ms=140, speech_pad_ms=200) if self._small else VadOptions()
        spans = get_speech_timestamps(waveform, options)
        pieces = [waveform[span["start"] : span["end"]] for span in spans]
        return pieces if self._small or not pieces else [np.concatenate(pieces)]

    def _options(self, speech: Waveform, language: str, asked: _Asked) -> dict[str, Any]:
        seconds = len(speech) / audio.SAMPLE_RATE_HZ
        options: dict[str, Any] = {"language": language, "condition_on_previous_text": False, "beam_size": 1}
        if self._small:
            plain = {"without_timestamps": True, "suppress_tokens": [], "temperature": 0.0}
            return {**options, **plain, "no_speech_threshold": None, "compression_ratio_threshold": None}
        return {
            **options,
            "task": "translate" if asked.in_english else "transcribe",
            "without_timestamps": seconds < _WINDOW_S,
            "temperature": _TEMPERATURES,
            "best_of": 1,
            "max_new_tokens": min(_MOST_TOKENS, _TOKENS_BEFORE + int(_TOKENS_PER_S * seconds)),
            # As the text before each window, which an initial prompt is before the first alone.
            "hotwords": None if asked.in_english else before(language, asked.likely, asked.names),
        }


def _segment(found: Any) -> Segment:
    return Segment(found.text, found.start, found.end, len(found.tokens), found.avg_logprob, found.compression_ratio)


def _compute_type() -> str:
    """int8 without a GPU: 0.7 of float32's time, half its memory, and the same words."""
    from ctranslate2 import get_cuda_device_count  # heavy, as above

    return "default" if get_cuda_device_count() else "int8"
