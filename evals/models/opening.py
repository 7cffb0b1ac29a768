"""The model that a command line names: a folder, a GGUF file, a hub id, a server, or the one that ships."""

import argparse
from dataclasses import replace
from pathlib import Path
from zlib import crc32

from core.lm.base import LanguageModel
from core.lm.local.model import LocalModel
from core.lm.remote import RemoteModel
from core.models.resolving import resolve
from core.values.sampling import Sampling


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that `opened` reads, and the seed."""
    parser.add_argument("model", nargs="?", default="", help="a folder, a GGUF file, a hub id or http://host:port/v1")
    parser.add_argument("--name", default="", help="the model's name at a server")
    parser.add_argument("--context-tokens", type=int, default=4096, help="of a server's model")
    parser.add_argument("--quantize", default="auto", choices=("auto", "none", "int8"))
    parser.add_argument("--keep", type=Path, default=Path("data/models/packed"), help="where what is converted is kept")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=8)


def opened(options: argparse.Namespace) -> LanguageModel:
    """The model; blocks, for a minute where a file is converted first."""
    if options.model.startswith(("http://", "https://")):
        return RemoteModel(options.model, options.name, context_tokens=options.context_tokens)
    path = resolve("mind", options.model, options.keep.parent)
    return LocalModel.open(str(path) if path else None, options.quantize, keep=options.keep)


def seeded(sampling: Sampling, seed: int, place: str) -> Sampling:
    """The same dice each time that something is asked, and others for something else."""
    return replace(sampling, seed=crc32(f"{seed} {place}".encode()))
