"""Erases what a channel keeps of a person or of everybody from Redis, at once; `aof_rewrite` does so in its files.

Everything is safe to repeat: a crash in between does it again, because the request stays in its lane until it is done.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import cast

from redis.asyncio.client import Pipeline
from redis.exceptions import WatchError

from core import clock
from core.lanes import voiding
from core.lanes.voiding import Noted
from core.privacy.ownership import EVERYBODY, SubjectData
from core.privacy.subject_data import SubjectDataReader
from core.store import keys
from core.store.codec import DIALOGUE, EVENT, PREFERENCES, Codec, home_of
from core.store.redis import Store, translated
from core.values import preferences
from core.values.channel import ChannelKey
from core.values.events import Message
from core.values.parts import Part, RemovalPart
from core.values.preferences import Preferences

_LEFT_TO_FINISH_S = 2.0
"""For an answer that is on its way out. Then its owner loses the lane, and what it is sending may be seen twice."""
_LOOK_AGAIN_S = 0.05

Sorry = Callable[[Message], Part]
"""What is said to someone whose app waits for an answer that will not come."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was erased; `waiting` are messages and parts of answers, `aside` what had been given up.

    `changes` counts the channels in which anything went, also what is told of by no other number.
    """

    turns: int = 0
    summaries: int = 0
    ratings: int = 0
    files: int = 0
    waiting: int = 0
    aside: int = 0
    changes: int = 0

    @property
    def told(self) -> dict[str, int]:
        """What people are told of, where it is more than none."""
        return {what: count for what, count in asdict(self).items() if count and what != "changes"}

    def __add__(self, other: "Erased") -> "Erased":
        return Erased(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


class Erasure:
    """One for all channels; each method raises RetryableError without Redis."""

    def __init__(self, store: Store, personal: SubjectDataReader) -> None:
        self._redis = store.redis
        self._codec = store.codec
        self._personal = personal

    async def erase(
        self, channel: ChannelKey, person: str, sorry: Sorry, *, wish: str, own: bool
    ) -> tuple[bool, tuple[Part, ...]]:
        """Erase what a channel keeps of a person or of EVERYBODY, and void the turn that runs there.

        Returns whether there was anything; how much is counted under the id of their `wish`, in the same step. `own`:
        the caller holds the lane, whose head stays; it is given the parts that are to be sent now, which otherwise
        wait in the lane.
        """
        deadline = clock.monotonic() + _LEFT_TO_FINISH_S
        lane, memory, planned = (keys.of_channel(kind, channel) for kind in ("lane", "dlg", "planned"))
        while True:
            try:
                with translated():
                    async with self._redis.pipeline(transaction=True) as pipe:
                        await pipe.watch(lane, memory, planned)
                        kept = await self._personal.of(channel, person, head=not own)
                        state = await voiding.noted(pipe, channel)
                        parts = _parts(kept, state, sorry)
                        sending = state.outgoing and not own
                        if not kept.anything:
                            return False, ()
                        if not (sending and (kept.parts or parts)) or clock.monotonic() > deadline:
                            pipe.multi()
                            _erase(pipe, self._codec, kept, person)
                            _give_up(pipe, kept, state)
                            if not own and (not sending or kept.parts or parts):
                                voiding.interrupt(pipe, self._codec, channel, parts)
                            _count(pipe, channel, wish, _counted(kept))
                            await pipe.execute()
                            return True, parts if own else ()
            except WatchError:
                continue
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def count(self, channel: ChannelKey, wish: str, erased: Erased) -> None:
        """What else is erased for a wish."""
        with translated():
            async with self._redis.pipeline(transaction=True) as pipe:
                _count(pipe, channel, wish, erased)
                await pipe.execute()

    async def counted(self, channels: Sequence[ChannelKey], wish: str) -> Erased:
        """All that was erased for a wish in these channels, in all its tries."""
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for channel in channels:
                    pipe.hgetall(keys.of_turn("erased", channel, wish))
                found = cast(list[dict[bytes, bytes]], await pipe.execute())
        counts = ({name.decode(): int(count) for name, count in each.items()} for each in found)
        return sum((Erased(**each) for each in counts), Erased())

    async def forget_counts(self, channels: Sequence[ChannelKey], wish: str) -> None:
        """The wish is granted."""
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for channel in channels:
                    pipe.delete(keys.of_turn("erased", channel, wish))
                await pipe.execute()


def _count(pipe: Pipeline, channel: ChannelKey, wish: str, erased: Erased) -> None:
    name = keys.of_turn("erased", channel, wish)
    for what, count in asdict(erased).items():
        if count:
            pipe.hincrby(name, what, count)
    pipe.expire(name, keys.DAY_S)


def _parts(kept: SubjectData, state: Noted, sorry: Sorry) -> tuple[Part, ...]:
    """What people are to see of it: whose app waits hears of it, and an answer that was growing goes."""
    events = [entry.value for entry in kept.events]
    notices = [sorry(event) for event in events if isinstance(event, Message) and event.waits]
    turn, ref = state.draft
    grown = [RemovalPart(turn, 0, kept.channel, ref)] if turn in kept.event_ids else []
    return (*notices, *grown)


def _erase(pipe: Pipeline, codec: Codec, kept: SubjectData, person: str) -> None:
    channel, home = kept.channel, home_of(kept.channel)
    if kept.left is None:
        pipe.delete(keys.of_channel("dlg", channel))
    elif kept.left != kept.dialogue:
        empty = not (kept.left.turns or kept.left.summary)
        # Its edition alone is left: by that a summary is known which comes late.
        pipe.set(
            keys.of_channel("dlg", channel), codec.seal(DIALOGUE, home, kept.left), ex=keys.DAY_S if empty else None
        )
    for entry, without in kept.quoting:
        sealed = codec.seal(EVENT, home, without)
        pipe.linsert(keys.of_channel("in", channel), "BEFORE", entry.raw, sealed)  # pyright: ignore[reportArgumentType]
        pipe.lrem(keys.of_channel("in", channel), 1, entry.raw)  # pyright: ignore[reportArgumentType]
    lists = (("in", kept.events), ("out", kept.parts), ("dead", kept.dead))
    for kind, entries in lists:
        for entry in entries:
            pipe.lrem(keys.of_channel(kind, channel), 1, entry.raw)  # pyright: ignore[reportArgumentType]
    voiding.cancel(pipe, channel, kept.planned)
    if kept.ratings:
        pipe.hdel(keys.of_channel("fb", channel), *kept.ratings)
    if whole := (*kept.records, *kept.files, *kept.answers):
        pipe.delete(*whole)
    if kept.ids:
        pipe.zrem(keys.of_channel("ids", channel), *kept.ids)
    if person == EVERYBODY and not channel.thread:
        pipe.delete(keys.voiceless(channel))
    if person == EVERYBODY and kept.preferences.persona:
        _prefer(pipe, codec, channel, replace(kept.preferences, persona=""))
    if person != EVERYBODY and kept.personal_preferences:
        _prefer(pipe, codec, channel, preferences.impersonal(kept.preferences))


def _prefer(pipe: Pipeline, codec: Codec, channel: ChannelKey, left: Preferences) -> None:
    name = keys.of_channel("prefs", channel)
    if left == Preferences():
        pipe.delete(name)
    else:
        pipe.set(name, codec.seal(PREFERENCES, home_of(channel), left))


def _give_up(pipe: Pipeline, kept: SubjectData, state: Noted) -> None:
    """What the lane knew of events and parts that are no more."""
    if kept.events or kept.parts:
        voiding.drop(pipe, kept.channel, state, kept.event_ids, parts=bool(kept.parts))


def _counted(kept: SubjectData) -> Erased:
    return Erased(
        turns=len(kept.turns),
        summaries=1 if kept.summary else 0,
        ratings=len(kept.ratings),
        files=len(kept.files),
        waiting=len(kept.events) + len(kept.planned) + len(kept.parts),
        aside=len(kept.dead),
        changes=1,
    )
