"""faster-whisper's model as Parley runs it: a short clip costs what it lasts, and is encoded once.

Whisper computes a window of 30 s whatever a clip lasts. Whisper base heard 24 sentences of 1 to 4 s no worse with 10 s
(3 voices, 17 to 23 % of the words wrong against 23 to 26 %), in 0.43 instead of 1.9 CPU seconds; 7 s lost words.
"""

import threading
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from numpy.typing import NDArray

from core.speech.audio import Waveform

_WINDOW_FRAMES = 3000
"""30 s, in frames of 10 ms."""
_LEAST_FRAMES = 1000
_SILENCE_FRAMES = 100
"""After the last sound, so that the model hears the end."""

Features = NDArray[np.float32]


class Whisper(WhisperModel):
    """Used by several threads at once, as faster-whisper may be; each remembers the last clip that it encoded."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._last = threading.local()

    def encode(self, features: Features) -> Any:
        """float32[80, 3000] (or a batch of them) -> CTranslate2's array [1, frames / 2, width]."""
        if features.ndim != 2:
            return super().encode(features)
        known: Features | None = getattr(self._last, "features", None)
        if known is None or not np.array_equal(known, features):
            self._last.features, self._last.encoded = features, super().encode(_without_padding(features))
        return self._last.encoded

    def forget(self) -> None:
        """Give back what this thread encoded last."""
        self._last = threading.local()

    def language_shares(self, speech: Waveform) -> dict[str, float]:
        """How likely each language is in the first 30 s; English alone for a model that knows no other."""
        if not self.model.is_multilingual:
            return {"en": 1.0}
        # As transcribe() cuts them, so that it finds this clip encoded.
        features = pad_or_trim(self.feature_extractor(speech)[:, :-1])
        return {token[2:-2]: share for token, share in self.model.detect_language(self.encode(features))[0]}


def _without_padding(features: Features) -> Features:
    used = np.flatnonzero(features.any(axis=0))
    frames = int(used[-1]) + 1 + _SILENCE_FRAMES if len(used) else 0
    return features[:, : min(_WINDOW_FRAMES, max(_LEAST_FRAMES, frames))]
