"""The built-in voice: espeak-ng, which speaks more than 100 languages offline, in a thread of its own."""

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from core.errors import SettingError
from core.speech.languages import base
from core.speech.voices.base import Sound, one_by_one
from core.speech.voices.espeak import Espeak

_VOICES = {"en": "gmw/en-US", "zh": "cmn"}
"""By language; any other is asked of espeak-ng under its own name."""
_VARIANT = "f2"
"""Of these two. The built-in ears know the English one best."""
_LANGUAGES = {"cmn": "zh", "yue": "zh"}
"""Where espeak-ng calls a language by another name."""
_WORDS_PER_MINUTE = 165
_SOME_VARIANTS = ("f2", "f4", "m1", "m3", "Annie", "Andy", "whisper")
_STOPS = re.compile(r"([,.?!;:]+(?=\s|$)|[，。？！；：、]+)")
_WESTERN = str.maketrans("，。？！；：、", ",.?!;:,")
_Made = TypeVar("_Made")


class BuiltinVoice:
    """One espeak-ng and the thread that it runs in.

    `voice` is a variant for all languages ("m3"), or a voice for texts in its language ("en-us", "de+f4");
    SettingError names TTS_VOICE when espeak-ng knows neither. `speed` is 1 for 165 words a minute.
    """

    name = "espeak-ng"

    def __init__(self, *, voice: str = "", speed: float = 1.0) -> None:
        self._espeak = Espeak()
        self._words_per_minute = round(_WORDS_PER_MINUTE * speed)
        self._chosen, self._variant = _chosen(self._espeak, voice)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voice")

    async def say(self, sentences: Sequence[str], language: str) -> Sound:
        """The sentences in the language's own voice, in English where there is none."""
        return await self._run(lambda: self._say(sentences, language))

    async def phonemes(self, sentences: Sequence[str], voice: str) -> list[str]:
        """Each sentence in the International Phonetic Alphabet, its stops kept; `voice` as espeak-ng calls it."""
        return await self._run(lambda: [self._phonemes(sentence, voice) for sentence in sentences])

    async def close(self) -> None:
        """Let the thread end; what it is doing is finished first."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], _Made]) -> _Made:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _say(self, sentences: Sequence[str], language: str) -> Sound:
        espeak, voice = self._espeak, self._voice(language)
        said = (espeak.say(sentence, voice, words_per_minute=self._words_per_minute) for sentence in sentences)
        return one_by_one((samples.astype(np.float32) / np.float32(32768) for samples in said), espeak.rate_hz)

    def _phonemes(self, sentence: str, voice: str) -> str:
        # espeak-ng drops the stops, and a voice that learnt them pauses there and asks.
        parts = _STOPS.split(sentence)
        told = [
            part[0].translate(_WESTERN) if place % 2 else self._espeak.phonemes(part, voice)
            for place, part in enumerate(parts)
            if part.strip()
        ]
        return re.sub(r" +([,.?!;:])", r"\1", " ".join(told)).strip()

    def _voice(self, language: str) -> str:
        asked = base(language)
        if asked in self._chosen:
            return self._chosen[asked]
        voice = _VOICES.get(asked, asked)
        if not voice or not self._espeak.has(voice):
            return self._voice("en")
        variant = self._variant or (_VARIANT if asked in _VOICES else "")
        return f"{voice}+{variant}" if variant else voice


def _chosen(espeak: Espeak, voice: str) -> tuple[dict[str, str], str]:
    """The voice of a language, or the variant of all voices."""
    name, _, variant = voice.partition("+")
    variants = espeak.variants()
    if not voice or voice in variants:
        return {}, voice
    if name in variants or (variant and variant not in variants) or not (name and espeak.has(name)):
        some = ", ".join(_SOME_VARIANTS)
        wants = f"a voice of espeak-ng, such as en-us, de or cmn, or one of its variants: {some}, …"
        raise SettingError("TTS_VOICE", repr(voice), wants)
    language = base(name.rsplit("/", 1)[-1])
    return {_LANGUAGES.get(language, language): voice}, ""
