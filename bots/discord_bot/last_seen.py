"""The last message that was heard in each channel, kept so that a start can read what came while nobody listened."""

from dataclasses import dataclass
from typing import cast

from core import clock
from core.store import keys
from core.store.redis import Store, translated
from core.values.events import Message

_ACTIVE_S = 7 * keys.DAY_S
_MOST_CHANNELS = 200
_FORGET_EVERY_S = 3600
_FORGET = """
-- KEYS heard   ARGV oldest_s   forgets the channels that were last heard before that
local heard = unpack(KEYS)
local oldest_s = unpack(ARGV)
local rows = redis.call('HGETALL', heard)
for i = 1, #rows, 2 do
  local heard_s = string.match(rows[i + 1], '^%d+ (%d+)')
  if tonumber(heard_s) <= tonumber(oldest_s) then redis.call('HDEL', heard, rows[i]) end
end
return 1
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """A channel, the id of the last message heard there, and whether it is a direct one."""

    channel: int
    message: int
    direct: bool


class LastSeen:
    """One hash a bot; each method raises RetryableError without Redis."""

    def __init__(self, store: Store, account: str) -> None:
        self._redis = store.redis
        self._key = keys.heard(account)
        self._forget = store.redis.register_script(_FORGET)
        self._forget_at = clock.monotonic() + _FORGET_EVERY_S

    async def mark(self, message: Message) -> None:
        """Keep that this message was stored. A command that was called is none: Discord offers it no second time."""
        if not message.ref.isdecimal():
            return
        value = f"{message.ref} {int(clock.now())} {int(not message.group)}"
        with translated():
            await self._redis.hset(self._key, message.channel.space, value)
            if clock.monotonic() >= self._forget_at:
                self._forget_at = clock.monotonic() + _FORGET_EVERY_S
                await self._forget_old()

    async def recent(self) -> list[Mark]:
        """The channels of the last week, the latest first; older ones are forgotten."""
        with translated():
            await self._forget_old()
            table = cast(dict[bytes, bytes], await self._redis.hgetall(self._key))
        rows = sorted(((*value.split(), channel) for channel, value in table.items()), key=lambda row: -int(row[1]))
        return [Mark(int(channel), int(id), direct == b"1") for id, _, direct, channel in rows[:_MOST_CHANNELS]]

    async def _forget_old(self) -> None:
        await self._forget(keys=[self._key], args=[int(clock.now() - _ACTIVE_S)])
