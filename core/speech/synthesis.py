"""Text in, an OGG/Opus voice note out. Called by the engine.

`core.speech.script` decides what is said, one of `core.speech.voices` says it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from core.errors import PermanentError, UserError
from core.speech import audio, script
from core.speech.voices.base import Sound, Voice
from core.values.attachments import VoiceNote

_Made = TypeVar("_Made")


class Speaking:
    """One voice, and the thread that reads texts for it and encodes what it said."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="speaking")

    @property
    def name(self) -> str:
        """The voice's."""
        return self._voice.name

    async def speak(self, text: str, language: str) -> VoiceNote:
        """The text as one would read it aloud: whole sentences, about a minute at most.

        UserError nothing_to_say when nothing in it can be spoken; RetryableError or PermanentError when the voice does
        not work.
        """
        sentences = await self._run(lambda: script.sentences(text, language))
        if not sentences:
            raise UserError("nothing_to_say")
        sound = await self._voice.say(sentences, language)
        return await self._run(lambda: _note(sound))

    async def close(self) -> None:
        """Let voice and thread end; what they are doing is finished first."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        await self._voice.close()

    async def _run(self, work: Callable[[], _Made]) -> _Made:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _note(sound: Sound) -> VoiceNote:
    samples, rate_hz = sound.samples, sound.rate_hz
    if not np.isfinite(samples).all() or not samples.any():
        raise PermanentError("the voice made no sound")
    ogg, picture = audio.encode_ogg_opus(samples, rate_hz), audio.loudness(samples, rate_hz)
    return VoiceNote(ogg, round(len(samples) / rate_hz, 3), picture)
