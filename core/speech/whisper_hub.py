"""A Whisper by its size or hub id, for whoever has no folder of it. Blocks."""

from pathlib import Path

from core.errors import SettingError
from core.telemetry import log

_LOG = log("hearing")
WEIGHTS = "model.bin"
"""What every faster-whisper model's folder holds."""


def folder_of(model: str, download_dir: Path) -> Path:
    """Where a Whisper is: the folder given, or the hub's cache, downloaded first; SettingError names ASR_MODEL."""
    given = Path(model).expanduser()
    if given.is_dir():
        return given
    if given.is_absolute() or model.startswith((".", "~")):
        raise SettingError("ASR_MODEL", repr(model), "a folder that exists, a Whisper size or a model id of the hub")
    return _from_hub(model, download_dir)


def repository_of(model: str) -> str:
    """The hub's name for a size or a hub id; SettingError when it is neither."""
    # Heavy, as above; which repository a size is has no public name.
    from faster_whisper.utils import _MODELS  # pyright: ignore[reportPrivateUsage]

    repository = model if "/" in model else _MODELS.get(model)
    if repository is None:
        raise SettingError("ASR_MODEL", repr(model), f"a folder, a hub id or one of {', '.join(_MODELS)}")
    return repository


def _from_hub(model: str, download_dir: Path) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository = repository_of(model)
    files = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"]
    try:
        kept = Path(snapshot_download(repository, cache_dir=download_dir, allow_patterns=files, local_files_only=True))
        if (kept / WEIGHTS).is_file():
            return kept
    except LocalEntryNotFoundError:
        pass  # Nothing of it is there yet; a download that broke off leaves a folder without weights.
    except HFValidationError as error:
        raise SettingError("ASR_MODEL", repr(model), "a hub id such as Systran/faster-whisper-small") from error
    _LOG.info("downloading the speech model %s into %s", repository, download_dir)
    try:
        kept = Path(snapshot_download(repository, cache_dir=download_dir, allow_patterns=files))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise SettingError("ASR_MODEL", repr(model), f"a model that can be downloaded ({reason})") from error
    if not (kept / WEIGHTS).is_file():
        wants = "the whole download, which broke off before (no network?), or a model for faster-whisper"
        raise SettingError("ASR_MODEL", repr(model), wants)
    return kept
