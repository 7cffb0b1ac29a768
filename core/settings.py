"""Every setting, from the environment and `.env`, checked at start; `.env.example` is written from this table."""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SettingError


def _http(value: str) -> str:
    if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
        raise ValueError("an address such as http://127.0.0.1:8000/v1")
    return value.rstrip("/")


def _redis(value: str) -> str:
    scheme, _, kind = urlsplit(value).scheme.partition("+")
    known = scheme == "unix" and not kind or scheme in ("redis", "rediss") and kind in ("", "sentinel", "cluster")
    if value and not known:
        raise ValueError("an address such as redis://127.0.0.1:6379/0, redis+sentinel:// or redis+cluster://")
    return value


def _gateway(value: str) -> str:
    if value and urlsplit(value).scheme not in ("ws", "wss"):
        raise ValueError("an address such as wss://gateway.discord.gg/")
    return value


def _people(value: str) -> str:
    if wrong := [who for who in names_in(value) if not re.fullmatch(r"telegram:-?\d+|discord:\d+", who)]:
        raise ValueError(f"ids such as telegram:123456789 or discord:123456789, not {wrong[0]!r}")
    return value


def _languages(value: str) -> str:
    if wrong := [tag for tag in names_in(value) if not re.fullmatch(r"[A-Za-z]{2,3}", tag)]:
        raise ValueError(f"language codes such as en,zh, not {wrong[0]!r}")
    return value.lower()


def _country(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z]{2}", value):
        raise ValueError("two letters, such as FR or CN")
    return value.upper()


def _zone(value: str) -> str:
    try:
        return value and ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("a time zone such as Europe/Paris or Asia/Shanghai") from error


def names_in(value: str) -> tuple[str, ...]:
    """People and places in one setting, parted by commas or blanks."""
    return tuple(re.findall(r"[^\s,]+", value))


ENV_FILE = Path(".env")
HttpUrl = Annotated[str, AfterValidator(_http)]


class Settings(BaseSettings):
    """The owner's choices. An empty value is the same as none."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", case_sensitive=False)

    discord_token: SecretStr = Field(
        SecretStr(""), description="Bot token from discord.com/developers; none: no Discord"
    )
    telegram_token: SecretStr = Field(SecretStr(""), description="Bot token from @BotFather; none: no Telegram")
    access: Literal["open", "list", "pairing"] = Field(
        "pairing",
        description="Who may talk to it on Telegram and Discord: pairing (strangers get a code that you confirm), list "
        "(ALLOWED alone), open (everybody)",
    )
    allowed: Annotated[str, AfterValidator(_people)] = Field(
        "",
        description="Who needs no code: telegram:ID (a person; with a minus a group), discord:ID (a person, a server "
        "or a channel), parted by commas",
    )
    owners: Annotated[str, AfterValidator(_people)] = Field(
        "", description="People who may let others in by /pair, as in ALLOWED; none: only `parley pair` does"
    )
    profile: str = Field("plain", description="How it speaks: plain, support, tutor, writer or home")
    country: Annotated[str, AfterValidator(_country)] = Field(
        "", description="Two letters, such as FR: whose emergency numbers are told; none: those that work widely"
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "", description="Time zone of the people, such as Europe/Paris; none: this machine's"
    )
    models: Literal["starter", "builtin"] = Field(
        "starter",
        description="starter: where LM_MODEL or ASR_MODEL is empty, a real model is fetched once; builtin: nothing is "
        "ever fetched",
    )
    lm_model: str = Field(
        "",
        description="Language model: a name of `parley models`, a hub id, a folder or a GGUF file (with LM_URL: its "
        "name there); none: as MODELS has it",
    )
    lm_url: HttpUrl = Field("", description="OpenAI-compatible server for the language model; none: on this machine")
    lm_api_key: SecretStr = Field(SecretStr(""), description="Key for LM_URL")
    lm_quantize: Literal["auto", "none", "int8"] = Field(
        "auto",
        description="Weights of a local model: auto (int8 without a GPU), int8 (several times as fast, a little less "
        "exact) or none; not for built-in",
    )
    lm_context_tokens: int = Field(
        0, ge=0, description="Most tokens of prompt and answer together; 0: what the model or LM_URL's server says"
    )
    models_memory_gb: float = Field(
        0, ge=0, description="Memory for all language models that are held at once; 0: half of this machine's"
    )
    asr_model: str = Field(
        "",
        description="Speech recognition: a name of `parley models`, a Whisper size (small), hub id or folder (with "
        "ASR_URL: its model's name there); none: as MODELS has it",
    )
    asr_url: HttpUrl = Field("", description="OpenAI-compatible server for speech recognition; none: on this machine")
    asr_api_key: SecretStr = Field(SecretStr(""), description="Key for ASR_URL")
    asr_languages: Annotated[str, AfterValidator(_languages)] = Field(
        "", description="Languages that voice notes may be in, such as en,zh; none: any that the model knows"
    )
    tts_model: str = Field(
        "",
        description="Voice: a name of `parley models`, a Piper or VITS folder, a hub id (with TTS_URL: its model's "
        "name there); none: built-in",
    )
    tts_voice: str = Field(
        "", description="Which voice: a name of TTS_URL's (none: alloy), of espeak-ng's or of the model's speakers"
    )
    tts_speed: float = Field(1.0, ge=0.5, le=2.0, description="How fast it speaks; 1: as usual")
    tts_url: HttpUrl = Field("", description="OpenAI-compatible server for the voice; none: on this machine")
    tts_api_key: SecretStr = Field(SecretStr(""), description="Key for TTS_URL")
    web_host: str = Field("127.0.0.1", description="Address of the web page; others than this machine need WEB_TOKEN")
    web_port: int = Field(8080, ge=0, le=65535, description="Port of the web page; 0: any free one")
    web_token: SecretStr = Field(
        SecretStr(""), description="Secret that the web page and the API ask for, of 8 characters or more"
    )
    data_dir: Path = Field(Path("data"), description="Folder for everything that is kept")
    retention_days: int = Field(
        365, ge=0, le=36_500, description="Days after which turns, summaries, ratings and the like are erased; 0: never"
    )
    redis_url: Annotated[str, AfterValidator(_redis)] = Field(
        "",
        description="Your own Redis: redis://host:port, redis+sentinel://host:port,host:port/name or "
        "redis+cluster://host:port,host:port; none: one is started",
    )
    redis_fsync: Literal["everysec", "always"] = Field(
        "everysec",
        description="always: the Redis that is started loses nothing with the machine, and each turn is slower",
    )
    person_messages_per_minute: int = Field(0, ge=0, description="How many messages one person may send; 0: any")
    channel_messages_per_minute: int = Field(0, ge=0, description="The same for one chat with all who are in it")
    person_voice_minutes_per_day: int = Field(
        0, ge=0, description="Minutes of voice notes heard for one person; 0: any"
    )
    channel_voice_minutes_per_day: int = Field(0, ge=0, description="The same for one chat")
    person_tokens_per_day: int = Field(
        0, ge=0, description="Tokens of answers written for one person, a short word each; 0: any"
    )
    channel_tokens_per_day: int = Field(0, ge=0, description="The same for one chat")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="DEBUG also logs messages")
    discord_api_base: HttpUrl = Field("", description="Another Discord API, such as a proxy")
    discord_gateway: Annotated[str, AfterValidator(_gateway)] = Field("", description="Another Discord gateway")
    telegram_api_base: HttpUrl = Field("https://api.telegram.org", description="Another Bot API server")
    telegram_file_base: HttpUrl = Field("", description="Where that server keeps files; none: the same")

    def secrets(self) -> tuple[str, ...]:
        """What must never be printed."""
        keys = (self.lm_api_key, self.asr_api_key, self.tts_api_key)
        values = (self.discord_token, self.telegram_token, *keys, self.web_token)
        return tuple(secret for value in values if (secret := value.get_secret_value()))


def load(env_file: Path | None = ENV_FILE) -> Settings:
    """The settings of this process; SettingError names the first that is wrong."""
    settings, wrong = read(env_file)
    if wrong:
        raise wrong[0]
    return settings


def read(env_file: Path | None = ENV_FILE) -> tuple[Settings, tuple[SettingError, ...]]:
    """The settings of this process, each that is wrong at its default, and what is wrong with those."""
    try:
        return Settings(_env_file=env_file), ()  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        wrong = {str(each["loc"][0]): _told(each) for each in error.errors()}
    # What is given here goes before the environment and the file.
    defaults = {name: Settings.model_fields[name].default for name in wrong}
    return Settings(_env_file=env_file, **defaults), tuple(wrong.values())  # pyright: ignore[reportCallIssue]


def fits(name: str, value: str) -> bool:
    """Whether a setting takes this value; `name` as the fields are called."""
    try:
        Settings(_env_file=None, **{name: value})  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        return all(each["loc"][0] != name for each in error.errors())
    return True


def _told(error: ErrorDetails) -> SettingError:
    name = str(error["loc"][0])
    secret = Settings.model_fields[name].annotation is SecretStr
    got = "a value that is not shown" if secret else repr(error["input"])
    return SettingError(name.upper(), got, error["msg"].removeprefix("Value error, ").removeprefix("Input should be "))


_GROUPS = {
    "discord_token": "Where people are",
    "access": "Who may talk to it",
    "profile": "How it is",
    "models": "Its mind",
    "asr_model": "Its ears",
    "tts_model": "Its voice",
    "web_host": "The web page",
    "data_dir": "What is kept, and where",
    "person_messages_per_minute": "Quotas",
    "log_level": "Seldom needed",
}
"""The first setting of each group, and the group's heading."""


def example() -> str:
    """The text of `.env.example`: each setting, one line of help, its default, in groups; those of newcomers first."""
    rows: list[str] = ["# `parley setup` asks for what most people need. An empty value is the same as none.\n"]
    for name, field in Settings.model_fields.items():
        if heading := _GROUPS.get(name):
            rows.append(f"\n# --- {heading} ---\n")
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        rows.append(f"# {field.description}\n{name.upper()}={default}\n")
    return "\n".join(rows)
