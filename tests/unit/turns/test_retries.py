"""What a try has done already, the next one does not do again."""

from typing import Any

import pytest

from core.errors import RetryableError
from core.platform import Limits
from core.store import keys
from core.store.redis import Store
from core.turns import worker
from core.values.channel import ChannelKey, Person, Quote
from core.values.events import Message
from core.values.parts import TextPart
from tests.support.house import ANN, BOB, HERE, House, working

ALLOWED = Limits(text_units=4096, media_bytes=1000, draft_gap_s=0.01, idempotent=True)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_backoff_s", lambda tries: 0.01)


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


@pytest.fixture
def charged(house: House, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float, str]]:
    """What was charged, and to whom."""
    charges: list[tuple[str, float, str]] = []

    async def charge(measure: Any, amount: float, channel: ChannelKey, person: Person) -> None:
        charges.append((measure, amount, person.id))

    monkeypatch.setattr(house.quotas, "charge", charge)
    return charges


async def lane(house: House) -> dict[bytes, bytes]:
    found: Any = house.store.redis.hgetall(keys.of_channel("lane", HERE))
    return await found


async def test_a_voice_note_is_fetched_heard_and_charged_once_however_often_its_answer_is_tried(
    house: House, charged: list[tuple[str, float, str]]
):
    house.model.enqueue(*[RetryableError("away", 0.0)] * 3, "Hello.")
    id = await house.say(audio=b"hello there")
    async with working(house):
        await house.quiet()
    (text,) = (part for part in house.platform.sent if part.kind == "text" and part.turn == id)
    assert (text.text, text.transcript) == ("🎧 “hello there”\n\nHello.", "hello there")
    assert len(house.hearing.asked) == 1
    assert [measure for measure, _, _ in charged].count("voice") == 1
    assert b"heard" not in await lane(house)


async def test_what_is_translated_is_heard_once(house: House, charged: list[tuple[str, float, str]]):
    house.platform.files["note"] = b"hello there"
    house.model.enqueue(*[RetryableError("away", 0.0)] * 3, "Hallo.")
    quote = Quote("Bob", media=(house.audio("note"),))
    await house.lanes.accept(Message("t", HERE, ANN, 1.0, "/translate de", quote=quote))
    async with working(house):
        await house.quiet()
    assert house.platform.texts(HERE) == ["Hallo."]
    assert len(house.hearing.asked) == 1
    assert [measure for measure, _, _ in charged].count("voice") == 1


async def test_what_was_heard_stays_while_somebody_else_goes_first_and_is_heard_for_its_turn_alone(
    house: House, charged: list[tuple[str, float, str]]
):
    await house.say(audio=b"hello there")
    first = await house.lanes.claim(keys.partition(HERE), "telegram")
    assert first is not None
    await house.lanes.note_heard(first, "0", b'{"text":"good morning","language":"en","duration_s":1.0}')
    await house.lanes.accept(Message("f", HERE, BOB, 1.0, "/forget me", ref="mf"), first=True)
    await house.say(audio=b"and again")
    async with working(house):
        await house.quiet()
    heard = [part.transcript for part in house.platform.sent if isinstance(part, TextPart) and part.transcript]
    assert heard == ["good morning", "and again"]
    assert [measure for measure, _, _ in charged].count("voice") == 1


async def test_what_was_heard_goes_with_whoever_wishes_to_be_forgotten(house: House):
    house.model.enqueue(RetryableError("away", 60.0))
    await house.say(audio=b"plum-coloured canary")
    async with working(house):
        while b"tries" not in await lane(house):
            pass
        assert b"canary" in (await lane(house))[b"heard"]
        await house.lanes.accept(Message("f", HERE, ANN, 1.0, "/forget me", ref="mf"), first=True)
        await house.quiet()
    assert b"heard" not in await lane(house)


async def test_an_apology_takes_the_place_of_what_had_begun_to_grow(house: House):
    house.platform.limits = ALLOWED
    house.model.delay_s = 0.03
    house.model.enqueue(*["one two three four" for _ in range(3)])
    stream = house.model.stream

    async def failing(request: Any) -> Any:
        async for piece in stream(request):
            yield piece
        raise ZeroDivisionError("boom")

    house.model.stream = failing  # type: ignore[method-assign]
    await house.say("hello")
    async with working(house):
        await house.quiet()
    *drafts, apology = house.platform.sent
    assert drafts
    assert all(part.kind == "draft" for part in drafts)
    assert (apology.kind, apology.replaces) == ("notice", "sent-0-0")


async def test_an_apology_for_what_brought_everybody_to_grief_takes_the_place_of_what_they_left(house: House):
    await house.say("hello")
    first = await house.lanes.claim(keys.partition(HERE), "telegram")
    assert first is not None
    await house.lanes.note_draft(first, "0", "left")
    await house.store.redis.hset(keys.of_channel("lane", HERE), "deaths", "10")
    await house.lanes.free(first)
    async with working(house):
        await house.quiet()
    (apology,) = house.platform.sent
    assert (apology.kind, apology.replaces) == ("notice", "left")
    assert b"draft" not in await lane(house)
