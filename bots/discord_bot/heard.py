"""The last message that was heard in each channel, kept so that a start can read what came while nobody listened."""

from dataclasses import dataclass
from typing import cast

from core import clock
from core.store import keys
from core.store.redis import Store, translated
from core.values.events import Message

_ACTIVE_S = 7 * keys.DAY_S
_MOST_CHANNELS = 200


@dataclass(frozen=True, slots=True)
class Mark:
    """A channel, the id of the last message heard there, and whether it is a direct one."""

    channel: int
    message: int
    direct: bool


class Heard:
    """One hash a bot; each method raises RetryableError without Redis."""

    def __init__(self, store: Store, account: str) -> None:
        self._redis = store.redis
        self._key = keys.heard(account)

    async def mark(self, message: Message) -> None:
        """Keep that this message was stored. A command that was called is none: Discord offers it no second time."""
        if not message.ref.isdecimal():
            return
        value = f"{message.ref} {int(clock.now())} {int(not message.group)}"
        with translated():
            await self._redis.hset(self._key, message.channel.space, value)

    async def recent(self) -> list[Mark]:
        """The channels of the last week, the latest first; older ones are forgotten."""
        with translated():
            table = cast(dict[bytes, bytes], await self._redis.hgetall(self._key))
            rows = sorted(((*value.split(), channel) for channel, value in table.items()), key=lambda row: -int(row[1]))
            fresh = [row for row in rows if int(row[1]) > clock.now() - _ACTIVE_S]
            if old := [row[3] for row in rows[len(fresh) :]]:
                await self._redis.hdel(self._key, *old)
        return [Mark(int(channel), int(id), direct == b"1") for id, _, direct, channel in fresh[:_MOST_CHANNELS]]
