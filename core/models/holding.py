"""Which models of one kind are open. Turns borrow them, so that a switch lets those that run end on the old one.

One model answers by default and is never put away. Others are opened when somebody asks for them, as long as all
together stay within the memory limit; of those that nobody is using, the one that was used longest ago goes first.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from core.errors import AssistantError, PermanentError
from core.telemetry import log

_LOG = log("models")


class Closable(Protocol):
    """What every model is to its holder."""

    @property
    def name(self) -> str:
        """What the owner calls it."""
        ...

    @property
    def weight_bytes(self) -> int:
        """What it takes in memory; 0 for a model on a server."""
        ...

    async def close(self) -> None:
        """Ends running work and frees the model; idempotent."""
        ...


Model = TypeVar("Model", bound=Closable)


@dataclass(slots=True, eq=False)
class _Open(Generic[Model]):
    """One open model, how many turns use it and when the last began; `parted`: it goes when they have ended."""

    model: Model
    users: int = 0
    last: int = 0
    parted: bool = False


class Holding(Generic[Model]):
    """Open models by name. `open_model` opens one, "" being the built-in; it raises an AssistantError."""

    def __init__(self, open_model: Callable[[str], Awaitable[Model]], *, limit_bytes: int = 0) -> None:
        self._open_model = open_model
        self._limit_bytes = limit_bytes
        self._models: dict[str, _Open[Model]] = {}
        self._default = ""
        self._uses = 0
        self._opening = asyncio.Lock()

    @classmethod
    def of(cls, model: Model) -> "Holding[Model]":
        """One model that is open already, and no other."""

        async def refuse(name: str) -> Model:
            raise PermanentError(f"there is no model {name} here")

        holding = cls(refuse)
        holding._models[""] = _Open(model)
        return holding

    @property
    def default(self) -> Model:
        """The one that answers where no other is chosen; `use` has been called before."""
        return self._models[self._default].model

    @property
    def models(self) -> tuple[Model, ...]:
        """All that are open, the default first."""
        first = self._models[self._default]
        return (first.model, *(each.model for each in self._models.values() if each is not first))

    def peek(self, name: str = "") -> Model:
        """The model of this name if it is open, else the default; for a look that awaits nothing."""
        found = self._models.get(name)
        return found.model if found else self.default

    @asynccontextmanager
    async def borrow(self, name: str = "") -> AsyncGenerator[Model]:
        """The model of this name, or the default, which stays open until the caller is done.

        One that cannot be opened (any more) is stood in for by the default; the log has the reason.
        """
        held = await self._found(name)
        held.users += 1
        self._uses += 1
        held.last = self._uses
        try:
            yield held.model
        finally:
            held.users -= 1
            if held.parted and not held.users:
                await held.model.close()

    async def use(self, name: str) -> None:
        """Make this the default, opening it first; the old one goes when its last turn has ended."""
        async with self._opening:
            if name not in self._models:
                self._models[name] = _Open(await self._open_model(name))
            before, self._default = self._default, name
        if before != name and before in self._models:
            await self._part(before)

    async def ready(self, name: str) -> None:
        """Open it beside the default; PermanentError when both do not fit into the limit."""
        async with self._opening:
            if name in self._models:
                return
            opened = _Open(await self._open_model(name))
            if not await self._make_room(opened.model.weight_bytes):
                await opened.model.close()
                raise PermanentError(f"{name} and {self.default.name} together pass the limit of MODELS_MEMORY_GB")
            self._models[name] = opened

    async def close(self) -> None:
        """Close all of them."""
        for name in list(self._models):
            await self._models.pop(name).model.close()

    async def _found(self, name: str) -> "_Open[Model]":
        if name and name not in self._models:
            try:
                await self.ready(name)
            except AssistantError as error:
                _LOG.warning("%s answers instead of %s: %s", self.default.name, name, error)
        return self._models.get(name) or self._models[self._default]

    async def _make_room(self, wanted_bytes: int) -> bool:
        """Close what is idle, the longest unused first, until `wanted_bytes` more fit; False when they never will."""
        if not self._limit_bytes:
            return True
        idle = sorted(
            (name for name, held in self._models.items() if name != self._default and not held.users),
            key=lambda name: self._models[name].last,
        )
        while self._taken_bytes() + wanted_bytes > self._limit_bytes:
            if not idle:
                return False
            await self._part(idle.pop(0))
        return True

    def _taken_bytes(self) -> int:
        return sum(held.model.weight_bytes for held in self._models.values())

    async def _part(self, name: str) -> None:
        held = self._models.pop(name)
        held.parted = True
        if not held.users:
            await held.model.close()
