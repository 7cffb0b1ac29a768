"""Keeps what each channel prefers. A lane's claim brings it along; whoever has no claim reads it here."""

from collections.abc import Callable
from typing import cast

from core.store import keys
from core.store.redis import Store, translated
from core.values import preferences
from core.values.channel import ChannelKey
from core.values.preferences import Preferences

_SWAP = """
-- KEYS prefs   ARGV read chosen   -> 1, or 0 when somebody wrote since they were read; none are ''
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end
return 1
"""


class Channels:
    """One value a channel; each method raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._swap = store.redis.register_script(_SWAP)

    async def preferences(self, channel: ChannelKey) -> Preferences:
        """What a channel prefers."""
        with translated():
            raw: bytes | None = await self._redis.get(keys.of_channel("prefs", channel))  # pyright: ignore[reportAssignmentType]
        return preferences.decode(raw or b"")

    async def change(self, channel: ChannelKey, choose: Callable[[Preferences], Preferences]) -> Preferences:
        """Keep what `choose` makes of a channel's preferences, nothing where that is the usual, and return it; safe to
        repeat. It is asked again when somebody else changed them meanwhile, so that no change is lost.
        """
        key = keys.of_channel("prefs", channel)
        while True:
            with translated():
                raw = cast(bytes | None, await self._redis.get(key)) or b""
                chosen = choose(preferences.decode(raw))
                kept = b"" if chosen == Preferences() else preferences.encode(chosen)
                if await self._swap(keys=[key], args=[raw, kept]):
                    return chosen
