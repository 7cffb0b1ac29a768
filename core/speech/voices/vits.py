"""A VITS voice of the hub or a folder (TTS_MODEL), such as facebook/mms-tts-deu; one language each."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from unicode_rbnf import RbnfEngine

from core.errors import PermanentError, SettingError
from core.speech.audio import Waveform
from core.speech.voices.base import Sound, one_by_one
from core.telemetry import log

_LOG = log("voices")
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_MOST_DIGITS = 15


class VitsVoice:
    """One loaded model and the thread that it runs in. `model` and `tokenizer` are transformers' own objects."""

    def __init__(self, name: str, model: Any, tokenizer: Any, speaker: int = 0) -> None:
        self.name = name
        self._model = model
        self._tokenizer = tokenizer
        self._speaker = speaker
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voice")

    @classmethod
    def open(cls, model: str, *, voice: str = "", speed: float = 1.0) -> "VitsVoice":
        """Load a folder or hub id; blocks. SettingError names TTS_MODEL or TTS_VOICE and what is wrong with it.

        `voice` is the number of a speaker, `speed` 1 for the model's own. What the hub cache holds is used as it is,
        without the network; otherwise it is downloaded.
        """
        opened = cls._open(model)
        opened._speaker = _speaker(opened._model.config.num_speakers, voice)
        opened._model.speaking_rate *= speed
        return opened

    @classmethod
    def _open(cls, model: str) -> "VitsVoice":
        folder = Path(model).expanduser()
        if folder.is_dir():
            return _load(str(folder), model, local_only=True)
        if folder.is_absolute() or model.startswith((".", "~")):
            raise _refused(model, "a folder that exists, or a VITS voice of the hub")
        try:
            return _load(model, model, local_only=True)
        except OSError:
            _LOG.info("%s is not in the cache, so it is downloaded", model)
        try:
            return _load(model, model, local_only=False)
        except OSError as error:
            raise _refused(model, f"a voice that can be downloaded ({_first_line(error)})") from error

    async def say(self, sentences: Sequence[str], language: str) -> Sound:
        """The sentences, numbers in words; PermanentError when they are written in letters that it never learnt."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._say, sentences, language)

    async def close(self) -> None:
        """Let the thread end; what it is doing is finished first."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _say(self, sentences: Sequence[str], language: str) -> Sound:
        try:
            return one_by_one(self._pieces(sentences, language), int(self._model.config.sampling_rate))
        except (RuntimeError, ValueError, LookupError, TypeError) as error:
            raise PermanentError(f"the voice {self.name} failed: {_first_line(error)}") from error

    def _pieces(self, sentences: Sequence[str], language: str) -> Iterator[Waveform]:
        import torch  # heavy

        for sentence in sentences:
            text = _in_words(sentence, language)
            ids = self._tokenizer(text, return_tensors="pt")["input_ids"]  # (1, 2 * letters + 1)
            letters = sum(char.isalnum() for char in text)
            if ids.shape[1] < letters:
                raise PermanentError(f"the voice {self.name} does not know the letters of a text in {language}")
            if letters:
                speaker = {"speaker_id": self._speaker} if self._model.config.num_speakers > 1 else {}
                with torch.inference_mode():
                    waveform = self._model(input_ids=ids.to(self._model.device), **speaker).waveform  # (1, T)
                yield waveform[0].float().cpu().numpy()


def _load(source: str, name: str, *, local_only: bool) -> VitsVoice:
    """Reads weights and tokenizer; OSError when a hub id is not there."""
    import torch  # heavy, as is transformers
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoTokenizer, VitsModel
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # of reading weights, which takes a moment; the hub's bar of a download stays
    try:
        config: Any = AutoConfig.from_pretrained(source, local_files_only=local_only)
        if config.model_type != "vits":
            raise _refused(name, f"a VITS voice, and this is a {config.model_type}")
        tokenizer: Any = AutoTokenizer.from_pretrained(source, local_files_only=local_only)
        tokenizer("hello")  # some need packages that turn text into sounds first, and say so only here
        model: Any = VitsModel.from_pretrained(source, local_files_only=local_only, dtype=torch.float32)
    except ImportError as error:
        raise _refused(name, f"a voice that reads plain letters ({_first_line(error)})") from error
    except (ValueError, KeyError, RuntimeError, TypeError, SafetensorError) as error:
        raise _refused(name, f"a VITS voice ({_first_line(error)})") from error
    except OSError as error:
        if Path(source).is_dir():
            raise _refused(name, f"a whole VITS voice ({_first_line(error)})") from error
        raise
    model.eval()
    if torch.cuda.is_available():
        model.to("cuda")
    return VitsVoice(name, model, tokenizer)


def _speaker(count: int, voice: str) -> int:
    if not voice:
        return 0
    if count > 1 and voice.isdecimal() and int(voice) < count:
        return int(voice)
    wants = f"a speaker's number from 0 to {count - 1}" if count > 1 else "nothing: this voice has one speaker"
    raise SettingError("TTS_VOICE", repr(voice), wants)


def _refused(model: str, wants: str) -> SettingError:
    return SettingError("TTS_MODEL", repr(model), wants)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _in_words(text: str, language: str) -> str:
    """With numbers written out: voices learnt letters, and few learnt digits."""
    try:
        engine = RbnfEngine.for_language(language.split("-")[0].lower())
    except ValueError:
        return text

    def word(number: re.Match[str]) -> str:
        digits = number[0].replace(",", "")
        return engine.format_number(digits).text if len(digits) <= _MOST_DIGITS else " ".join(number[0])

    return _NUMBER.sub(word, text)
