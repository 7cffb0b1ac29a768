"""Whether a person allows that their words improve the model. Nobody's words may be used without a yes kept here."""

from dataclasses import dataclass

from pydantic import TypeAdapter

from core import clock
from core.store import keys
from core.store.redis import Store, translated
from core.values.channel import PlatformName


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's last word on it, and when they gave it (seconds since the epoch)."""

    given: bool
    at: float
    version: int = 1


_CONSENT: TypeAdapter[Consent] = TypeAdapter(Consent)


class Consents:
    """One value a person; each method raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis

    async def of(self, platform: PlatformName, person: str) -> Consent | None:
        """What a person said last; None, which is a no, when they never did."""
        with translated():
            raw: bytes | None = await self._redis.get(keys.of_person("consent", platform, person))  # pyright: ignore[reportAssignmentType]
        return _CONSENT.validate_json(raw) if raw else None

    async def record(self, platform: PlatformName, person: str, *, given: bool) -> Consent:
        """Keep what a person says now."""
        consent = Consent(given, clock.now())
        with translated():
            await self._redis.set(keys.of_person("consent", platform, person), _CONSENT.dump_json(consent))
        return consent

    async def erase(self, platform: PlatformName, person: str) -> None:
        """Keep nothing: the same as a no."""
        with translated():
            await self._redis.delete(keys.of_person("consent", platform, person))
