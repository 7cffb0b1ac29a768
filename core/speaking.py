"""A voice: text in, an OGG/Opus voice note out. espeak-ng, in a thread of its own; called by the engine."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor

import emoji

from core import audio
from core.errors import UserError
from core.espeak import Espeak
from core.message import VoiceNote

_VOICES = {"en": "gmw/en-US+f2", "zh": "cmn+f2"}
"""By language; any other is asked of espeak-ng under its own name."""
_MAX_CHARS = 900
"""About a minute of speech; the text beside it has the rest."""
_WORDS_PER_MINUTE = 165

_CODE_BLOCK = re.compile(r"(```|~~~).*?(\1|\Z)", re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(r"https?://(?:www\.)?([^/\s]+)\S*")
_LINE_MARK = re.compile(r"^\s*(?:#{1,6}|[-*+>]|\d+[.)])\s+", re.MULTILINE)
_STYLE = re.compile(r"[*_~`|]+")
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s*")


class Speaking:
    """The built-in voice. The synthesizer is started by the first note and keeps its thread."""

    def __init__(self) -> None:
        self._espeak: Espeak | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="speaking")

    async def speak(self, text: str, language: str) -> VoiceNote:
        """The text as one would read it aloud, at most about a minute of it.

        UserError nothing_to_say when nothing in it can be spoken; PermanentError when the voice does not work.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._speak, text, language)

    def close(self) -> None:
        """Let the thread end; what it is doing is finished first."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _speak(self, text: str, language: str) -> VoiceNote:
        aloud = spoken(text)
        if not aloud:
            raise UserError("nothing_to_say")
        self._espeak = self._espeak or Espeak()
        base = language.split("-")[0].lower()
        voice = _VOICES.get(base, base)
        if not self._espeak.has(voice):
            voice = _VOICES["en"]
        samples = self._espeak.say(aloud, voice, words_per_minute=_WORDS_PER_MINUTE)
        if not len(samples):
            raise UserError("nothing_to_say")
        rate_hz = self._espeak.rate_hz
        ogg, picture = audio.encode_ogg_opus(samples, rate_hz), audio.loudness(samples, rate_hz)
        return VoiceNote(ogg, round(len(samples) / rate_hz, 3), picture)


def spoken(text: str) -> str:
    """What a person would read aloud of a Markdown text: no marks, code, addresses or emoji; whole sentences."""
    text = _ADDRESS.sub(r"\1", _LINK.sub(r"\1", _CODE_BLOCK.sub(" ", text)))
    text = emoji.replace_emoji(_STYLE.sub("", _LINE_MARK.sub("", text)), " ")
    text = re.sub(r"\s+", " ", text).strip()
    if len(text) > _MAX_CHARS:
        cut = text[:_MAX_CHARS]
        ends = [match.start() for match in _SENTENCE_END.finditer(cut) if match.start()]
        text = cut[: ends[-1]] if ends else cut.rsplit(" ", 1)[0]
    return text if any(char.isalnum() for char in text) else ""
