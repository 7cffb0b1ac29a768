"""Whether a person allows that their words improve the model. Nobody's words may be used without a yes kept here."""

from dataclasses import dataclass

from core import clock
from core.store import keys
from core.store.codec import json_of
from core.store.redis import Store, translated
from core.values.channel import PlatformName


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's last word on it, and when they gave it (seconds since the epoch)."""

    given: bool
    at: float
    version: int = 1


_CONSENT = json_of(Consent, "what a person allowed")


class Consents:
    """One value a person; each method raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._codec = store.codec

    async def of(self, platform: PlatformName, person: str) -> Consent | None:
        """What a person said last; None, which is a no, when they never did."""
        with translated():
            raw: bytes | None = await self._redis.get(keys.of_person("consent", platform, person))  # pyright: ignore[reportAssignmentType]
        return self._codec.open(_CONSENT, _home(platform, person), raw) if raw else None

    async def record(self, platform: PlatformName, person: str, *, given: bool) -> Consent:
        """Keep what a person says now."""
        consent = Consent(given, clock.now())
        with translated():
            sealed = self._codec.seal(_CONSENT, _home(platform, person), consent)
            await self._redis.set(keys.of_person("consent", platform, person), sealed)
        return consent

    async def erase(self, platform: PlatformName, person: str) -> None:
        """Keep nothing: the same as a no."""
        with translated():
            await self._redis.delete(keys.of_person("consent", platform, person))


def _home(platform: PlatformName, person: str) -> str:
    return f"{platform}:{person}"
