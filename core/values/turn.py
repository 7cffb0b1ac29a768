"""What the engine makes: an answer that grows, a finished one, and the turn that is remembered of it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Turn:
    """One message answered, as it is remembered: `heard` when `said` is a transcript, `spoken` when a voice note goes
    with it, `doubtful` when `reply` asks if it is right, `person` the id of who spoke, `ref`, `forwarded` as in the
    message, `earlier` the answers it replaces.
    """

    id: str
    at: float
    speaker: str
    said: str
    reply: str
    language: str
    model: str
    profile: str
    heard: bool = False
    spoken: bool = False
    ref: str = ""
    person: str = ""
    forwarded: str | None = None
    earlier: tuple[str, ...] = ()
    doubtful: bool = False


Sign = Literal["typing", "recording"]
"""What people see while they wait."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer that is still growing: what was heard (once known) and all the text so far, as the model wrote it.

    Most are passed over, so whoever shows one makes it presentable.
    """

    text: str
    heard: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished answer: the turn to remember."""

    turn: Turn
