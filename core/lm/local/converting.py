"""Makes a pack of a GGUF file or a folder of transformers', once."""

from pathlib import Path

import torch

from core.lm.local import packs
from core.lm.local.packing import FolderModel, Source, blueprint_of, pack, pack_eight_bits
from core.lm.local.packs import Progress
from core.models import machine
from core.telemetry import log

_LOG = log("lm")


def convert(path: Path, folder: Path, form: str, progress: Progress) -> None:
    """Make `folder` the pack of a source, unless it is one meanwhile; what it makes needless is erased.

    Raises Unreadable, Unservable, ValueError and OSError for what cannot be read or packed.
    """
    source, said = _source(path), {"source": str(path.resolve()), "form": form}
    plan = blueprint_of(source, path.name) if form == "int8" else None
    with packs.alone(folder.parent, progress):
        if not packs.manifest(folder):
            _LOG.info("%s is converted once", path.name)
            if plan:
                pack_eight_bits(source, folder, plan, progress, said)
            else:
                pack(source, folder, torch.bfloat16 if form == "gpu" else source.dtype, progress, said)
            packs.sweep(folder)
    # Some 500 MB would stand beside the model that is opened next: 1.7 GB at the peak instead of 1.2.
    machine.give_back_memory()


def _source(path: Path) -> Source:
    if path.is_dir():
        return FolderModel(path)
    from core.lm.local.gguf_model import GgufModel  # with gguf: only where there is one

    return GgufModel(path)
