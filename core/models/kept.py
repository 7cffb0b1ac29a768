"""Models on this machine's disk: a folder each in DATA_DIR/models, with a receipt of what it is and what is whole."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import PermanentError
from core.models.catalogue import Kind

RECEIPT = ".parley.json"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was fetched: `source` is where from, `files` are the bytes of each, `digests` as they were checked."""

    name: str
    source: str
    licence: str
    files: Mapping[str, int]
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """A whole model on the disk; `size` in bytes. Its kind is None when its files tell of none that Parley loads."""

    name: str
    folder: Path
    kind: Kind | None
    size: int
    source: str
    licence: str


def kept(models_dir: Path) -> Iterator[Kept]:
    """Every whole model there, by name."""
    for folder in sorted(models_dir.iterdir()) if models_dir.is_dir() else ():
        if receipt := receipt_of(folder):
            yield Kept(
                receipt.name,
                folder,
                kind_of(folder),
                sum(receipt.files.values()),
                receipt.source,
                receipt.licence,
            )


def find(models_dir: Path, name: str) -> Kept | None:
    """The whole model of that name there."""
    return next((each for each in kept(models_dir) if each.name == name), None)


def receipt_of(folder: Path) -> Receipt | None:
    """What a folder holds; None when nothing was fetched into it, or it is not whole any more."""
    try:
        receipt = Receipt(**json.loads((folder / RECEIPT).read_text("utf-8")))
        whole = all((folder / file).stat().st_size == size for file, size in receipt.files.items())
    except (OSError, ValueError, TypeError):
        return None
    return receipt if whole else None


def kind_of(folder: Path) -> Kind | None:
    """What a folder's files are for."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
    if "model.bin" in names:
        return "ears"
    if any(name.endswith(".onnx.json") for name in names):
        return "voice"
    if any(name.endswith((".gguf", ".safetensors")) or name.startswith("pytorch_model") for name in names):
        return "voice" if _model_type(folder) == "vits" else "mind"
    return None


def usable(folder: Path) -> Path:
    """What a setting names: the folder, or the GGUF file that is all of it."""
    files = [*folder.glob("*.gguf")]
    return files[0] if len(files) == 1 and not (folder / "config.json").exists() else folder


def seal(part: Path, folder: Path, receipt: Receipt) -> None:
    """Make a folder of whole files the model's own, all or nothing, written through to the disk. Blocks."""
    for file in receipt.files:
        with (part / file).open("rb") as written:
            os.fsync(written.fileno())
    (part / RECEIPT).write_text(json.dumps(asdict(receipt), indent=1), "utf-8")
    if folder.exists():  # of a receipt, but not whole
        shutil.rmtree(folder)
    part.rename(folder)


def remove(models_dir: Path, name: str) -> int:
    """Erase a model; the bytes that are free now. PermanentError when it is not there."""
    found = find(models_dir, name)
    if found is None:
        raise PermanentError(f"there is no model {name} in {models_dir}")
    (found.folder / RECEIPT).unlink()  # first: what is erased by half is not whole
    shutil.rmtree(found.folder)
    return found.size


def _model_type(folder: Path) -> str:
    try:
        return json.loads((folder / "config.json").read_text("utf-8")).get("model_type", "")
    except (OSError, ValueError):
        return ""
