"""What the front desk says itself: nobody who writes waits for it, and what must be heard is said until it was."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from core.errors import ChannelGone, RetryableError, TooFast, Uncertain
from core.intake import notices as noticing
from core.intake.access import Access
from core.intake.pairing import Pairing
from core.store.redis import Store
from core.values.channel import ChannelKey, Person
from core.values.events import Message
from core.values.parts import Sendable
from tests.support.house import ANN, HERE, THERE, Desk, House


@pytest.fixture
async def house(store: Store) -> House:
    made = House(store)
    made.access = Access("pairing", ("telegram:2",), (), Pairing(store, made.lanes))
    return made


def letter(id: str, who: Person = ANN, channel: ChannelKey = HERE) -> Message:
    return Message(id, channel, who, 1.0, "let me in")


@contextlib.asynccontextmanager
async def telling(desk: Desk) -> AsyncGenerator[None]:
    task = asyncio.create_task(desk.notices.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def accept(desk: Desk, message: Message) -> bool:
    """As the product does it: without waiting for what is said."""
    return await desk.reception.accept(message)


async def test_a_send_that_hangs_holds_nobody_up(house: House, monkeypatch: pytest.MonkeyPatch):
    desk, sending, may_end = house.desk(), asyncio.Event(), asyncio.Event()
    send = house.platform.send

    async def hang(part: Sendable) -> str:
        sending.set()
        await may_end.wait()
        return await send(part)

    monkeypatch.setattr(house.platform, "send", hang)
    async with telling(desk):
        assert not await accept(desk, letter("a"))
        await sending.wait()
        assert await accept(desk, letter("b", Person("2", "Bob"), THERE))
        assert house.platform.sent == []
        may_end.set()
        await desk.notices.settled()
    assert len(house.platform.texts(HERE)) == 1


async def test_a_code_that_could_not_be_told_is_told_again(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(noticing, "_TRIES", 1)
    desk = house.desk()
    house.platform.errors = [RetryableError("away", 0.0)]
    await desk.accept(letter("a"))
    assert house.platform.sent == []
    for id in "bc":
        await desk.accept(letter(id))
    (told,) = house.platform.texts(HERE)
    (waiting,) = await house.access.pairing.waiting()
    assert waiting.told
    assert waiting.code in told


async def test_a_code_that_waits_to_be_told_is_told_once(house: House):
    desk = house.desk()
    for id in "abc":
        await accept(desk, letter(id))
    async with telling(desk):
        await desk.notices.settled()
    assert len(house.platform.texts(HERE)) == 1


async def test_a_code_is_told_once_wherever_who_it_is_for_asks_meanwhile(house: House):
    desk = house.desk()
    await accept(desk, letter("a"))
    await accept(desk, letter("b", channel=THERE))
    async with telling(desk):
        await desk.notices.settled()
        await accept(desk, letter("c", channel=THERE))
        await desk.notices.settled()
    assert (len(house.platform.texts(HERE)), house.platform.texts(THERE)) == (1, [])


async def test_a_code_that_was_used_before_it_was_told_stays_used(house: House):
    desk = house.desk()
    await accept(desk, letter("a"))
    (waiting,) = await house.access.pairing.waiting()
    assert await house.access.pairing.confirm(waiting.code)
    async with telling(desk):
        await desk.notices.settled()
    assert await house.access.pairing.waiting() == []


@pytest.mark.parametrize(
    ("error", "said"),
    [(RetryableError("away", 0.0), 1), (TooFast("slower", 0.01), 1), (Uncertain("?"), 0), (ChannelGone("gone"), 0)],
    ids=["away", "too fast", "perhaps arrived", "nobody there"],
)
async def test_it_is_tried_again_where_that_is_of_use(
    house: House, error: Exception, said: int, monkeypatch: pytest.MonkeyPatch
):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    desk: Any = house.desk()
    house.platform.errors = [error]
    monkeypatch.setattr("core.intake.notices.asyncio.sleep", sleep)
    await desk.accept(letter("a"))
    await desk.accept(letter("b"))
    assert len(house.platform.texts(HERE)) == said


async def test_a_flood_of_refusals_is_cut(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(noticing, "_MOST", 3)
    desk = house.desk()
    for number in range(10):
        await accept(desk, letter(str(number), Person(f"9{number}", "Eve"), ChannelKey("telegram", f"42:9{number}")))
    async with telling(desk):
        await desk.notices.settled()
    assert len(house.platform.sent) == 3
    assert await desk.accept(letter("again", Person("95", "Eve"), ChannelKey("telegram", "42:95"))) is False
    assert len(house.platform.sent) == 4
