"""Opens the models of the settings; each call blocks."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from core.errors import RetryableError, SettingError
from core.hearing import Hearing
from core.lm.base import LanguageModel
from core.settings import Settings
from core.speaking import Speaking
from core.telemetry import log
from core.voices.builtin import BuiltinVoice

_LOG = log("loading")
_Loaded = TypeVar("_Loaded")


async def in_thread(load: Callable[[], _Loaded]) -> _Loaded:
    """What `load` returns or raises, from a thread that nobody waits for when Parley ends: a hub may be silent."""
    future: Future[_Loaded] = Future()

    def run() -> None:
        try:
            loaded = load()
        except BaseException as error:
            with contextlib.suppress(RuntimeError):  # the event loop has ended
                future.set_exception(error)
        else:
            with contextlib.suppress(RuntimeError):
                future.set_result(loaded)

    future.set_running_or_notify_cancel()
    threading.Thread(target=run, name="loading", daemon=True).start()
    return await asyncio.wrap_future(future)


def open_model(settings: Settings) -> LanguageModel:
    """The language model of the settings, here or behind LM_URL; SettingError when it cannot be loaded. Blocks."""
    if settings.lm_url:
        from core.lm.remote import RemoteModel  # openai takes a second to import

        key = settings.lm_api_key.get_secret_value()
        remote = RemoteModel(settings.lm_url, settings.lm_model, key, context_tokens=settings.lm_context_tokens)
        try:
            remote.meet()
        except RetryableError as error:
            _LOG.warning("%s: trying again when somebody asks something", error)
        return remote
    from core.lm.local import LocalModel  # torch and transformers take seconds to import

    local = LocalModel.open(settings.lm_model or None, settings.lm_quantize)
    if settings.lm_context_tokens:
        local.context_tokens = min(local.context_tokens, settings.lm_context_tokens)
    return local


def open_hearing(settings: Settings) -> Hearing:
    """Speech recognition as set; SettingError when it cannot be loaded. Blocks."""
    return Hearing.open(settings.asr_model or None, download_dir=settings.data_dir / "models")


def open_speaking(settings: Settings) -> Speaking:
    """The voice of the settings, here or behind TTS_URL; SettingError when it cannot be loaded. Blocks."""
    model = settings.tts_model
    if settings.tts_url:
        if not model:
            raise SettingError("TTS_MODEL", "nothing", f"the name of the voice's model at {settings.tts_url}")
        from core.voices.remote import RemoteVoice  # openai takes a second to import

        key = settings.tts_api_key.get_secret_value()
        return Speaking(RemoteVoice(settings.tts_url, model, settings.tts_voice or "alloy", key))
    if model:
        from core.voices.vits import VitsVoice  # torch and transformers take seconds to import

        return Speaking(VitsVoice.open(model))
    return Speaking(BuiltinVoice())
