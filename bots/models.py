"""`parley models`: what a running Parley holds in memory, or what the settings would load."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from bots.web.models import HERE, Held, ModelsOut
from core import hearing
from core.errors import SettingError
from core.settings import Settings

_COLUMNS = ("kind", "model", "where", "size", "bits", "context", "cache", "answering", "waiting", "kept channels")
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_ASK_S = 5.0


async def show_models(settings: Settings) -> None:
    """Print a table; SettingError when whatever runs at WEB_HOST and WEB_PORT does not answer as Parley does."""
    console, page = Console(), page_of(settings)
    running = await ask(page, settings.web_token.get_secret_value())
    if running is None:
        console.print(f"Nothing runs at {page}. The settings would load:")
        console.print(_table(planned(settings)))
    elif not running:
        console.print(f"Parley at {page} is still loading its models.")
    else:
        console.print(f"Parley at {page} holds:")
        console.print(_table(running))


def page_of(settings: Settings) -> str:
    """Where this machine reaches the page of a Parley with these settings."""
    host = _EVERYWHERE.get(settings.web_host, settings.web_host)
    return f"http://[{host}]:{settings.web_port}" if ":" in host else f"http://{host}:{settings.web_port}"


async def ask(page: str, token: str) -> list[Held] | None:
    """What the Parley there holds; None when nothing runs there."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with httpx.AsyncClient(timeout=_ASK_S, trust_env=False) as client:
            answer = await client.get(f"{page}/v1/models", headers=headers)
    except httpx.ConnectError:
        return None
    except httpx.HTTPError as error:
        raise SettingError("WEB_PORT", page, f"a Parley that answers ({type(error).__name__})") from error
    if answer.status_code == 401:
        raise SettingError("WEB_TOKEN", "another secret", f"the one that Parley at {page} was started with")
    try:
        return ModelsOut.model_validate_json(answer.content).models
    except ValidationError as error:
        raise SettingError("WEB_PORT", page, f"Parley there, not something else ({answer.status_code})") from error


def planned(settings: Settings) -> list[Held]:
    """What the settings name, with what the disk tells of it."""
    return [_language(settings), _hearing(settings)]


def _language(settings: Settings) -> Held:
    if settings.lm_url:
        return Held(kind="language", name=settings.lm_model, place=urlsplit(settings.lm_url).hostname or "")
    from core.lm.loading import SHIPPED, SHIPPED_NAME  # with torch: seconds

    name = settings.lm_model
    config = Path(name).expanduser() / "config.json" if name else SHIPPED / "config.json"
    folder = config.parent if config.is_file() else _cached(name, "config.json")
    weights = [*folder.glob("*.safetensors")] or [*folder.glob("pytorch_model*.bin")] if folder else []
    return _planned("language", name or SHIPPED_NAME, weights)


def _hearing(settings: Settings) -> Held:
    name = settings.asr_model
    weights = Path(name).expanduser() / hearing.WEIGHTS if name else hearing.SHIPPED / hearing.WEIGHTS
    if not weights.is_file():
        folder = _cached(hearing.repository_of(name), hearing.WEIGHTS, settings.data_dir / "models")
        return _planned("hearing", name, [folder / hearing.WEIGHTS] if folder else [])
    return _planned("hearing", name or hearing.SHIPPED_NAME, [weights])


def _planned(kind: Literal["language", "hearing"], name: str, weights: Sequence[Path]) -> Held:
    size = sum(file.stat().st_size for file in weights)
    return Held(kind=kind, name=name, place=HERE if weights else "to be downloaded", weight_bytes=size or None)


def _cached(repository: str, file: str, cache_dir: Path | None = None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache  # half a second

    try:
        found = try_to_load_from_cache(repository, file, cache_dir=cache_dir)
    except ValueError:  # no name that the hub could have
        return None
    return Path(found).parent if isinstance(found, str) else None


def _table(models: Sequence[Held]) -> Table:
    table = Table(*_COLUMNS)
    for each in models:
        row = (each.bits, each.context_tokens, _of(each), each.slots_in_use, each.waiting, each.kept_channels)
        size = "" if each.weight_bytes is None else decimal(each.weight_bytes)
        table.add_row(each.kind, each.name, each.place, size, *("" if cell is None else str(cell) for cell in row))
    return table


def _of(each: Held) -> str | None:
    if each.cache_bytes is None or each.cache_limit_bytes is None:
        return None
    return f"{decimal(each.cache_bytes)} of {decimal(each.cache_limit_bytes)}"
