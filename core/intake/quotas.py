"""How much one person and one channel may use: messages a minute, minutes of voice notes and generated tokens a day.

Counted by the `limits` library in windows of a fixed length, which begin with the first use, in the Redis that all
processes share. Reception asks before a message is stored, so nothing that was accepted is given up; what a turn took
is counted when it is known, so the last one may go beyond. A quota of 0 is none; without any Redis is not asked.
"""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Literal

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.strategies import FixedWindowRateLimiter

from core import clock
from core.errors import RetryableError
from core.intake.windows import Windows
from core.store import keys
from core.store.redis import Store, translated
from core.telemetry import log
from core.values.channel import ChannelKey, Person
from core.values.events import Edit, Message

_LOG = log("quotas")
Measure = Literal["messages", "voice", "tokens"]
Scope = Literal["person", "channel"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one person, or one channel, may use; 0: as much as they like."""

    messages_per_minute: int = 0
    voice_minutes_per_day: int = 0
    tokens_per_day: int = 0


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit, and how the library counts it; voice is counted in seconds."""

    measure: Measure
    scope: Scope
    limit: int
    item: RateLimitItem


@dataclass(frozen=True, slots=True)
class Exceeded:
    """The quota that was reached, in how many seconds it ends, and whether nobody was told of it yet."""

    quota: Quota
    ends_s: int
    news: bool


class Quotas:
    """One for all channels."""

    def __init__(self, store: Store, person: Allowance, channel: Allowance) -> None:
        self._redis = store.redis
        self._quotas = (*_quotas("person", person), *_quotas("channel", channel))
        self._limiter = FixedWindowRateLimiter(Windows(store))

    async def exceeded(self, event: Message | Edit, measures: Collection[Measure]) -> Exceeded | None:
        """The quota that forbids a message, which takes from these, and is counted; None when none forbids it.

        An event that its platform hands over again, because it could not be stored, is counted once. RetryableError
        without Redis.
        """
        asked = [quota for quota in self._quotas if quota.measure in measures]
        if not asked:
            return None
        message = event.message if isinstance(event, Edit) else event
        with translated():
            new = "messages" not in measures or await self._is_new(event)
            has_room = await asyncio.gather(*(self._has_room(quota, message, new=new) for quota in asked))
            reached = [quota for quota, room in zip(asked, has_room, strict=True) if not room]
            ends = [await self._ends_s(quota, message) for quota in reached]
            if not reached:
                return None
            ends_s = max(ends)
            quota = reached[ends.index(ends_s)]
            told = keys.quota_told(f"{quota.measure}/{quota.scope}/{_name(quota, message.channel, message.sender)}")
            news = bool(await self._redis.set(told, 1, nx=True, ex=ends_s))
        return Exceeded(quota, ends_s, news)

    @property
    def any(self) -> bool:
        """Whether there is any quota."""
        return bool(self._quotas)

    async def charge(self, measure: Measure, amount: float, channel: ChannelKey, person: Person) -> None:
        """Count what a turn took: seconds of voice or tokens. It is not worth a turn: without Redis it is logged."""
        charged = [quota for quota in self._quotas if quota.measure == measure]
        try:
            with translated():
                await asyncio.gather(
                    *(
                        self._limiter.hit(quota.item, quota.scope, _name(quota, channel, person), cost=ceil(amount))
                        for quota in charged
                    )
                )
        except RetryableError as error:
            _LOG.warning("%s: %.0f of %s not counted: %s", channel, amount, measure, error)

    async def _is_new(self, event: Message | Edit) -> bool:
        return bool(await self._redis.set(keys.counted(event.channel, event.id), 1, nx=True, ex=keys.COUNTED_S))

    async def _has_room(self, quota: Quota, message: Message, *, new: bool) -> bool:
        ask = self._limiter.hit if quota.measure == "messages" and new else self._limiter.test
        return await ask(quota.item, quota.scope, _name(quota, message.channel, message.sender))

    async def _ends_s(self, quota: Quota, message: Message) -> int:
        name = _name(quota, message.channel, message.sender)
        stats = await self._limiter.get_window_stats(quota.item, quota.scope, name)
        return max(1, ceil(stats.reset_time - clock.now()))


def _quotas(scope: Scope, allowance: Allowance) -> Iterator[Quota]:
    if limit := allowance.messages_per_minute:
        yield Quota("messages", scope, limit, RateLimitItemPerMinute(limit, namespace="messages"))
    if limit := allowance.voice_minutes_per_day:
        yield Quota("voice", scope, limit, RateLimitItemPerDay(60 * limit, namespace="voice"))
    if limit := allowance.tokens_per_day:
        yield Quota("tokens", scope, limit, RateLimitItemPerDay(limit, namespace="tokens"))


def _name(quota: Quota, channel: ChannelKey, person: Person) -> str:
    return f"{channel.platform}:{person.id}" if quota.scope == "person" else str(channel)
