"""What a running Parley holds in memory, for GET /v1/models and whoever asks it there."""

from typing import Literal, Protocol, runtime_checkable

from pydantic import BaseModel

from core.engine import Engine
from core.lm.base import ModelStatus

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


class ModelsOut(BaseModel):
    """Every model; none while they are being loaded."""

    models: list[Held]


@runtime_checkable
class _OnThisMachine(Protocol):
    def status(self) -> ModelStatus: ...


def held(engine: Engine, lm_place: str = HERE) -> list[Held]:
    """The engine's models."""
    model, ears = engine.model, engine.hearing
    language = Held(kind="language", name=model.name, place=lm_place, context_tokens=model.context_tokens)
    if isinstance(model, _OnThisMachine):
        status = model.status()
        language = language.model_copy(update={name: getattr(status, name) for name in status.__slots__})
    return [language, Held(kind="hearing", name=ears.name, weight_bytes=ears.weight_bytes, bits=ears.bits)]
