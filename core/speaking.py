"""A voice: text in, an OGG/Opus voice note out. espeak-ng, in a thread of its own; called by the engine."""

import asyncio
import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import emoji
import numpy as np

from core import audio
from core.errors import UserError
from core.espeak import Espeak, Samples
from core.message import VoiceNote

_VOICES = {"en": "gmw/en-US+f2", "zh": "cmn+f2"}
"""By language; any other is asked of espeak-ng under its own name."""
MAX_SPEECH_S = 60
"""The text beside a note has the rest."""
_MAX_CHARS = 900
"""About a minute in English; other scripts say more with fewer, so the minute is measured too."""
_WORDS_PER_MINUTE = 165
_PAUSE_S = 0.35
"""Between sentences; espeak-ng ends a text without one."""

_CODE_BLOCK = re.compile(r"(```|~~~).*?(\1|\Z)", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(r"<?https?://(?:www\.)?([^/\s>]+)[^\s>]*>?")
_TABLE_RULE = re.compile(r"^[\s|:-]*-{3,}[\s|:-]*$", re.MULTILINE)
_LINE_MARK = re.compile(r"^\s*(?:#{1,6}|[-*+>](?:\s+\[[ xX]\])?|\d+[.)])\s+", re.MULTILINE)
_STYLE = re.compile(r"\*\*+|__+|~~|`+|\|+|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")
_LINE_END = re.compile(r"(?<=[\w)\"'])[^\S\n]*\n\s*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*")


class Speaking:
    """The built-in voice. The synthesizer is started by the first note and keeps its thread."""

    def __init__(self) -> None:
        self._espeak: Espeak | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="speaking")

    async def speak(self, text: str, language: str) -> VoiceNote:
        """The text as one would read it aloud: whole sentences, at most `MAX_SPEECH_S`.

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
        samples, rate_hz = _said(self._espeak, aloud, _voice(self._espeak, language)), self._espeak.rate_hz
        if not len(samples):
            raise UserError("nothing_to_say")
        ogg, picture = audio.encode_ogg_opus(samples, rate_hz), audio.loudness(samples, rate_hz)
        return VoiceNote(ogg, round(len(samples) / rate_hz, 3), picture)


def _voice(espeak: Espeak, language: str) -> str:
    base = language.split("-")[0].lower()
    voice = _VOICES.get(base, base)
    return voice if voice and espeak.has(voice) else _VOICES["en"]


def _said(espeak: Espeak, text: str, voice: str) -> Samples:
    """Sentence after sentence until the next would pass the limit; a first one that passes it alone is cut."""
    room = MAX_SPEECH_S * espeak.rate_hz
    pause = np.zeros(int(_PAUSE_S * espeak.rate_hz), np.int16)
    pieces: list[Samples] = []
    for sentence in filter(None, _SENTENCE_END.split(text)):
        piece = espeak.say(sentence, voice, words_per_minute=_WORDS_PER_MINUTE)
        if pieces:
            piece = np.concatenate([pause, piece])
            if len(piece) > room:
                break
        pieces.append(piece[:room])
        room -= len(pieces[-1])
    return np.concatenate(pieces)


def spoken(text: str) -> str:
    """What a person would read aloud of a Markdown text: no marks, code, addresses or emoji; whole sentences."""
    text = _ADDRESS.sub(r"\1", _LINK.sub(r"\1", _CODE_BLOCK.sub(" ", text)))
    text = emoji.replace_emoji(_STYLE.sub("", _LINE_MARK.sub("", _TABLE_RULE.sub("", text))), " ")
    # espeak-ng ends at a NUL and takes commands after a ctrl-A; half a surrogate pair has no UTF-8.
    text = "".join(" " if unicodedata.category(char) in ("Cc", "Cs") and char != "\n" else char for char in text)
    text = re.sub(r"\s+", " ", _LINE_END.sub(". ", text.strip())).strip()
    if len(text) > _MAX_CHARS:
        cut = text[:_MAX_CHARS]
        ends = [match.start() for match in _SENTENCE_END.finditer(cut) if match.start()]
        text = cut[: ends[-1]] if ends else cut.rsplit(" ", 1)[0]
    return text if any(char.isalnum() for char in text) else ""
