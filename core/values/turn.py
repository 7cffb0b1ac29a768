"""What the engine makes: an answer that grows, a finished one, and the turn that is remembered of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from core.values.sampling import Sampling


@dataclass(frozen=True, slots=True)
class Basis:
    """What a model's answer was drawn from, so that it can be drawn again; the model, the profile, the passages and the
    message are the turn's.

    `revision` tells the model from others of its name, `adapter` what was learned beside it ("": nothing). `prompt` is
    a digest of all that the model was shown. `sampling` has the seed that was used, where the model takes one.
    `language` is that of the system words; `answer_in` the one that the channel fixed, "" for none. The turns shown
    were those from `oldest` on, `summarised` the last that the summary told of ("": there was none). `now` is the local
    time, where the message was told it. `quoted` is the id of the message that was answered to.
    """

    revision: str = ""
    prompt: str = ""
    language: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    adapter: str = ""
    oldest: str = ""
    summarised: str = ""
    answer_in: str = ""
    group: bool = False
    quoted: str = ""
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One message answered, as it is remembered: `is_transcript` when `said` was heard in a voice note (it is kept as
    `heard`), `spoken` when one goes with the answer, `doubtful` when `reply` asks if `said` is right, `person` the id
    of who spoke, `ref`, `forwarded` as in the message, `earlier` the answers it replaces. `sources` are the ids of the
    passages that the model was shown, `basis` what else it drew the answer from; None where no model made it.
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
    sources: tuple[str, ...] = ()
    basis: Basis | None = None


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
