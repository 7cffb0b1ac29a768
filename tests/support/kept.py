"""All that Redis and its files hold."""

from pathlib import Path
from typing import Any

from core.store.redis import Store
from core.values.channel import Person
from core.values.turn import Turn


async def everything(store: Store) -> list[bytes]:
    """Every key, and all that lies under it; what a living product takes away meanwhile is not there."""
    found: list[bytes] = []
    redis: Any = store.redis
    async for key in redis.scan_iter("*"):
        match await redis.type(key):
            case b"string":
                found += [key, await redis.get(key) or b""]
            case b"list":
                found += [key, *await redis.lrange(key, 0, -1)]
            case b"hash":
                table = await redis.hgetall(key)
                found += [key, *table, *table.values()]
            case b"zset":
                found += [key, *await redis.zrange(key, 0, -1)]
            case b"none":
                continue
            case kind:
                raise AssertionError(kind)
    return found


async def key_names(store: Store, pattern: str = "*") -> list[str]:
    found: Any = await store.redis.keys(pattern)
    return [key.decode() for key in found]


async def having(store: Store, word: str) -> list[bytes]:
    return [value for value in await everything(store) if word.encode() in value]


async def begin_counting(store: Store) -> None:
    """From here on `called` tells of what Redis is asked."""
    await store.redis.config_resetstat()


async def called(store: Store, *commands: str) -> int:
    """How often Redis was asked for one of these."""
    stats = await store.redis.info("commandstats")
    return sum(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"] for command in commands)


def turn(number: int, person: Person, said: str) -> Turn:
    return Turn(f"42:{number}", 1.0, person.name, said, f"You said: {said}", "en", "m", "p", person=person.id)


def files(folder: Path) -> bytes:
    """Every byte of every file."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
