"""What lanes hold, for whoever has not claimed them."""

from typing import Any, cast

from core.store import keys
from core.store.codec import DIALOGUE, EVENT, PART, Entry, home_of
from core.store.redis import Store, translated
from core.values.channel import ChannelKey
from core.values.dialogue import Dialogue
from core.values.events import Event
from core.values.parts import OwedVoicePart, VoicePart


class Reading:
    """Each method is one round trip and raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self.codec = store.codec
        self._redis = store.redis

    async def accepted(self, event: Event) -> bool:
        """Whether the id of an event was accepted before."""
        with translated():
            return bool(await self._redis.exists(keys.seen(event.channel, event.id)))

    async def waiting(self, channel: ChannelKey, most: int) -> list[Entry[Event]]:
        """The first events of a lane."""
        with translated():
            found: list[bytes] = await cast(Any, self._redis.lrange(keys.of_channel("in", channel), 0, most - 1))
        return [self.codec.read(EVENT, home_of(channel), raw) for raw in found]

    async def shown(self, channel: ChannelKey, turn: str) -> list[str]:
        """Platform ids of the parts that a turn was answered with, in order."""
        with translated():
            found: list[bytes] = await cast(Any, self._redis.lrange(keys.shown(channel, turn), 0, -1))
        return [ref.decode() for ref in found]

    async def owes_voice(self, channel: ChannelKey, turn: str) -> bool:
        """Whether the voice note of a turn is still to be sent."""
        with translated():
            raws: list[bytes] = await cast(Any, self._redis.lrange(keys.of_channel("out", channel), 0, -1))
        parts = (self.codec.read(PART, home_of(channel), raw).value for raw in raws)
        return any(isinstance(part, OwedVoicePart | VoicePart) and part.turn == turn for part in parts)

    async def stopped(self, channel: ChannelKey) -> bool:
        """Whether somebody said stop and was not served yet."""
        with translated():
            return bool(await cast(Any, self._redis.hexists(keys.of_channel("lane", channel), "stop")))

    async def forbid_voice(self, channel: ChannelKey) -> None:
        """Keep for a day that the chat takes no voice notes."""
        with translated():
            await self._redis.set(keys.voiceless(channel), 1, ex=keys.VOICELESS_S)

    async def takes_voice(self, channel: ChannelKey) -> bool:
        """False in a chat that refused a voice note within the last day."""
        with translated():
            return not await self._redis.exists(keys.voiceless(channel))

    async def dialogue(self, channel: ChannelKey) -> Dialogue:
        """What a channel remembers."""
        with translated():
            raw: bytes | None = await self._redis.get(keys.of_channel("dlg", channel))  # pyright: ignore[reportAssignmentType]
        return self.codec.open(DIALOGUE, home_of(channel), raw)
