"""What an earlier version left in Redis, and what nobody can read, under a running product."""

import asyncio
import re
from pathlib import Path
from typing import Any, cast

from core.lanes.lanes import Lanes
from core.store import keys
from core.store.redis import Store, open_store
from core.values.channel import ChannelKey
from core.values.events import decode_event
from core.values.parts import decode_part
from tests.fault.conftest import Note
from tests.fault.model_server import answer_to
from tests.fault.world import World, until
from tests.support.recordings import RECORDED

HERE = ChannelKey("telegram", "42:7")
CORRUPT = b'{"version":1,"never":"written"'


def recorded(name: str) -> bytes:
    """A value as the first version wrote it, moved into a chat that the local Telegram knows."""
    raw = (RECORDED / f"{name}.json").read_bytes()
    return raw.replace(b'"space":"7:-100","thread":"33"', b'"space":"42:7","thread":""')


async def put(store: Store, kind: str, *values: bytes) -> None:
    await store.redis.rpush(keys.of_channel(kind, HERE), *values)
    await store.redis.zadd(keys.ready(keys.partition(HERE), "telegram"), {str(HERE): 0})
    await store.redis.publish(keys.WAKE, keys.bell(HERE))


async def test_21_what_the_first_version_wrote_is_read(world: World, data: Path, note: Note):
    async with open_store("", data / "d") as store:
        dialogue = recorded("dialogue-1")
        await store.redis.set(keys.of_channel("dlg", HERE), dialogue)
        part, event, reaction = (recorded(name) for name in ("part-1", "message-1", "reaction-1"))
        assert decode_part(part).channel == decode_event(event).channel == HERE
        event = re.sub(rb'"media":\[.*?\]', b'"media":[]', event)  # its file is on no server
        await put(store, "out", part)
        await put(store, "in", event, reaction)
        await world.telegram.wait_sent(2)
        await world.telegram.wait_quiet()
        turns = (await Lanes(store).dialogue(HERE)).turns
        dead = await store.redis.llen(keys.of_channel("dead", HERE))
    said = [sent.text for sent in world.telegram.sent]
    note(f"a part, a message, a reaction and a dialogue of version 1: sent {said}, {dead} set aside")
    assert said == ["hello", answer_to("Ann: hi")]
    assert [turn.reply for turn in turns] == [answer_to("Ann: hi")]
    assert dead == 0


async def test_21_what_nobody_can_read_is_set_aside(world: World, data: Path, note: Note):
    async with open_store("", data / "d") as store:
        for kind in ("in", "out"):
            await put(store, kind, CORRUPT)
        await store.redis.set(keys.of_channel("dlg", HERE), CORRUPT)
        dead_key = keys.of_channel("dead", HERE)
        world.say(7, "and now?")
        verdict = await world.answered()
        await until(lambda: world.telegram.sent, "the answer")
        async with asyncio.timeout(20):
            while len(dead := await cast(Any, store.redis.lrange(dead_key, 0, -1))) < 3:
                await asyncio.sleep(0.05)
    note(f"{len(dead)} set aside, the next message answered")
    assert sorted(re.sub(rb"@\d+:", b":", each) for each in dead) == [
        kind + b":" + CORRUPT for kind in (b"dlg", b"in", b"out")
    ]
    assert verdict.perfect, verdict
