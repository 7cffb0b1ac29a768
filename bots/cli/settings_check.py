"""What can be known of the settings before anything is opened: quickly, and without the models' libraries."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from dotenv import dotenv_values

from bots.web.guard import check_door
from core.errors import SettingError
from core.settings import ENV_FILE, Settings
from core.thinking import profiles

_WEIGHTS = ("*.gguf", "*.safetensors", "*.bin")
_OURS = tuple(name.upper() for name in Settings.model_fields)
_CLOSE, _NEARLY = 0.75, 0.85
"""How alike two names are, 0 to 1, where one may be meant by the other."""


def wrong(settings: Settings) -> Iterator[SettingError]:
    """Everything that would stop the start later, one SettingError each."""
    for check in (
        lambda: profiles.load(settings.profile),
        lambda: check_door(settings.web_host, settings.web_token.get_secret_value()),
    ):
        try:
            check()
        except SettingError as error:
            yield error
    yield from _tokens(settings)
    yield from _models(settings)


def _tokens(settings: Settings) -> Iterator[SettingError]:
    telegram, discord = settings.telegram_token.get_secret_value(), settings.discord_token.get_secret_value()
    if telegram and (wants := telegram_token(telegram)):
        yield SettingError("TELEGRAM_TOKEN", "a value that is not shown", wants)
    if discord and (wants := discord_token(discord)):
        yield SettingError("DISCORD_TOKEN", "a value that is not shown", wants)


def telegram_token(token: str) -> str:
    """What a value must be to look like a bot's token, "" when it does."""
    fits = re.fullmatch(r"\d+:[\w-]+", token)
    return "" if fits else "the token that @BotFather gave you, such as 123456:ABC-DEF"


def discord_token(token: str) -> str:
    """What a value must be to look like a bot's token and not like what stands beside it there, "" when it does."""
    key, secret, id = r"[0-9a-f]{64}", r"[\w-]{32}", r"\d+"  # the public key, the client secret, an id
    if re.fullmatch(rf"{key}|{secret}|{id}", token) or not re.fullmatch(r"[\w.-]+", token):
        return "the bot's token: discord.com/developers, your application, Bot, Reset Token"
    return ""


def _models(settings: Settings) -> Iterator[SettingError]:
    if settings.tts_url and not settings.tts_model:
        yield SettingError("TTS_MODEL", "nothing", f"the name of the voice's model at {settings.tts_url}")
    if not settings.lm_url and (wants := _lacks(settings.lm_model, ("config.json", *_WEIGHTS), gguf=True)):
        yield SettingError("LM_MODEL", repr(settings.lm_model), wants)
    if settings.asr_url and not settings.asr_model:
        yield SettingError("ASR_MODEL", "nothing", f"the name of the ears' model at {settings.asr_url}")
    if not settings.asr_url and (wants := _lacks(settings.asr_model, ("config.json", "tokenizer.json", "model.bin"))):
        yield SettingError("ASR_MODEL", repr(settings.asr_model), wants)
    if not settings.tts_url and (wants := _lacks(settings.tts_model, ("*.onnx", *_WEIGHTS))):
        yield SettingError("TTS_MODEL", repr(settings.tts_model), wants)


def _lacks(model: str, patterns: tuple[str, ...], *, gguf: bool = False) -> str:
    """What a folder must hold and does not; "" for one that holds it, a name of the hub or none."""
    if not model:
        return ""
    path = Path(model).expanduser()
    if path.is_file():
        return "" if gguf and path.suffix == ".gguf" else "a folder, not a file"
    if not path.is_dir():
        named_as_path = path.is_absolute() or model.startswith((".", "~"))
        return "a folder that exists, or a name of the model hub" if named_as_path else ""
    if gguf and any(path.glob("*.gguf")):
        return ""
    plain = [name for name in patterns if "*" not in name and not (path / name).is_file()]
    weights = [name for name in patterns if "*" in name]
    missing = plain + (["weights"] if weights and not any(any(path.glob(name)) for name in weights) else [])
    return f"a folder with {', '.join(missing)}" if missing else ""


def unknown(env_file: Path = ENV_FILE, environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A sentence for each name that is no setting, with the one that was perhaps meant.

    The file is ours; the environment is everybody's, so of it only names are told that are nearly a setting's.
    """
    named = dotenv_values(env_file, interpolate=False) if env_file.is_file() else {}
    for name in named:
        if name.upper() not in _OURS:
            close = _closest(name, _CLOSE)
            yield f"{env_file} sets {name}, which is no setting" + (f": did you mean {close}?" if close else "")
    given = {name.upper() for name in (*named, *environment)}
    for name in environment:
        close = _closest(name, _NEARLY)
        if "_" in close and close not in given:
            yield f"the environment sets {name}, which is no setting: did you mean {close}?"


def _closest(name: str, least: float) -> str:
    """The setting whose name is most like this one, "" when none is."""
    return next(iter(difflib.get_close_matches(name.upper(), _OURS, 1, least)), "")
