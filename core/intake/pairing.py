"""Strangers who asked to be let in, the codes that an owner confirms, and who was let in: one Redis for all processes.

A stranger is a person, or a group of a platform (a Telegram group, a Discord server), written as in the settings:
`telegram:123`. A code has 40 bits, is good for an hour, and at most a hundred are out at once. Nothing that a stranger
says is kept.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

from pydantic import TypeAdapter

from core import clock
from core.lanes.lanes import Lanes
from core.store import keys
from core.store.redis import Store, translated
from core.values.channel import ChannelKey, Person
from core.values.codec import to_json
from core.values.events import Message

CODE_S = 3600
_MOST_WAITING = 100
_MOST_TRIES, _TRIES_S = 20, 3600
"""Wrong codes in an hour, of all owners together; the command line is not counted."""
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""No I, O, 0 or 1, which look alike."""
_CODE_LETTERS = 8
_ID_BYTES = 10
_KNOCK = """
-- KEYS waiting   ARGV who record now lifetime_s most
-- -> the record that is held: an earlier one that is still good, or this one; false when too many wait
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and cjson.decode(held).ends > tonumber(ARGV[3]) then return {0, held} end
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if cjson.decode(all[i + 1]).ends <= tonumber(ARGV[3]) then redis.call('HDEL', KEYS[1], all[i]) end
end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then return {-1, ''} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {1, ARGV[2]}
"""
_TOLD = """
-- KEYS waiting   ARGV who code record   keeps the record of a code that is still out
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and cjson.decode(held).code == ARGV[2] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1
"""
_CONFIRM = """
-- KEYS waiting access tries   ARGV code now most_tries(0: any) tries_s
-- -> 1 and the record, 0 unknown, -1 too many tries
local most = tonumber(ARGV[3])
if most > 0 and tonumber(redis.call('GET', KEYS[3]) or '0') >= most then return {-1, ''} end
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local record = cjson.decode(all[i + 1])
  if record.code == ARGV[1] and record.ends > tonumber(ARGV[2]) then
    redis.call('HDEL', KEYS[1], all[i])
    redis.call('HSET', KEYS[2], all[i], all[i + 1])
    return {1, all[i + 1]}
  end
end
if most > 0 and redis.call('INCR', KEYS[3]) == 1 then redis.call('EXPIRE', KEYS[3], ARGV[4]) end
return {0, ''}
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


_STRANGER: TypeAdapter[Stranger] = TypeAdapter(Stranger)


class TooManyTries(Exception):
    """So many wrong codes that no further one is looked at for a while."""


class Pairing:
    """Each method raises RetryableError without Redis."""

    def __init__(self, store: Store, lanes: Lanes) -> None:
        self._redis = store.redis
        self._lanes = lanes
        self._knock = store.redis.register_script(_KNOCK)
        self._told = store.redis.register_script(_TOLD)
        self._confirm = store.redis.register_script(_CONFIRM)

    async def knock(self, stranger: Stranger, lifetime_s: int = CODE_S) -> tuple[Stranger, bool] | None:
        """The stranger with a code, and whether it is a new one; None when so many wait that nobody else may."""
        now = clock.now()
        code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LETTERS))
        record = to_json(_STRANGER, replace(stranger, code=code, ends=now + lifetime_s))
        arguments = [stranger.who, record, now, lifetime_s, _MOST_WAITING]
        with translated():
            state, held = await self._knock(keys=[keys.waiting()], args=arguments)
        return None if state < 0 else (_STRANGER.validate_json(held), state == 1)

    async def told(self, stranger: Stranger) -> None:
        """A stranger has heard their code, so that it is not said again."""
        record = to_json(_STRANGER, replace(stranger, told=True))
        with translated():
            await self._told(keys=[keys.waiting()], args=[stranger.who, stranger.code, record])

    async def confirm(self, code: str, *, at_the_machine: bool = False) -> Stranger | None:
        """Let in who has this code, and greet them where they asked; None for a code that is not good.

        TooManyTries after too many wrong ones, which whoever sits `at_the_machine` cannot reach.
        """
        most = 0 if at_the_machine else _MOST_TRIES
        with translated():
            state, held = await self._confirm(
                keys=[keys.waiting(), keys.access(), keys.pairing_tries()],
                args=[code.strip().upper(), clock.now(), most, _TRIES_S],
            )
        if state < 0:
            raise TooManyTries
        if state == 0:
            return None
        found = _STRANGER.validate_json(held)
        channel = ChannelKey.parse(found.channel)
        hello = Message(secrets.token_hex(_ID_BYTES), channel, found.sender, clock.now(), "/start", group=found.group)
        await self._lanes.accept(hello)
        return found

    async def waiting(self) -> list[Stranger]:
        """Who has a code that is good, the oldest first."""
        found = [stranger for stranger in await self._all(keys.waiting()) if stranger.ends > clock.now()]
        return sorted(found, key=lambda stranger: stranger.ends)

    async def let_in(self) -> list[Stranger]:
        """Everybody who was let in by a code."""
        return sorted(await self._all(keys.access()), key=lambda stranger: stranger.who)

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
            record: bytes | None = await cast(Any, self._redis.hget(keys.access(), old))
            if record is not None:
                renamed = replace(_STRANGER.validate_json(record), who=new)
                await cast(Any, self._redis.hset(keys.access(), new, to_json(_STRANGER, renamed)))
                await cast(Any, self._redis.hdel(keys.access(), old))

    async def _all(self, key: str) -> list[Stranger]:
        with translated():
            held: list[bytes] = await cast(Any, self._redis.hvals(key))
        return [_STRANGER.validate_json(record) for record in held]
