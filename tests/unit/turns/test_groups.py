"""What one member of a group may do to the others' answers: nothing, unless they look after it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bots.locales import Phrases
from core.store.redis import Store
from core.values.channel import ChannelKey, Person
from core.values.events import Message
from tests.support.house import ANN, BOB, House, working

SAY = Phrases().say
CLUB = ChannelKey("telegram", "42:-100")


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    made = House(store)
    async with working(made):
        yield made


def said(id: str, text: str, who: Person, *, waits: bool = False) -> Message:
    return Message(id, CLUB, who, 1.0, text, group=True, waits=waits)


async def thinking(house: House, turns: int = 1) -> None:
    async with asyncio.timeout(10):
        while len(house.model.requests) < turns:
            await asyncio.sleep(0.01)


async def test_who_stops_in_a_group_stops_their_own_and_nobody_elses(house: House):
    desk, house.model.delay_s = house.desk(), 30
    await desk.accept(said("b1", "Bob's story", BOB))
    await thinking(house)
    for message in (said("a1", "one", ANN), said("b2", "two", BOB), said("a2", "three", ANN, waits=True)):
        await desk.accept(message)
    assert await desk.accept(said("s", "/stop", ANN))
    assert len(house.model.requests) == 1, "what Bob is being told goes on"
    house.model.delay_s = 0
    await desk.accept(said("s2", "/stop", BOB))
    await desk.accept(said("b3", "last", BOB))
    await house.quiet()
    own = SAY("stopped_own", "en")
    assert house.platform.texts(CLUB) == [SAY("stopped", "en"), own, own, "You said: Bob: last"]


async def test_who_stops_their_own_turn_lets_the_next_one_be_answered(house: House):
    desk, house.model.delay_s = house.desk(), 30
    await desk.accept(said("a1", "a long story", ANN))
    await thinking(house)
    house.model.delay_s = 0
    await desk.accept(said("b1", "and me", BOB))
    await desk.accept(said("s", "/stop", ANN))
    await house.quiet()
    assert house.platform.texts(CLUB) == ["You said: Bob: and me", SAY("stopped_own", "en")]


@pytest.mark.slow
async def test_a_word_to_stop_that_comes_twice_stops_nothing_that_came_after_it(house: House):
    desk = house.desk()
    await desk.accept(said("s", "/stop", ANN))
    await house.quiet()
    house.model.delay_s = 0.3
    await desk.accept(said("a1", "hello", ANN))
    assert not await desk.accept(said("s", "/stop", ANN))
    await house.quiet()
    assert house.platform.texts(CLUB)[-1] == "You said: Ann: hello"


async def test_only_who_looks_after_a_group_has_it_forget_the_conversation(house: House):
    desk = house.desk()
    await desk.accept(said("a1", "hello", ANN))
    await desk.accept(said("n1", "/new", BOB))
    await house.quiet()
    assert house.platform.texts(CLUB)[-1] == SAY("only_admins", "en")
    assert len((await house.lanes.dialogue(CLUB)).turns) == 1
    house.platform.admins.add(BOB.id)
    await desk.accept(said("n2", "/new", BOB))
    await house.quiet()
    assert (await house.lanes.dialogue(CLUB)).turns == ()


async def test_who_looks_after_a_group_stops_all_that_waits_there(house: House):
    desk, house.model.delay_s = house.desk(), 30
    await desk.accept(said("b1", "Bob's story", BOB))
    await thinking(house)
    await desk.accept(said("a1", "one", ANN, waits=True))
    await desk.accept(said("s1", "/stop all", ANN))
    await thinking(house, 2)
    assert house.platform.texts(CLUB) == [SAY("only_admins", "en")]
    house.platform.admins.add(ANN.id)
    await desk.accept(said("s2", "/stop all", ANN))
    await house.quiet()
    assert [part.turn for part in house.platform.sent[1:]] == ["s2", "a1"]
    assert set(house.platform.texts(CLUB)[1:]) == {SAY("stopped", "en")}
