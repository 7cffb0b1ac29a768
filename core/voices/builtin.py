"""The built-in voice: espeak-ng, which speaks more than 100 languages offline, in a thread of its own."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from core.espeak import Espeak
from core.voices.base import Sound, one_by_one

_VOICES = {"en": "gmw/en-US+f2", "zh": "cmn+f2"}
"""By language; any other is asked of espeak-ng under its own name. The built-in ears know the English one best."""
_WORDS_PER_MINUTE = 165


class BuiltinVoice:
    """One espeak-ng, one process: it keeps global state."""

    name = "espeak-ng"

    def __init__(self) -> None:
        self._espeak = Espeak()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voice")

    async def say(self, sentences: Sequence[str], language: str) -> Sound:
        """The sentences in the language's own voice, in English where there is none."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._say, sentences, language)

    async def close(self) -> None:
        """Let the thread end; what it is doing is finished first."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _say(self, sentences: Sequence[str], language: str) -> Sound:
        espeak, voice = self._espeak, self._voice(language)
        said = (espeak.say(sentence, voice, words_per_minute=_WORDS_PER_MINUTE) for sentence in sentences)
        return one_by_one((samples.astype(np.float32) / np.float32(32768) for samples in said), espeak.rate_hz)

    def _voice(self, language: str) -> str:
        base = language.split("-")[0].lower()
        voice = _VOICES.get(base, base)
        return voice if voice and self._espeak.has(voice) else _VOICES["en"]
