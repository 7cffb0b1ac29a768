"""Opens the models of the settings; each call blocks."""

from pathlib import Path

from core.errors import SettingError
from core.hearing import Hearing
from core.lm.base import LanguageModel
from core.settings import Settings, names_in
from core.speaking import Speaking
from core.voices import piper
from core.voices.builtin import BuiltinVoice
from core.voices.piper import PiperVoice


def open_model(settings: Settings) -> LanguageModel:
    """The language model of the settings, here or behind LM_URL; SettingError when it cannot be loaded. Blocks."""
    if settings.lm_url:
        from core.lm.remote import RemoteModel  # openai takes a second to import

        return RemoteModel(settings.lm_url, settings.lm_model, settings.lm_api_key.get_secret_value())
    from core.lm.local import LocalModel  # torch and transformers take seconds to import

    return LocalModel.open(settings.lm_model or None, settings.lm_quantize)


def open_hearing(settings: Settings) -> Hearing:
    """Speech recognition as set; SettingError when it cannot be loaded. Blocks."""
    allowed = names_in(settings.asr_languages)
    return Hearing.open(settings.asr_model or None, download_dir=settings.data_dir / "models", allowed=allowed)


def open_speaking(settings: Settings) -> Speaking:
    """The voice of the settings, here or behind TTS_URL; SettingError when it cannot be loaded. Blocks."""
    model, voice, speed = settings.tts_model, settings.tts_voice, settings.tts_speed
    if settings.tts_url:
        if not model:
            raise SettingError("TTS_MODEL", "nothing", f"the name of the voice's model at {settings.tts_url}")
        from core.voices.remote import RemoteVoice  # openai takes a second to import

        key = settings.tts_api_key.get_secret_value()
        return Speaking(RemoteVoice(settings.tts_url, model, voice or "alloy", key, speed))
    if not model:
        return Speaking(BuiltinVoice(voice=voice, speed=speed))
    if piper.weights_in(folder := Path(model).expanduser()):
        return Speaking(PiperVoice.open(model, voice=voice, speed=speed))
    if folder.suffix == ".onnx" or (folder.is_dir() and not (folder / "config.json").is_file()):
        raise SettingError(
            "TTS_MODEL", repr(model), "a Piper voice (one .onnx with its .onnx.json) or a VITS voice (config.json)"
        )
    from core.voices.vits import VitsVoice  # torch and transformers take seconds to import

    return Speaking(VitsVoice.open(model, voice=voice, speed=speed))
