"""Files that come with messages, in Redis until a worker fetches them, and no more of them than there is room for.

A file lies there before its message is accepted, for the worker may be quick, and goes at once when the message is
refused. What uploads take together is counted by the hour in which they came: the Redis that Parley starts has no bound
of its own, and what expires takes its hour with it.
"""

from dataclasses import dataclass

from bots.web.failures import WebError
from bots.web.intake import Upload
from core import clock
from core.platform import Accept
from core.store import keys
from core.store.codec import FILE, home_of
from core.store.redis import Store, translated
from core.values.channel import MediaRef
from core.values.events import Message, PlatformEvent

MOST_BYTES = 512 * 2**20
_UNDECIDED_S = 3_600
"""Of a file whose message neither was accepted nor refused: the process died in between."""
_HOUR_S = 3_600
_RESERVE = """
-- KEYS uploads   ARGV bytes most hour oldest lifetime_s   -> 1, or 0 when there is no room
local uploads = unpack(KEYS)
local bytes, most, hour, oldest, lifetime_s = unpack(ARGV)
local taken, hours = 0, redis.call('HGETALL', uploads)
for at = 1, #hours, 2 do
  if tonumber(hours[at]) < tonumber(oldest) then redis.call('HDEL', uploads, hours[at])
  else taken = taken + hours[at + 1] end
end
if taken + bytes > tonumber(most) then return 0 end
redis.call('HINCRBY', uploads, hour, bytes)
redis.call('EXPIRE', uploads, lifetime_s)
return 1
"""
_DROP = """
-- KEYS seen upload   -> 1 when it is gone; what another request with the same key had accepted stays
local seen, upload = unpack(KEYS)
return redis.call('EXISTS', seen) == 0 and redis.call('DEL', upload) or 0
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """An upload of one message; `hour` is where its bytes are counted, None when another request had stored it."""

    message: Message
    upload: Upload
    hour: int | None


class Uploads:
    """Those of one web server; each method raises RetryableError without Redis."""

    def __init__(self, store: Store, most_bytes: int = MOST_BYTES) -> None:
        self._redis = store.redis
        self._codec = store.codec
        self._most_bytes = most_bytes
        self._reserve = store.redis.register_script(_RESERVE)
        self._drop = store.redis.register_script(_DROP)

    def ref(self, message: Message, upload: Upload) -> MediaRef:
        """What a message names its file by."""
        return MediaRef(upload.kind, f"{message.channel.space}/{message.id}", upload.name, len(upload.data))

    def accepting(self, upload: Upload, accept: Accept) -> Accept:
        """`accept` for a message with a file, which is kept if the message is new; WebError 507 when none fits."""

        async def accept_with_file(event: PlatformEvent) -> bool:
            assert isinstance(event, Message)
            kept = await self._keep(event, upload)
            accepted = await accept(event)
            await (self._confirm(kept) if accepted else self._forget(kept))
            return accepted

        return accept_with_file

    async def _keep(self, message: Message, upload: Upload) -> Kept:
        """Store a file for as long as it takes to accept its message; the first one of a message stays."""
        with translated():
            if await self._redis.exists(keys.seen(message.channel, message.id)):
                return Kept(message, upload, None)
            hour = int(clock.now() // _HOUR_S)
            oldest = hour - keys.UPLOAD_S // _HOUR_S - 1
            arguments = [len(upload.data), self._most_bytes, hour, oldest, keys.UPLOAD_S + 2 * _HOUR_S]
            if not await self._reserve(keys=[keys.uploads()], args=arguments):
                raise WebError(507, "web_no_room")
            name = keys.upload(message.channel, message.id)
            if not await self._redis.set(name, self._sealed(message, upload), nx=True, ex=_UNDECIDED_S):
                await self._release(upload, hour)
                return Kept(message, upload, None)
        return Kept(message, upload, hour)

    async def _confirm(self, kept: Kept) -> None:
        name = keys.upload(kept.message.channel, kept.message.id)
        with translated():
            if not await self._redis.expire(name, keys.UPLOAD_S):
                # Stored by another request with the same key, which was refused meanwhile.
                await self._redis.set(name, self._sealed(kept.message, kept.upload), nx=True, ex=keys.UPLOAD_S)

    async def _forget(self, kept: Kept) -> None:
        if kept.hour is None:
            return
        channel, id = kept.message.channel, kept.message.id
        with translated():
            if await self._drop(keys=[keys.seen(channel, id), keys.upload(channel, id)]):
                await self._release(kept.upload, kept.hour)

    def _sealed(self, message: Message, upload: Upload) -> bytes:
        return self._codec.seal(FILE, home_of(message.channel), upload.data)

    async def _release(self, upload: Upload, hour: int) -> None:
        await self._redis.hincrby(keys.uploads(), str(hour), -len(upload.data))
