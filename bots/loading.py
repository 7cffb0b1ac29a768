"""Opens the models of the settings, fetched first where they are not here; each call blocks."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Event
from typing import TypeVar

from bots import starter
from bots.cli.bars import Bars
from bots.starter import BUILTIN
from core.errors import RetryableError, SettingError
from core.lm.base import LanguageModel
from core.models import machine
from core.models.catalogue import Kind
from core.settings import Settings, names_in
from core.speech.hearing import Hearing
from core.speech.synthesis import Speaking
from core.speech.transcription import WhisperHearing
from core.speech.voices import piper
from core.speech.voices.builtin import BuiltinVoice
from core.speech.voices.piper import PiperVoice
from core.telemetry import log

_LOG = log("loading")
_Loaded = TypeVar("_Loaded")
Progress = Callable[[float], None]
_BARS = Bars()
"""One for all that is fetched at once: a terminal has room for one."""


async def in_thread(load: Callable[[Event], _Loaded]) -> _Loaded:
    """What `load` returns or raises, from a thread that nobody waits for when Parley ends: a hub may be silent.

    When this is cancelled, the event that it was given is set.
    """
    future: Future[_Loaded] = Future()
    stop = Event()

    def run() -> None:
        try:
            loaded = load(stop)
        except BaseException as error:
            with contextlib.suppress(RuntimeError):  # the event loop has ended
                future.set_exception(error)
        else:
            with contextlib.suppress(RuntimeError):
                future.set_result(loaded)

    future.set_running_or_notify_cancel()
    threading.Thread(target=run, name="loading", daemon=True).start()
    try:
        return await asyncio.wrap_future(future)
    finally:
        stop.set()


def memory_limit_bytes(settings: Settings) -> int:
    """What all language models together may take: as set, else half of this machine's memory."""
    return int(settings.models_memory_gb * 1e9) or machine.memory_bytes() // 2


def open_model(settings: Settings, name: str, stop: Event, progress: Progress | None = None) -> LanguageModel:
    """A language model by its name, BUILTIN or another, that of the settings behind LM_URL if there is one. Blocks.

    `progress` is told how far one is, 0 to 1, that is made ready for the first time. SettingError when it cannot be
    loaded.
    """
    if settings.lm_url and name == starter.first("mind", settings):
        from core.lm.remote import RemoteModel  # openai takes a second to import

        key = settings.lm_api_key.get_secret_value()
        remote = RemoteModel(settings.lm_url, settings.lm_model, key, context_tokens=settings.lm_context_tokens)
        try:
            remote.meet()
        except RetryableError as error:
            _LOG.warning("%s: trying again when somebody asks something", error)
        return remote

    from core.lm.local.model import LocalModel  # torch and transformers take seconds to import

    place, keep = _here("mind", name, settings, stop), settings.data_dir / "models" / "packed"
    local = LocalModel.open(place, settings.lm_quantize, keep=keep, progress=progress)
    if name != BUILTIN:
        local.name = name
    if settings.lm_context_tokens:
        local.context_tokens = min(local.context_tokens, settings.lm_context_tokens)
    return local


def open_hearing(settings: Settings, name: str, stop: Event) -> Hearing:
    """Speech recognition by its name, BUILTIN or another, that of the settings behind ASR_URL if there is one. Blocks.

    SettingError when it cannot be loaded.
    """
    allowed = names_in(settings.asr_languages)
    if settings.asr_url and name == starter.first("ears", settings):
        if not settings.asr_model:
            raise SettingError("ASR_MODEL", "nothing", f"the name of the ears' model at {settings.asr_url}")
        from core.speech.transcription_remote import RemoteHearing  # openai takes a second to import

        return RemoteHearing(settings.asr_url, name, settings.asr_api_key.get_secret_value(), allowed)
    folder = _here("ears", name, settings, stop)
    ears = WhisperHearing.open(folder, allowed=allowed)
    if name != BUILTIN:
        ears.name = name
    return ears


def open_speaking(settings: Settings, stop: Event) -> Speaking:
    """The voice of the settings, here or behind TTS_URL; SettingError when it cannot be loaded. Blocks."""
    model, voice, speed = settings.tts_model, settings.tts_voice, settings.tts_speed
    if settings.tts_url:
        if not model:
            raise SettingError("TTS_MODEL", "nothing", f"the name of the voice's model at {settings.tts_url}")
        from core.speech.voices.remote import RemoteVoice  # openai takes a second to import

        key = settings.tts_api_key.get_secret_value()
        return Speaking(RemoteVoice(settings.tts_url, model, voice or "alloy", key, speed))
    if not model:
        return Speaking(BuiltinVoice(voice=voice, speed=speed))
    model = _here("voice", model, settings, stop) or model
    if piper.weights_in(folder := Path(model).expanduser()):
        return Speaking(PiperVoice.open(model, voice=voice, speed=speed))
    if folder.suffix == ".onnx" or (folder.is_dir() and not (folder / "config.json").is_file()):
        raise SettingError(
            "TTS_MODEL", repr(model), "a Piper voice (one .onnx with its .onnx.json) or a VITS voice (config.json)"
        )
    from core.speech.voices.vits import VitsVoice  # torch and transformers take seconds to import

    return Speaking(VitsVoice.open(model, voice=voice, speed=speed))


def _here(kind: Kind, name: str, settings: Settings, stop: Event) -> str | None:
    """Where a model is, fetched first if need be; None for the built-in."""
    if name == BUILTIN:
        return None
    from core.models.resolving import resolve  # huggingface_hub takes half a second to import

    with _BARS:
        found = resolve(kind, name, settings.data_dir / "models", _BARS.show, stop)
    return str(found) if found else None
