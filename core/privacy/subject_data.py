"""Finds what a channel keeps of one person, or of everybody, by walking the table of keys.

It reads alone: `erasure` erases what is found here, /export gives it away.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import cast

from core.feedback import ratings
from core.privacy.ownership import FILES, Found, Kept, needle_of, theirs
from core.store import keys
from core.store.redis import Store, translated
from core.values.channel import ChannelKey, PlatformName

Index = Mapping[str, Sequence[str]]
"""Space -> the names of its keys."""
_BATCH = 200
_NAMELESS = (*FILES, "answer")
_OF_TURN = (*_NAMELESS, "shown")
_OF_SPACES = (*_OF_TURN, "in", "out", "dlg", "dead", "fb", "ref", "parked")


class Personal:
    """Finds it; each method raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis

    async def index(self, platform: PlatformName, space: str = "*") -> Index:
        """The names of all keys of a platform's spaces, or of one; of the kinds that hold what people said or did."""
        found: dict[str, list[str]] = defaultdict(list)
        with translated():
            async for raw in self._redis.scan_iter(match=f"parley:*:*:{platform}/{space}*", count=1000):
                kind, rest = keys.named(cast(bytes, raw).decode())
                name = rest.split("/")[1]
                if kind in _OF_SPACES and space in ("*", name):
                    found[name].append(raw.decode())
        return found

    async def channels(self, index: Index, person: str) -> list[ChannelKey]:
        """Those where a person's id stands in anything that is kept, or where there are files, which bear no names."""
        needle, found = needle_of(person), dict[ChannelKey, None]()
        for names in index.values():
            for at in range(0, len(names), _BATCH):
                batch = names[at : at + _BATCH]
                for name, raws in zip(batch, await self._read(batch), strict=True):
                    field = f"\t{person}".encode()
                    kind, rest = keys.named(name)
                    if kind in _NAMELESS or any(needle in raw or raw.endswith(field) for raw in raws):
                        thread = ratings.decode_record(raws[0]).thread if kind == "ref" else ""
                        found[_channel_of(kind, rest, thread)] = None
        return list(found)

    async def _read(self, names: Sequence[str]) -> list[list[bytes]]:
        """What lies under keys that may bear names."""
        types = {kind.name: kind.redis_type for kind in keys.TABLE}
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in names:
                    kind, _ = keys.named(name)
                    match "" if kind in _NAMELESS else types[kind]:
                        case "list":
                            pipe.lrange(name, 0, -1)
                        case "hash":
                            pipe.hkeys(name)
                        case "string":
                            pipe.get(name)
                        case _:
                            pipe.exists(name)
                answers = await pipe.execute()
        return [each if isinstance(each, list) else [each] if isinstance(each, bytes) else [] for each in answers]

    async def sizes(self, files: Sequence[str]) -> dict[tuple[str, str], int]:
        """Kind and turn of each of these files -> its bytes."""
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in files:
                    pipe.strlen(name)
                sizes = await pipe.execute()
        named = (keys.named(name) for name in files)
        return {(kind, rest.rpartition("/")[2]): size for (kind, rest), size in zip(named, sizes, strict=True)}

    async def of(self, channel: ChannelKey, person: str, index: Index, *, head: bool = True) -> Kept:
        """What a channel keeps of a person or of EVERYBODY; without `head` all but what its lane is at."""
        named = [(name, *keys.named(name)) for name in index.get(channel.space, ())]
        refs = [name for name, kind, _ in named if kind == "ref"]
        parked = [name for name, kind, _ in named if kind == "parked"]
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.get(keys.of_channel("dlg", channel))
                pipe.get(keys.of_channel("prefs", channel))
                pipe.lrange(keys.of_channel("in", channel), 0 if head else 1, -1)
                pipe.lrange(keys.of_channel("out", channel), 0, -1)
                pipe.lrange(keys.of_channel("dead", channel), 0, -1)
                pipe.hgetall(keys.of_channel("fb", channel))
                for name in refs:
                    pipe.get(name)
                for name in parked:
                    pipe.lrange(name, 0, -1)
                memory, chosen, waiting, unsent, buried, rated, *more = await pipe.execute()
        records = {
            name: record
            for name, raw in zip(refs, more[: len(refs)], strict=True)
            if raw and (record := ratings.decode_record(raw)).thread == channel.thread
        }
        found = Found(
            channel,
            memory or b"",
            chosen or b"",
            waiting,
            unsent,
            buried,
            {field: ratings.decode_rating(raw) for field, raw in rated.items()},
            records,
            dict(zip(parked, more[len(refs) :], strict=True)),
            [
                (name, kind, rest)
                for name, kind, rest in named
                if kind in _OF_TURN and _channel_of(kind, rest) == channel
            ],
        )
        return theirs(found, person)


def _channel_of(kind: str, rest: str, thread: str = "") -> ChannelKey:
    """The channel that a key belongs to, by what follows its kind."""
    if kind in ("ref", "parked"):
        platform, space, _ = rest.split("/", 2)
        return ChannelKey(cast(PlatformName, platform), space, thread)
    return ChannelKey.parse(rest.rpartition("/")[0] if kind in _OF_TURN else rest)
