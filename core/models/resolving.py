"""From what a setting says to what a loader opens: a folder or a file that is here."""

from pathlib import Path
from threading import Event

from core.errors import AssistantError, PermanentError, SettingError
from core.models import catalogue, kept
from core.models.aside import Stopped
from core.models.catalogue import SETTINGS, Kind
from core.models.fetching import fetch
from core.models.progress import Show

_ONE_FILE = {"mind": "config.json", "ears": "model.bin", "voice": "config.json"}
"""That is there when the hub's own cache holds a model."""


def resolve(
    kind: Kind, value: str, models_dir: Path, show: Show = lambda _: None, stop: Event | None = None
) -> Path | None:
    """Where the model is that LM_MODEL, ASR_MODEL or TTS_MODEL names, fetched first when it is not here; "" is None.

    A name of the catalogue, a Whisper size, a hub id, a GGUF file of the hub (`owner/name:file`), a folder or a GGUF
    file. What earlier versions downloaded into the hub's own cache is used there. Blocks, as `fetch` does; SettingError
    in one sentence when it cannot be had, Stopped after `stop` was set.
    """
    if not value:
        return None
    here = Path(value).expanduser()
    if here.exists():
        return here
    known = catalogue.find(value)
    if known and known.kind != kind:
        wants = f"a model for that, and {value} is for {SETTINGS[known.kind or kind]}"
        raise SettingError(SETTINGS[kind], repr(value), wants)
    if here.is_absolute() or value.startswith((".", "~")):
        raise SettingError(SETTINGS[kind], repr(value), "a folder that exists, a name of `parley models` or a hub id")
    try:
        return found(kind, value, models_dir) or fetch(_source(kind, value), models_dir, show, stop)
    except Stopped:
        raise
    except AssistantError as error:
        raise SettingError(SETTINGS[kind], repr(value), f"a model that can be fetched ({error})") from error


def found(kind: Kind, value: str, models_dir: Path) -> Path | None:
    """Where the model lies that a setting names, None when it would have to be fetched; asks nobody.

    SettingError for a word that is no name of a model.
    """
    here = Path(value).expanduser()
    if here.exists():
        return here
    if folder := kept_as(value, models_dir):
        return kept.usable(folder)
    source = _source(kind, value)
    named = catalogue.find(source)
    return _cached(named.hub if named else source, kind, models_dir)


def kept_as(value: str, models_dir: Path) -> Path | None:
    """The folder in `models_dir` of the whole model that a setting names; None when it is not there."""
    here = Path(value).expanduser()
    if here.exists():
        folder = (here if here.is_dir() else here.parent).resolve()
        return next((each.folder for each in kept.kept(models_dir) if each.folder.resolve() == folder), None)
    try:
        names = {value, f"whisper-{value}", catalogue.entry(value).name}
    except PermanentError:
        names = {value, f"whisper-{value}"}
    return next((each.folder for each in kept.kept(models_dir) if each.name in names), None)


def setting_of(folder: Path) -> str | None:
    """The setting that names what a folder or a GGUF file holds; None when it is nothing that Parley loads."""
    if folder.suffix == ".gguf":
        return SETTINGS["mind"]
    kind = kept.kind_of(folder)
    return SETTINGS[kind] if kind else None


def _source(kind: Kind, value: str) -> str:
    """What to fetch: for ears a size of Whisper's as well."""
    if kind != "ears" or "/" in value or catalogue.find(value):
        return value
    if catalogue.find(f"whisper-{value}"):
        return f"whisper-{value}"
    # Heavy; which repository a size is has no public name.
    from faster_whisper.utils import _MODELS  # pyright: ignore[reportPrivateUsage]

    if value not in _MODELS:
        raise SettingError("ASR_MODEL", repr(value), f"a folder, a hub id or one of {', '.join(_MODELS)}")
    return _MODELS[value]


def _cached(repository: str, kind: Kind, models_dir: Path) -> Path | None:
    from huggingface_hub import try_to_load_from_cache  # half a second

    for cache in (models_dir, None):
        try:
            found = try_to_load_from_cache(repository, _ONE_FILE[kind], cache_dir=cache)
        except ValueError:  # no name that the hub could have
            return None
        if isinstance(found, str) and kept.kind_of(Path(found).parent) == kind:
            return Path(found).parent
    return None
