"""What the engine makes: an answer that grows, a finished one, and the turn that is remembered of it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True, slots=True)
class Turn:
    """One message answered, as it is remembered: `is_transcript` when `said` was heard in a voice note (it is kept as
    `heard`), `spoken` when one goes with the answer, `doubtful` when `reply` asks if `said` is right, `person` the id
    of who spoke, `ref`, `forwarded` as in the message, `earlier` the answers it replaces.
    """

    id: str
    at: float
    speaker: str
    said: str
    reply: str
    language: str
    model: str
    profile: str
    is_transcript: Annotated[bool, Field(alias="heard")] = False
    spoken: bool = False
    ref: str = ""
    person: str = ""
    forwarded: str | None = None
    earlier: tuple[str, ...] = ()
    doubtful: bool = False


Activity = Literal["typing", "recording"]
"""What people see while they wait."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer that is still growing: the transcript (once known) and all the text so far, as the model wrote it.

    Most are passed over, so whoever shows one makes it presentable.
    """

    text: str
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished answer: the turn to remember."""

    turn: Turn
