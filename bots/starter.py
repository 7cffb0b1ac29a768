"""The real models of a first start: fetched once the page is up, each put to use as soon as it is there."""

from collections.abc import Sequence

from core.models import catalogue, kept
from core.models.catalogue import Entry, Kind
from core.settings import Settings

BUILTIN = "built-in"
"""The name by which the models that ship are chosen."""
SERVER = "server"
"""And that of LM_URL's only model: the address may hold a secret."""


def wanted(settings: Settings) -> Sequence[Entry]:
    """The starter models for what the settings leave open; the ears first, which are smaller."""
    if settings.models == "builtin":
        return ()
    kinds: list[Kind] = []
    if not (settings.asr_model or settings.asr_url):
        kinds.append("ears")
    if not (settings.lm_model or settings.lm_url):
        kinds.append("mind")
    return [catalogue.starter(kind) for kind in kinds]


def missing(settings: Settings) -> Sequence[Entry]:
    """Those of them that are not on the disk yet."""
    return [entry for entry in wanted(settings) if not is_here(entry, settings)]


def is_here(entry: Entry, settings: Settings) -> bool:
    """Whether a model is whole on the disk."""
    return kept.receipt_of(settings.data_dir / "models" / entry.name) is not None


def first(kind: Kind, settings: Settings) -> str:
    """The name of the model that a start opens: as set, else the starter's if it is here, else the built-in."""
    if kind == "mind" and settings.lm_url:
        return settings.lm_model or SERVER
    if chosen := settings.lm_model if kind == "mind" else settings.asr_model:
        return chosen
    here = (entry.name for entry in wanted(settings) if entry.kind == kind and is_here(entry, settings))
    return next(here, BUILTIN)


def choices(kind: Kind, settings: Settings) -> Sequence[str]:
    """The names of the models of a kind that can be opened without fetching anything."""
    here = (each.name for each in kept.kept(settings.data_dir / "models") if each.kind == kind)
    return list(dict.fromkeys([first(kind, settings), *here, BUILTIN]))
