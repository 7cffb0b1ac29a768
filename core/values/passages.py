"""What is looked up for a message: words that may hold its answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """Some words. `id` tells them from all others and finds them again; `source` is where they stand, for people."""

    id: str
    source: str
    text: str
