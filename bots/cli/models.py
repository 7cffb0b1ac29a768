"""`parley models`: what a running Parley holds, what is on this disk, what the catalogue offers; and changes of it."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Literal
from urllib.parse import urlsplit

import httpx2
from pydantic import ValidationError
from rich.console import Console
from rich.filesize import decimal

from bots import starter
from bots.cli import env_file
from bots.cli.bars import Bars
from bots.web.models import HERE, Held, ModelsOut
from core.errors import PermanentError, SettingError
from core.models import catalogue, kept, machine, resolving
from core.models.catalogue import Entry, Kind
from core.models.fetching import fetch
from core.settings import Settings
from core.speech import transcription

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_ASK_S = 5.0
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.gguf")
_ENV = Path(".env")
Say = Callable[[str], None]


async def show_models(settings: Settings) -> None:
    """Print it; SettingError when whatever runs at WEB_HOST and WEB_PORT does not answer as Parley does."""
    page = page_of(settings)
    running = await ask(page, settings.web_token.get_secret_value())
    if running is None:
        _say(f"Nothing runs at {page}. The settings would load:", _held(planned(settings)))
    elif not running:
        _say(f"Parley at {page} is still loading its models.", ())
    else:
        _say(f"Parley at {page} holds:", _held(running))
    here = {each.name: each for each in kept.kept(settings.data_dir / "models")}
    if here:
        _say("\nOn this disk (parley models use NAME, remove NAME):", _kept(list(here.values())))
    _say("\nTo be had (parley models get NAME; ✓ fits this machine):", _offered(_limit(settings)))
    _say("\nAnd others of the hub: get OWNER/NAME, get OWNER/NAME:FILE.gguf", ())


async def get_model(settings: Settings, source: str, say: Say) -> Path:
    """Fetch a model of the catalogue or of the hub, with a bar; what is here already is used as it is."""
    stop = Event()
    try:
        with Bars() as bars:
            found = await asyncio.to_thread(fetch, source, settings.data_dir / "models", bars.show, stop)
    finally:
        stop.set()
    if resolving.setting_of(found) is None:
        raise PermanentError(f"{found} holds no model that Parley can load")
    say(f"{source} is here: {found}")
    return found


async def use_model(settings: Settings, source: str, say: Say) -> None:
    """Write into `.env` that a model is to be used, fetched first when it is not here."""
    models_dir = settings.data_dir / "models"
    here = kept.find(models_dir, source)
    found = kept.usable(here.folder) if here else await get_model(settings, source, say)
    setting = resolving.setting_of(found)
    if setting is None:
        raise PermanentError(f"{found} holds no model that Parley can load")
    servers = {"LM_MODEL": settings.lm_url, "ASR_MODEL": settings.asr_url, "TTS_MODEL": settings.tts_url}
    if server := servers.get(setting):
        raise PermanentError(f"{setting} names a model of the server {server}: take its address out of .env first")
    value = source if found.is_relative_to(models_dir) else str(found.absolute())
    env_file.change(_ENV, {setting: value})
    say(f"{setting}={value} is set in .env. A Parley that runs loads it at its next start.")
    if setting in os.environ:
        say(f"But {setting} is set in the environment as well, which counts more than .env.")


def remove_model(settings: Settings, name: str, sure: Callable[[str], bool], say: Say) -> None:
    """Erase a model from the disk after `sure` said yes; PermanentError when it is not there or a setting names it."""
    models_dir = settings.data_dir / "models"
    found = kept.find(models_dir, name)
    for setting, value in (
        ("LM_MODEL", settings.lm_model),
        ("ASR_MODEL", settings.asr_model),
        ("TTS_MODEL", settings.tts_model),
    ):
        if found and value and resolving.kept_as(value, models_dir) == found.folder:
            raise PermanentError(f"{setting} names {name}: choose another with `parley models use` first")
    if found and not sure(f"Erase {name} ({decimal(found.size)})?"):
        return
    say(f"{name} is erased: {decimal(kept.remove(models_dir, name))} are free again.")


def page_of(settings: Settings) -> str:
    """Where this machine reaches the page of a Parley with these settings."""
    host = _EVERYWHERE.get(settings.web_host, settings.web_host)
    return f"http://[{host}]:{settings.web_port}" if ":" in host else f"http://{host}:{settings.web_port}"


async def ask(page: str, token: str) -> list[Held] | None:
    """What the Parley there holds; None when nothing runs there."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with httpx2.AsyncClient(timeout=_ASK_S, trust_env=False) as client:
            answer = await client.get(f"{page}/v1/models", headers=headers)
    except httpx2.ConnectError:
        return None
    except httpx2.HTTPError as error:
        raise SettingError("WEB_PORT", page, f"a Parley that answers ({type(error).__name__})") from error
    if answer.status_code == 401:
        raise SettingError("WEB_TOKEN", "another secret", f"the one that Parley at {page} was started with")
    try:
        return ModelsOut.model_validate_json(answer.content).models
    except ValidationError as error:
        raise SettingError("WEB_PORT", page, f"Parley there, not something else ({answer.status_code})") from error


def planned(settings: Settings) -> list[Held]:
    """What the settings name, or leave to the starter models that are here, with what the disk tells of it."""
    return [_language(settings), _hearing(settings)]


def _first(kind: Kind, settings: Settings) -> str:
    name = starter.first(kind, settings)
    return "" if name == starter.BUILTIN else name


def _language(settings: Settings) -> Held:
    if settings.lm_url:
        return Held(kind="language", name=settings.lm_model, place=urlsplit(settings.lm_url).hostname or "")
    from core.lm.local.loading import SHIPPED, SHIPPED_NAME  # with torch: seconds

    name = _first("mind", settings)
    here = resolving.found("mind", name, settings.data_dir / "models") if name else SHIPPED
    kinds = _WEIGHTS if here and here.is_dir() else ()
    weights = [path for kind in kinds for path in here.glob(kind)] if here and kinds else [here] if here else []
    return _planned("language", name or SHIPPED_NAME, weights)


def _hearing(settings: Settings) -> Held:
    if settings.asr_url:
        return Held(kind="hearing", name=settings.asr_model, place=urlsplit(settings.asr_url).hostname or "")
    name = _first("ears", settings)
    here = resolving.found("ears", name, settings.data_dir / "models") if name else transcription.SHIPPED
    return _planned("hearing", name or transcription.SHIPPED_NAME, [here / transcription.WEIGHTS] if here else [])


def _planned(kind: Literal["language", "hearing"], name: str, weights: Sequence[Path]) -> Held:
    size = sum(file.stat().st_size for file in weights)
    return Held(kind=kind, name=name, place=HERE if weights else "to be downloaded", weight_bytes=size or None)


def _say(title: str, lines: Iterator[str] | Sequence[str]) -> None:
    console = Console(highlight=False)
    console.print(title, markup=False, soft_wrap=True)
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _held(models: Sequence[Held]) -> Iterator[str]:
    """Two lines a model: its name alone beside its kind, then all that is known of it."""
    for each in models:
        yield f"  {each.name}"
        known = [f"{each.kind}, {each.place}"]
        known += [decimal(each.weight_bytes)] if each.weight_bytes is not None else []
        known += [f"{each.bits} bits"] if each.bits else []
        known += [f"context {each.context_tokens}"] if each.context_tokens else []
        yield f"      {', '.join(known)}"
        if each.cache_bytes is not None and each.cache_limit_bytes is not None:
            yield (
                f"      cache {decimal(each.cache_bytes)} of {decimal(each.cache_limit_bytes)}, answering "
                f"{each.slots_in_use}, waiting {each.waiting}, kept channels {each.kept_channels}"
            )


def _kept(models: Sequence[kept.Kept]) -> Iterator[str]:
    for each in models:
        yield f"  {each.name}"
        yield f"      {each.kind or 'nothing to load'}, {decimal(each.size)}, {each.licence or 'licence: see its page'}"


def _offered(limit: int) -> Iterator[str]:
    for entry in catalogue.entries():
        needs = entry.least_memory or 0
        mark = "✓" if needs <= limit else " "
        size = decimal(entry.size) if entry.size else ""
        yield f"{mark} {entry.name:<22} {entry.kind:<6}{size:>8}, memory {decimal(needs)}, {_languages(entry)}"
        yield f"      {entry.licence}: {entry.purpose}"


def _languages(entry: Entry) -> str:
    if "*" in entry.languages:
        return "about 100 languages"
    return ", ".join(entry.languages) if len(entry.languages) < 4 else f"{len(entry.languages)} languages"


def _limit(settings: Settings) -> int:
    """Bytes that models may take together: as MODELS_MEMORY_GB has it, else half of the machine's memory."""
    return int(settings.models_memory_gb * 1e9) or machine.memory_bytes() // 2
