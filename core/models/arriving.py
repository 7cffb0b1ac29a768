"""Models on their way: fetched beside the answers, then put to use. What answers meanwhile goes on doing so."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from core.errors import AssistantError
from core.telemetry import log

_LOG = log("models")
Kind = Literal["mind", "ears"]
Report = Callable[[int, int], None]
"""Told how many bytes are there and how many there will be (0: not known yet); from any thread."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One model that was asked for: how far it is, and for one that failed the reason, a sentence for the owner."""

    kind: Kind
    name: str
    state: Literal["fetching", "opening", "here", "failed"] = "fetching"
    done_bytes: int = 0
    total_bytes: int = 0
    reason: str = ""

    @property
    def percent(self) -> int:
        """How much of it is here, 0 to 100."""
        return 100 if self.state in ("opening", "here") else 100 * self.done_bytes // max(1, self.total_bytes)


class Arrivals:
    """The models that were asked for since the start, each once."""

    def __init__(self) -> None:
        self._arrivals: dict[str, Arrival] = {}

    @property
    def all(self) -> tuple[Arrival, ...]:
        """In the order in which they were asked for."""
        return tuple(self._arrivals.values())

    def coming(self, kind: Kind) -> Arrival | None:
        """The first of a kind that is on its way."""
        ways = ("fetching", "opening")
        return next((each for each in self.all if each.kind == kind and each.state in ways), None)

    async def bring(
        self, kind: Kind, name: str, fetch: Callable[[Report], Awaitable[object]], use: Callable[[], Awaitable[None]]
    ) -> bool:
        """Fetch a model, then use it; False when either failed, which is kept to be shown. Raises nothing of ours."""
        self._arrivals[name] = Arrival(kind, name)

        def report(done_bytes: int, total_bytes: int) -> None:
            self._arrivals[name] = replace(self._arrivals[name], done_bytes=done_bytes, total_bytes=total_bytes)

        try:
            await fetch(report)
            self._arrivals[name] = replace(self._arrivals[name], state="opening")
            await use()
        except AssistantError as error:
            _LOG.warning("%s does not come: %s", name, error)
            self._arrivals[name] = replace(self._arrivals[name], state="failed", reason=str(error))
            return False
        self._arrivals[name] = replace(self._arrivals[name], state="here")
        return True
