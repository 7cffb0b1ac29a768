"""Ears: a voice note in any container, its words out. faster-whisper, in a thread of its own.

Called by the engine. Decoding the audio and running the model both end inside that thread: faster-whisper returns a
lazy generator, and whoever loops over it on the event loop stops everything else.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import audio
from core.errors import PermanentError, SettingError, UserError
from core.telemetry import log

_LOG = log("hearing")
MAX_AUDIO_S = 600
SHIPPED = Path(__file__).parent / "shipped" / "speech" / "weights"
SHIPPED_NAME = "parley-ears"
_WHISPER_TOKENS = 51_864
"""Of the smallest original Whisper. A model with fewer knows no timestamps and none of Whisper's list of noises."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said, its language (BCP 47 without region) and the sound's length in seconds."""

    text: str
    language: str
    duration_s: float


class Hearing:
    """One loaded Whisper and the thread that it runs in."""

    def __init__(self, model: Any, name: str) -> None:
        self.name = name
        self._model = model
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hearing")

    @classmethod
    def open(cls, model: str | None, *, download_dir: Path) -> "Hearing":
        """Load a model: a size ("small"), a hub id, a folder, or None for the one that ships. Blocks.

        One that is in the cache starts without the network, another is downloaded with a progress bar. SettingError
        names ASR_MODEL and what is wrong with it.
        """
        from faster_whisper import WhisperModel  # loads CTranslate2 and onnxruntime: a second

        folder = SHIPPED if model is None else _folder(model, download_dir)
        missing = [name for name in ("model.bin", "config.json", "tokenizer.json") if not (folder / name).is_file()]
        if missing:
            raise SettingError("ASR_MODEL", repr(model or str(folder)), f"a folder with {', '.join(missing)}")
        try:
            return cls(WhisperModel(str(folder), compute_type="default" if model else "int8"), model or SHIPPED_NAME)
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise SettingError("ASR_MODEL", repr(model or str(folder)), f"a faster-whisper model ({reason})") from error

    async def transcribe(self, data: bytes, *, language: str | None = None) -> Transcript:
        """The words of a voice note. `language` is a hint; a model that knows only English ignores it.

        UserError: audio_empty, audio_unreadable, audio_no_sound, audio_too_long, audio_silent.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transcribe, data, language)

    def close(self) -> None:
        """Let the thread end; what it is doing is finished first."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _transcribe(self, data: bytes, language: str | None) -> Transcript:
        waveform = audio.decode(data, max_s=MAX_AUDIO_S)
        try:
            segments, info = self._model.transcribe(waveform, vad_filter=True, **self._options(language))
            text = " ".join(segment.text.strip() for segment in segments).strip()
        except RuntimeError as error:
            raise PermanentError(f"the speech model failed: {error}") from error
        if not text:
            raise UserError("audio_silent")
        return Transcript(text, str(info.language), len(waveform) / audio.SAMPLE_RATE_HZ)

    def _options(self, language: str | None) -> dict[str, Any]:
        known = set(self._model.supported_languages)
        base = (language or "").split("-")[0].lower()
        options: dict[str, Any] = {"language": base if base in known else None, "condition_on_previous_text": False}
        if self._model.hf_tokenizer.get_vocab_size() < _WHISPER_TOKENS:
            plain = {"without_timestamps": True, "suppress_tokens": [], "beam_size": 1, "temperature": 0.0}
            options |= {**plain, "no_speech_threshold": None, "compression_ratio_threshold": None}
        return options


def _folder(model: str, download_dir: Path) -> Path:
    given = Path(model).expanduser()
    if given.is_dir():
        return given
    if given.is_absolute() or model.startswith((".", "~")):
        raise SettingError("ASR_MODEL", repr(model), "a folder that exists, a Whisper size or a model id of the hub")
    return _from_hub(model, download_dir)


def _from_hub(model: str, download_dir: Path) -> Path:
    # Heavy, as above; which repository a size is has no public name.
    from faster_whisper.utils import _MODELS  # pyright: ignore[reportPrivateUsage]
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository = model if "/" in model else _MODELS.get(model)
    if repository is None:
        raise SettingError("ASR_MODEL", repr(model), f"a folder, a hub id or one of {', '.join(_MODELS)}")
    files = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"]
    try:
        kept = Path(snapshot_download(repository, cache_dir=download_dir, allow_patterns=files, local_files_only=True))
        if (kept / "model.bin").is_file():
            return kept
        _LOG.info("going on with the download of the speech model %s", repository)
    except LocalEntryNotFoundError:
        _LOG.info("downloading the speech model %s into %s", repository, download_dir)
    except HFValidationError as error:
        raise SettingError("ASR_MODEL", repr(model), "a hub id such as Systran/faster-whisper-small") from error
    try:
        return Path(snapshot_download(repository, cache_dir=download_dir, allow_patterns=files))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise SettingError("ASR_MODEL", repr(model), f"a model that can be downloaded ({reason})") from error
