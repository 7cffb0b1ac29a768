"""What nobody can read costs only itself, and none of its words reach the log."""

import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PermanentError
from core.feedback.ratings import RATING_KIND, RECORD_KIND
from core.store import keys
from core.store.redis import Store
from core.values import dialogue, preferences
from core.values.channel import MediaRef
from core.values.events import Message, Reaction, decode_event
from core.values.parts import TextPart, decode_part, encode_part
from tests.support.house import ANN, HERE, House, working

CANARY = "plum-coloured canary"


@pytest.fixture
async def house(store: Store) -> House:
    return House(store)


async def out(house: House, *raws: bytes) -> None:
    await house.store.redis.rpush(keys.of_channel("out", HERE), *raws)
    await house.store.redis.zadd(keys.ready(keys.partition(HERE), "telegram"), {str(HERE): 0})


async def dead(house: House) -> list[bytes]:
    found: Any = house.store.redis.lrange(keys.of_channel("dead", HERE), 0, -1)
    return [entry.partition(b":")[2] for entry in await found]


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_part_that_nobody_can_read_leaves_the_others_to_be_sent(house: House, at: int):
    raws = [encode_part(TextPart("t", index, HERE, f"part {index}")) for index in range(3)]
    raws[at] = b'{"newer":"version"}'
    await out(house, *raws)
    async with working(house):
        await house.quiet()
    assert house.platform.texts(HERE) == [f"part {index}" for index in range(3) if index != at]
    assert await dead(house) == [b'{"newer":"version"}']


@pytest.mark.slow
@pytest.mark.parametrize("at", [0, 1, 2])
async def test_an_event_that_nobody_can_read_leaves_its_album_whole(
    house: House, at: int, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.ERROR)
    broken = f'{{"type":"message","id":"x","text":"{CANARY}"}}'.encode()
    inbox = keys.of_channel("in", HERE)
    for number in range(3):
        if number == at:
            await house.store.redis.rpush(inbox, broken)
        media = (MediaRef("image", str(number)),) if number else ()
        await house.lanes.accept(
            Message(f"a{number}", HERE, ANN, 1.0, f"word{number}", media, ref=f"a{number}", album="x")
        )
    await house.say("hello")
    async with working(house):
        await house.quiet()
    notice, answer = house.platform.texts(HERE)
    assert "pictures" in notice
    assert answer == "You said: hello"
    assert await dead(house) == [broken]
    assert "gave up on" in caplog.text
    assert "missing at message.channel" in caplog.text
    assert CANARY not in caplog.text


async def test_a_reaction_on_a_record_that_nobody_can_read_is_set_aside_at_once(house: House):
    await house.store.redis.set(keys.ref(HERE, "m"), b"{broken")
    await house.lanes.accept(Reaction("r", HERE, ANN, 1.0, "m", added=("👍",)))
    await house.say("hello")
    async with working(house):
        await house.quiet()
    assert house.platform.texts(HERE) == ["You said: hello"]
    assert len(await dead(house)) == 1


@pytest.mark.parametrize(
    "decode", [decode_event, decode_part, dialogue.decode, preferences.decode, RECORD_KIND.load, RATING_KIND.load]
)
@given(
    form=st.sampled_from(['"{}"', '{{"text":"{}"}}', '{{"type":"{}"}}', '{{"turns":["{}"],"type":"message"}}', "{}{{"])
)
def test_an_error_about_what_people_wrote_holds_none_of_it(decode: Callable[[bytes], object], form: str):
    with pytest.raises(PermanentError) as raised:
        decode(form.format(CANARY).encode())
        raise PermanentError("every key of it may be left out")
    assert "canary" not in "".join(traceback.format_exception(raised.value))
