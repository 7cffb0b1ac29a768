"""espeak-ng through its C interface: text in, samples out. The library and its voices come with `espeakng-loader`.

espeak-ng keeps global state, so that one thread of the process uses it at a time. The built-in voice speaks through it,
other voices take its phonemes, and the training clips of the built-in ears are made with it.
Constants: espeak-ng's speak_lib.h.
"""

import ctypes
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from core.errors import PermanentError

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS
_UTF8 = 1
_IPA = 2  # phonememode: bit 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_ALONE = threading.Lock()

Samples = NDArray[np.int16]


class Espeak:
    """One synthesizer. `rate_hz` is that of the samples it makes."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._chunks: list[Samples] = []
        self.rate_hz = int(
            self._library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
        )
        if self.rate_hz <= 0:
            raise PermanentError("espeak-ng does not start: its voices are missing")
        # Kept as an attribute: ctypes does not, and the library would call freed memory.
        self._callback = _callback_type()(self._collect)

    def has(self, voice: str) -> bool:
        """Whether espeak-ng knows the voice, and makes it the current one if so."""
        return self._library.espeak_SetVoiceByName(voice.encode()) == 0

    def say(
        self, text: str, voice: str, *, words_per_minute: int = 165, pitch: int = 50, pitch_range: int = 50
    ) -> Samples:
        """int16[T] at `rate_hz`, mono. `voice` is a file of espeak-ng's, with a variant: "gmw/en-US+f2".

        Pitch and its range go from 0 to 100. PermanentError for a voice that does not exist.
        """
        with _ALONE:
            self._choose(voice)
            self._library.espeak_SetSynthCallback(self._callback)
            for parameter, value in ((_RATE, words_per_minute), (_PITCH, pitch), (_RANGE, pitch_range)):
                self._library.espeak_SetParameter(parameter, value, 0)
            self._chunks = []
            data = text.encode()
            self._library.espeak_Synth(data, len(data) + 1, 0, 0, 0, _UTF8, None, None)
        return np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.int16)

    def variants(self) -> frozenset[str]:
        """The names of what may stand after a voice and a plus: other speakers of it."""
        return frozenset(file.name for file in (Path(espeakng_loader.get_data_path()) / "voices" / "!v").iterdir())

    def phonemes(self, text: str, voice: str) -> str:
        """The text in the International Phonetic Alphabet, without stops. PermanentError as in `say`."""
        told = self._library.espeak_TextToPhonemes
        told.restype, told.argtypes = ctypes.c_char_p, [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
        rest, clauses = ctypes.c_char_p(text.encode()), list[str]()
        with _ALONE:
            self._choose(voice)
            while rest.value is not None:  # clause by clause; the library moves the pointer on
                clauses.append((told(ctypes.byref(rest), _UTF8, _IPA) or b"").decode())
        return " ".join(filter(None, clauses))

    def _choose(self, voice: str) -> None:
        if not self.has(voice):
            raise PermanentError(f"espeak-ng has no voice {voice}")

    def _collect(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0


def _callback_type() -> Callable[..., Any]:
    return ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
