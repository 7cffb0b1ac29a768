"""Keeps what each channel prefers. A lane's claim brings it along; whoever has no claim reads it here."""

from collections.abc import Callable
from typing import cast

from core.store import keys
from core.store.codec import PREFERENCES, home_of
from core.store.redis import Store, translated
from core.values.channel import ChannelKey
from core.values.preferences import Preferences

_SWAP = """
-- KEYS prefs   ARGV read chosen   -> 1, or 0 when somebody wrote since they were read; none are ''
local prefs = unpack(KEYS)
local read, chosen = unpack(ARGV)
if (redis.call('GET', prefs) or '') ~= read then return 0 end
if chosen == '' then redis.call('DEL', prefs) else redis.call('SET', prefs, chosen) end
return 1
"""


class PreferenceStore:
    """One value a channel; each method raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._codec = store.codec
        self._swap = store.redis.register_script(_SWAP)

    async def preferences(self, channel: ChannelKey) -> Preferences:
        """What a channel prefers."""
        with translated():
            raw: bytes | None = await self._redis.get(keys.of_channel("prefs", channel))  # pyright: ignore[reportAssignmentType]
        return self._codec.open(PREFERENCES, home_of(channel), raw)

    async def change(self, channel: ChannelKey, choose: Callable[[Preferences], Preferences]) -> Preferences:
        """Keep what `choose` makes of a channel's preferences, nothing where that is the usual, and return it; safe to
        repeat. It is asked again when somebody else changed them meanwhile, so that no change is lost.
        """
        key, home = keys.of_channel("prefs", channel), home_of(channel)
        while True:
            with translated():
                raw = cast(bytes | None, await self._redis.get(key)) or b""
                chosen = choose(self._codec.open(PREFERENCES, home, raw))
                kept = b"" if chosen == Preferences() else self._codec.seal(PREFERENCES, home, chosen)
                if await self._swap(keys=[key], args=[raw, kept]):
                    return chosen
