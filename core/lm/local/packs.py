"""Packs on the disk: a folder each below `keep`, made once from a GGUF file or a folder of transformers'.

Needs none of the heavy libraries, so that a pack is found before they are imported.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from threading import Event
from typing import Any

from core.errors import SettingError

VERSION = 3
WEIGHTS, MANIFEST = "model.safetensors", "parley.json"
SCALES = ".scales"
Progress = Callable[[float], None]
_ENDS_BYTES = 1 << 16
_POLL_S = 0.1


class Unreadable(Exception):
    """Why a file of weights cannot be read."""


def gguf_of(path: Path) -> Path | None:
    """The GGUF file that is meant, or the only one in a folder that is no model folder."""
    if path.is_file() and path.suffix == ".gguf":
        return path
    if not path.is_dir() or (path / "config.json").exists():
        return None
    files = sorted(path.glob("*.gguf"))
    if len(files) > 1:
        raise SettingError("LM_MODEL", got=repr(str(path)), wants="one of its GGUF files by name")
    return files[0] if files else None


def place(source: Path, keep: Path, form: str) -> Path:
    """Where a source is kept in a form: its name tells it from any other by sizes, times and ends of its files."""
    seen = blake2b(f"{VERSION} {form}".encode(), digest_size=8)
    for path in _files(source):
        about = path.stat()
        seen.update(f"{path.name} {about.st_size} {about.st_mtime_ns}".encode())
        seen.update(_ends(path))
    return keep / f"{source.stem if source.is_file() else source.name}-{seen.hexdigest()}"


def revision(source: Path, form: str) -> str:
    """A name for what a source has in it and the form in which it is computed, the same on every machine.

    By sizes and ends, as `place`: two trainings of one model differ there.
    """
    seen = blake2b(form.encode(), digest_size=8)
    for path in _files(source):
        seen.update(f"{path.name} {path.stat().st_size}".encode())
        seen.update(_ends(path))
    return seen.hexdigest()


def _files(source: Path) -> list[Path]:
    """What a model is made of: a GGUF file, or the files of a folder of transformers'."""
    if source.is_file():
        return [source]
    weights = [*source.glob("*.safetensors")] or [*source.glob("pytorch_model*.bin")]
    return sorted([*weights, *source.glob("*.json"), *source.glob("*.jinja")])


def manifest(folder: Path) -> dict[str, Any]:
    """What is said of a pack; {} of one that is not whole or of another version.

    Whole is by the sizes of its files, and by the ends of the weights: to read all 0.8 GB of a model of half a billion
    took 0.5 s. They were written through to the disk before the folder had its name.
    """
    try:
        said = json.loads((folder / MANIFEST).read_text())
        sizes = {name: (folder / name).stat().st_size for name in said["files"]}
        whole = said["version"] == VERSION and said["files"] == sizes
        return said if whole and said["ends"] == _ends(folder / WEIGHTS).hex() else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def seal(part: Path, folder: Path, said: Mapping[str, str]) -> None:
    """Make a folder the pack, all or nothing, written through to the disk."""
    sizes = {path.name: path.stat().st_size for path in part.iterdir()}
    about = {"version": VERSION, "files": sizes, "ends": _ends(part / WEIGHTS).hex(), **said}
    (part / MANIFEST).write_text(json.dumps(about))
    for path in part.iterdir():
        with path.open("rb") as written:
            os.fsync(written.fileno())
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


@contextmanager
def alone(keep: Path, progress: Progress) -> Generator[None]:
    """Held by one that packs below `keep`; a process that dies lets go of it. `progress` may raise to stop waiting.

    What another left half made is erased.
    """
    keep.mkdir(parents=True, exist_ok=True)
    with (keep / ".lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                progress(0.0)
                Event().wait(_POLL_S)
        for part in keep.glob("*.part"):
            shutil.rmtree(part, ignore_errors=True)
        yield


def sweep(folder: Path) -> None:
    """Erase packs beside this one of what its source was before, and of sources that are gone."""
    ours = _read(folder)
    for other in folder.parent.iterdir():
        said = _read(other)
        same = (said.get("source"), said.get("form")) == (ours.get("source"), ours.get("form"))
        if other != folder and "source" in said and (same or not Path(said["source"]).exists()):
            shutil.rmtree(other, ignore_errors=True)


def _read(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / MANIFEST).read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _ends(path: Path) -> bytes:
    """A digest of how a file begins and ends."""
    seen = blake2b(digest_size=8)
    with path.open("rb") as file:
        seen.update(file.read(_ENDS_BYTES))
        file.seek(max(0, path.stat().st_size - _ENDS_BYTES))
        seen.update(file.read(_ENDS_BYTES))
    return seen.digest()
