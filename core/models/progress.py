"""How far a model is on its way. A file of its own, for what fetches imports huggingface_hub: half a second."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a model is: bytes of all that is fetched, and which file or package is on its way."""

    model: str
    what: str
    done: int
    total: int


Show = Callable[[Progress], None]
