"""Opens the models of the settings; each call blocks."""

from collections.abc import Callable

from core.errors import SettingError
from core.hearing import Hearing
from core.lm.base import LanguageModel
from core.settings import Settings
from core.speaking import Speaking
from core.voices.builtin import BuiltinVoice


def open_model(settings: Settings, progress: Callable[[float], None] | None = None) -> LanguageModel:
    """The language model of the settings, here or behind LM_URL; SettingError when it cannot be loaded. Blocks."""
    if settings.lm_url:
        from core.lm.remote import RemoteModel  # openai takes a second to import

        return RemoteModel(settings.lm_url, settings.lm_model, settings.lm_api_key.get_secret_value())
    from core.lm.local import LocalModel  # torch and transformers take seconds to import

    keep = settings.data_dir / "models" / "packed"
    return LocalModel.open(settings.lm_model or None, settings.lm_quantize, keep=keep, progress=progress)


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
