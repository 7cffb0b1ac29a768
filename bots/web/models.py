"""What a running Parley holds in memory, for GET /v1/models and whoever asks it there."""

from typing import Literal, Protocol, runtime_checkable

from pydantic import BaseModel

from core.lm.base import LanguageModel, ModelStatus
from core.models.arriving import Arrivals, State
from core.thinking.engines import Engines

HERE = "this machine"


class Held(BaseModel):
    """One model. `place` is "this machine" or the host of a server, about which little is known.

    Slots are in use while an answer is made; channels are kept between their turns, and the cache holds both.
    """

    kind: Literal["language", "hearing"]
    name: str
    place: str = HERE
    weight_bytes: int | None = None
    bits: int | None = None
    context_tokens: int | None = None
    cache_bytes: int | None = None
    cache_limit_bytes: int | None = None
    slots_in_use: int | None = None
    waiting: int | None = None
    kept_channels: int | None = None


class Coming(BaseModel):
    """A model that was asked for since the start: how far it is in percent, and the reason if it failed."""

    kind: str
    name: str
    state: State
    percent: int
    reason: str = ""


class ModelsOut(BaseModel):
    """Every model that is open, none while they are being loaded; those on their way; minds that can be chosen."""

    models: list[Held]
    coming: list[Coming] = []
    choices: list[str] = []


def coming(arrivals: Arrivals) -> list[Coming]:
    """The models that were asked for since the start."""
    return [
        Coming(kind=each.kind or "", name=each.name, state=each.state, percent=each.percent, reason=each.reason)
        for each in arrivals.all
    ]


@runtime_checkable
class _OnThisMachine(Protocol):
    def status(self) -> ModelStatus: ...


def held(engines: Engines, lm_place: str = HERE, asr_place: str = HERE) -> list[Held]:
    """All models that are open, the minds first, the one that answers by default before the others."""
    minds = [_mind(model, lm_place) for model in engines.minds.models]
    ears = [
        Held(
            kind="hearing",
            name=each.name,
            place=asr_place if not each.bits else HERE,
            weight_bytes=each.weight_bytes or None,
            bits=each.bits or None,
        )
        for each in engines.ears.models
    ]
    return [*minds, *ears]


def _mind(model: LanguageModel, lm_place: str) -> Held:
    if not isinstance(model, _OnThisMachine):
        return Held(kind="language", name=model.name, place=lm_place, context_tokens=model.context_tokens)
    status = model.status()
    return Held(kind="language", **{name: getattr(status, name) for name in status.__slots__})
