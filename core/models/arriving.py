"""Models on their way: fetched beside the answers, then put to use. What answers meanwhile goes on doing so."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from core.errors import AssistantError
from core.models.catalogue import Entry, Kind
from core.models.progress import Progress, Show
from core.telemetry import log

_LOG = log("models")
State = Literal["fetching", "opening", "here", "failed"]
Fetch = Callable[[Show], Awaitable[object]]
"""Brings a model onto this machine, telling how far it is from any thread."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One model that was asked for, and the reason if it failed, a sentence for the owner.

    `done` of `total` bytes are fetched, and then once more made ready.
    """

    name: str
    kind: Kind | None
    state: State = "fetching"
    done: int = 0
    total: int = 0
    reason: str = ""

    @property
    def percent(self) -> int:
        """How much of it is here, 0 to 100."""
        return 100 * self.done // max(1, self.total)


class Arrivals:
    """The models that were asked for since the start, each once."""

    def __init__(self, watch: Callable[[Arrival], None] = lambda _: None) -> None:
        """`watch` is told of every step, from any thread."""
        self._arrivals: dict[str, Arrival] = {}
        self._watch = watch

    @property
    def all(self) -> tuple[Arrival, ...]:
        """In the order in which they were asked for."""
        return tuple(self._arrivals.values())

    def coming(self, kind: Kind) -> Arrival | None:
        """The first of a kind that is on its way."""
        return next((each for each in self.all if each.kind == kind and each.state in ("fetching", "opening")), None)

    async def bring(self, entry: Entry, fetch: Fetch, use: Callable[[], Awaitable[None]]) -> Arrival:
        """Fetch a model, then use it; what became of it. Only what nobody foresaw is raised."""
        name = entry.name
        self._tell(Arrival(name, entry.kind))

        def show(progress: Progress) -> None:
            if self._arrivals[name].state == "fetching":
                self._tell(replace(self._arrivals[name], done=progress.done, total=progress.total))

        try:
            await fetch(show)
            self.opening(name, 0.0)
            await use()
        except AssistantError as error:
            _LOG.warning("%s does not come: %s", name, error)
            self._tell(replace(self._arrivals[name], state="failed", reason=str(error)))
        else:
            self._tell(replace(self._arrivals[name], state="here", done=1, total=1))
        return self._arrivals[name]

    def opening(self, name: str, share: float) -> None:
        """How far a model is that is being opened, 0 to 1; from any thread."""
        if name in self._arrivals:
            total = self._arrivals[name].total or 100
            self._tell(replace(self._arrivals[name], state="opening", done=round(share * total), total=total))

    def _tell(self, arrival: Arrival) -> None:
        self._arrivals[arrival.name] = arrival
        self._watch(arrival)
