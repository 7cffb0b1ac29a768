"""Finds what a channel keeps of one person, or of everybody, by the ids under which it keeps anything.

It reads alone: `erasure` erases what is found here, /export gives it away.
"""

from collections.abc import Sequence
from typing import Any, cast

from core.feedback.ratings import RATING_KIND, RECORD_KIND
from core.lanes import dead_letters
from core.privacy.ownership import FILES, ChannelData, SubjectData, split
from core.store import keys
from core.store.codec import DIALOGUE, EVENT, PART, PREFERENCES, home_of
from core.store.redis import Store, translated
from core.values.channel import ChannelKey

_BATCH = 200
OF_TURN = (*FILES, "answer", "shown")
OF_CHANNEL = (*OF_TURN, "in", "out", "dlg", "dead", "fb", "ref", "planned", "people", "channels", "ids")
"""Kinds of keys that are found, so that nothing of them is left."""


class SubjectDataReader:
    """Finds it; each method raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._codec = store.codec

    async def sizes(self, files: Sequence[str]) -> dict[tuple[str, str], int]:
        """Kind and turn of each of these files -> its bytes."""
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in files:
                    pipe.strlen(name)
                sizes = await pipe.execute()
        named = (keys.named(name) for name in files)
        return {(kind, rest.rpartition("/")[2]): size for (kind, rest), size in zip(named, sizes, strict=True)}

    async def of(self, channel: ChannelKey, person: str, *, head: bool = True) -> SubjectData:
        """What a channel keeps of a person or of EVERYBODY; without `head` all but what its lane is at."""
        of_turns, refs = await self._named(channel)
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.get(keys.of_channel("dlg", channel))
                pipe.get(keys.of_channel("prefs", channel))
                pipe.lrange(keys.of_channel("in", channel), 0 if head else 1, -1)
                pipe.lrange(keys.of_channel("out", channel), 0, -1)
                pipe.lrange(keys.of_channel("dead", channel), 0, -1)
                pipe.hgetall(keys.of_channel("fb", channel))
                pipe.hgetall(keys.of_channel("planned", channel))
                for name in refs:
                    pipe.get(name)
                memory, chosen, waiting, unsent, dead, rated, planned, *records = await pipe.execute()
        codec, home = self._codec, home_of(channel)
        recorded = {
            name: record
            for name, raw in zip(refs, records, strict=True)
            if raw and (record := codec.open(RECORD_KIND, home, raw)).thread == channel.thread
        }
        found = ChannelData(
            channel,
            codec.read(DIALOGUE, home, memory or b""),
            codec.read(PREFERENCES, home, chosen or b""),
            [codec.read(EVENT, home, raw) for raw in waiting],
            [codec.read(PART, home, raw) for raw in unsent],
            [dead_letters.read(codec, channel, raw) for raw in dead],
            {field: codec.open(RATING_KIND, home, raw) for field, raw in rated.items()},
            recorded,
            {id.decode(): codec.read(EVENT, home, raw) for id, raw in planned.items()},
            of_turns,
        )
        return split(found, person)

    async def _named(self, channel: ChannelKey) -> tuple[list[tuple[str, str, str]], list[str]]:
        """The keys that a channel has for each turn, with kind and what follows it; those of records."""
        with translated():
            raws = cast(list[bytes], await cast(Any, self._redis.zrange(keys.of_channel("ids", channel), 0, -1)))
        ids = [raw.decode() for raw in raws]
        of_turns: list[tuple[str, str, str]] = []
        refs = dict[str, None]()
        for at in range(0, len(ids), _BATCH):
            batch = ids[at : at + _BATCH]
            probed = [(kind, id) for id in batch for kind in OF_TURN]
            with translated():
                async with self._redis.pipeline(transaction=False) as pipe:
                    for kind, id in probed:
                        pipe.exists(keys.of_turn(kind, channel, id))
                    for id in batch:
                        pipe.lrange(keys.shown(channel, id), 0, -1)
                    answers = await pipe.execute()
            there, shown = answers[: len(probed)], answers[len(probed) :]
            of_turns += [
                (keys.of_turn(kind, channel, id), kind, f"{channel}/{id}")
                for (kind, id), is_there in zip(probed, there, strict=True)
                if is_there
            ]
            refs |= {keys.ref(channel, id): None for id in batch}
            refs |= {keys.ref(channel, ref.decode()): None for each in shown for ref in each}
        return of_turns, list(refs)
