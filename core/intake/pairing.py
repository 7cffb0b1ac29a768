"""Strangers who asked to be let in, the codes that an owner confirms, and who was let in: one Redis for all processes.

A stranger is a person, or a group of a platform (a Telegram group, a Discord server), written as in the settings:
`telegram:123`. A code has 40 bits, is good for an hour, and at most a hundred are out at once. Nothing that a stranger
says is kept.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

from core import clock
from core.lanes.lanes import Lanes
from core.store import keys
from core.store.codec import json_of
from core.store.redis import Store, translated
from core.values.channel import ChannelKey, Person
from core.values.events import Message

CODE_S = 3600
_MOST_WAITING = 100
_MOST_TRIES, _TRIES_S = 20, 3600
"""Wrong codes in an hour, of all owners together; the command line is not counted."""
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""No I, O, 0 or 1, which look alike."""
_CODE_LETTERS = 8
_ID_BYTES = 10
_SWAP = """
-- KEYS waiting   ARGV who read record lifetime_s most
-- -> 1, 0 when the record is another than was read ('': none), -1 when too many wait
local waiting = unpack(KEYS)
local who, read, record, lifetime_s, most = unpack(ARGV)
if (redis.call('HGET', waiting, who) or '') ~= read then return 0 end
if read == '' and redis.call('HLEN', waiting) >= tonumber(most) then return -1 end
redis.call('HSET', waiting, who, record)
if tonumber(lifetime_s) > math.max(0, redis.call('TTL', waiting)) then redis.call('EXPIRE', waiting, lifetime_s) end
return 1
"""
_DROP = """
-- KEYS waiting   ARGV who read who read ...   forgets those whose record is what was read
local waiting = unpack(KEYS)
local pairs_read = {unpack(ARGV)}
for at = 1, #pairs_read, 2 do
  local who, read = pairs_read[at], pairs_read[at + 1]
  if redis.call('HGET', waiting, who) == read then redis.call('HDEL', waiting, who) end
end
return 1
"""
_LET_IN = """
-- KEYS waiting access   ARGV who read   -> 1, or 0 when the record is another than was read
local waiting, access = unpack(KEYS)
local who, read = unpack(ARGV)
if redis.call('HGET', waiting, who) ~= read then return 0 end
redis.call('HDEL', waiting, who)
redis.call('HSET', access, who, read)
return 1
"""
_WRONG = """
-- KEYS tries   ARGV tries_s   counts a wrong code
local tries = unpack(KEYS)
local tries_s = unpack(ARGV)
if redis.call('INCR', tries) == 1 then redis.call('EXPIRE', tries, tries_s) end
return 1
"""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Who asked: a person or a group, the `sender` by whom, in which channel, and until when (s) the code is good.

    `told`: they have heard the code.
    """

    who: str
    sender: Person
    channel: str
    group: bool
    code: str = ""
    ends: float = 0.0
    told: bool = False
    version: int = 1


_STRANGER = json_of(Stranger, "the record of a stranger")


class TooManyTries(Exception):
    """So many wrong codes that no further one is looked at for a while."""


class Pairing:
    """Each method raises RetryableError without Redis."""

    def __init__(self, store: Store, lanes: Lanes) -> None:
        self._redis = store.redis
        self._codec = store.codec
        self._lanes = lanes
        self._swap = store.redis.register_script(_SWAP)
        self._drop = store.redis.register_script(_DROP)
        self._let_in = store.redis.register_script(_LET_IN)
        self._wrong = store.redis.register_script(_WRONG)

    async def knock(self, stranger: Stranger, lifetime_s: int = CODE_S) -> tuple[Stranger, bool] | None:
        """The stranger with a code, and whether it is a new one; None when so many wait that nobody else may."""
        code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LETTERS))
        state = 0
        while state == 0:
            held, read = await self._held(stranger.who)
            if held is not None and held.ends > clock.now():
                return held, False
            if not read:
                await self._forget_old()
            stranger = replace(stranger, code=code, ends=clock.now() + lifetime_s)
            state = await self._keep(stranger, read, lifetime_s)
        return (stranger, True) if state > 0 else None

    async def told(self, stranger: Stranger) -> None:
        """A stranger has heard their code, so that it is not said again."""
        held, read = await self._held(stranger.who)
        if held is not None and held.code == stranger.code:
            await self._keep(replace(stranger, told=True), read)

    async def confirm(self, code: str, *, at_the_machine: bool = False) -> Stranger | None:
        """Let in who has this code, and greet them where they asked; None for a code that is not good.

        TooManyTries after too many wrong ones, which whoever sits `at_the_machine` cannot reach.
        """
        tries = keys.pairing_tries()
        with translated():
            if not at_the_machine and int(cast(bytes | None, await self._redis.get(tries)) or 0) >= _MOST_TRIES:
                raise TooManyTries
        for found, read in await self._all(keys.waiting()):
            if found.code == code.strip().upper() and found.ends > clock.now():
                with translated():
                    mine = await self._let_in(keys=[keys.waiting(), keys.access()], args=[found.who, read])
                if mine:
                    await self._greet(found)
                    return found
        if not at_the_machine:
            with translated():
                await self._wrong(keys=[tries], args=[_TRIES_S])
        return None

    async def waiting(self) -> list[Stranger]:
        """Who has a code that is good, the oldest first."""
        found = [stranger for stranger, _ in await self._all(keys.waiting()) if stranger.ends > clock.now()]
        return sorted(found, key=lambda stranger: stranger.ends)

    async def let_in(self) -> list[Stranger]:
        """Everybody who was let in by a code."""
        return sorted((stranger for stranger, _ in await self._all(keys.access())), key=lambda stranger: stranger.who)

    async def knows(self, names: Iterable[str]) -> list[str]:
        """Those of these people and groups who were let in."""
        asked = list(names)
        with translated():
            held: list[bytes | None] = await cast(Any, self._redis.hmget(keys.access(), asked))
        return [name for name, record in zip(asked, held, strict=True) if record is not None]

    async def remove(self, who: str) -> bool:
        """Take access back; False when nobody of that name had it."""
        with translated():
            return bool(await cast(Any, self._redis.hdel(keys.access(), who)))

    async def rename(self, old: str, new: str) -> None:
        """A group that was let in has another name now; safe to repeat."""
        with translated():
            read: bytes | None = await cast(Any, self._redis.hget(keys.access(), old))
            if read is not None:
                renamed = replace(self._codec.open(_STRANGER, old, read), who=new)
                await cast(Any, self._redis.hset(keys.access(), new, self._codec.seal(_STRANGER, new, renamed)))
                await cast(Any, self._redis.hdel(keys.access(), old))

    async def _held(self, who: str) -> tuple[Stranger | None, bytes]:
        """The record of a stranger who waits, and its bytes, b"" when there is none."""
        with translated():
            read = cast(bytes | None, await cast(Any, self._redis.hget(keys.waiting(), who))) or b""
        held = self._codec.read(_STRANGER, who, read).value
        return (held if isinstance(held, Stranger) else None), read

    async def _keep(self, stranger: Stranger, read: bytes, lifetime_s: int = 0) -> int:
        """Write a record in the place of the one that was read; see the script."""
        sealed = self._codec.seal(_STRANGER, stranger.who, stranger)
        with translated():
            return await self._swap(keys=[keys.waiting()], args=[stranger.who, read, sealed, lifetime_s, _MOST_WAITING])

    async def _forget_old(self) -> None:
        """Make room where codes are not good any more."""
        found = await self._all(keys.waiting())
        old = [each for stranger, read in found if stranger.ends <= clock.now() for each in (stranger.who, read)]
        if old:
            with translated():
                await self._drop(keys=[keys.waiting()], args=old)

    async def _greet(self, found: Stranger) -> None:
        channel = ChannelKey.parse(found.channel)
        hello = Message(secrets.token_hex(_ID_BYTES), channel, found.sender, clock.now(), "/start", group=found.group)
        await self._lanes.accept(hello)

    async def _all(self, key: str) -> list[tuple[Stranger, bytes]]:
        """All records that can be read, each with its bytes."""
        with translated():
            table: dict[bytes, bytes] = await cast(Any, self._redis.hgetall(key))
        entries = (self._codec.read(_STRANGER, who.decode(), read) for who, read in table.items())
        return [(entry.value, entry.raw) for entry in entries if isinstance(entry.value, Stranger)]
