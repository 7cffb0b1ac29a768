"""Keeps what each channel prefers. A lane's claim brings it along; whoever has no claim reads it here."""

from core.store import keys
from core.store.redis import Store, translated
from core.values import preferences
from core.values.channel import ChannelKey
from core.values.preferences import Preferences


class Channels:
    """One value a channel; each method raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis

    async def preferences(self, channel: ChannelKey) -> Preferences:
        """What a channel prefers."""
        with translated():
            raw: bytes | None = await self._redis.get(keys.of_channel("prefs", channel))  # pyright: ignore[reportAssignmentType]
        return preferences.decode(raw or b"")

    async def prefer(self, channel: ChannelKey, chosen: Preferences) -> None:
        """Keep what a channel prefers, nothing where that is the usual; safe to repeat."""
        with translated():
            if chosen == Preferences():
                await self._redis.delete(keys.of_channel("prefs", channel))
            else:
                await self._redis.set(keys.of_channel("prefs", channel), preferences.encode(chosen))
