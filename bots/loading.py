"""Opens the models of the settings, fetched first where they are not here; each call blocks."""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from bots.cli.bars import Bars
from core.errors import SettingError
from core.hearing import Hearing
from core.lm.base import LanguageModel
from core.models.catalogue import Kind
from core.settings import Settings
from core.speaking import Speaking
from core.voices.builtin import BuiltinVoice

_Loaded = TypeVar("_Loaded")
_BARS = Bars()
"""One for all that is fetched at once: a terminal has room for one."""


async def off_loop(load: Callable[[Settings, Event], _Loaded], settings: Settings) -> _Loaded:
    """What `load` opens in a thread; when this is cancelled, what is being fetched stops within a second."""
    stop = Event()
    try:
        return await asyncio.to_thread(load, settings, stop)
    finally:
        stop.set()


def _here(kind: Kind, value: str, settings: Settings, stop: Event) -> str | None:
    if not value:
        return None
    from core.models.resolving import resolve  # huggingface_hub takes half a second to import

    with _BARS:
        found = resolve(kind, value, settings.data_dir / "models", _BARS.show, stop)
    return str(found) if found else None


def open_model(settings: Settings, stop: Event) -> LanguageModel:
    """The language model of the settings, here or behind LM_URL; SettingError when it cannot be loaded. Blocks."""
    if settings.lm_url:
        from core.lm.remote import RemoteModel  # openai takes a second to import

        return RemoteModel(settings.lm_url, settings.lm_model, settings.lm_api_key.get_secret_value())
    from core.lm.local import LocalModel  # torch and transformers take seconds to import

    return LocalModel.open(_here("mind", settings.lm_model, settings, stop), settings.lm_quantize)


def open_hearing(settings: Settings, stop: Event) -> Hearing:
    """Speech recognition as set; SettingError when it cannot be loaded. Blocks."""
    return Hearing.open(_here("ears", settings.asr_model, settings, stop), download_dir=settings.data_dir / "models")


def open_speaking(settings: Settings, stop: Event) -> Speaking:
    """The voice of the settings, here or behind TTS_URL; SettingError when it cannot be loaded. Blocks."""
    model = settings.tts_model
    if settings.tts_url:
        if not model:
            raise SettingError("TTS_MODEL", "nothing", f"the name of the voice's model at {settings.tts_url}")
        from core.voices.remote import RemoteVoice  # openai takes a second to import

        key = settings.tts_api_key.get_secret_value()
        return Speaking(RemoteVoice(settings.tts_url, model, settings.tts_voice or "alloy", key))
    if folder := _here("voice", model, settings, stop):
        from core.voices.vits import VitsVoice  # torch and transformers take seconds to import

        return Speaking(VitsVoice.open(folder))
    return Speaking(BuiltinVoice())
