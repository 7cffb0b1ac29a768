"""Quotas as people meet them at the front desk, counted in a real Redis by several processes' worth of desks."""

import asyncio
from dataclasses import replace

import pytest

from core import clock
from core.errors import RetryableError
from core.intake.quotas import Allowance, Quotas
from core.store import keys
from core.store.redis import Store
from core.values.channel import ChannelKey, Person, Quote
from core.values.events import Edit, Message
from tests.support.house import ANN, HERE, THERE, House, working

BOB = Person("2", "Bob", "zh-CN")
NONE = Allowance()


def limited(store: Store, person: Allowance = NONE, channel: Allowance = NONE) -> House:
    house = House(store)
    house.quotas = Quotas(store, person, channel)
    return house


def message(id: str, text: str = "hello", who: Person = ANN, channel: ChannelKey = HERE, **more: object) -> Message:
    return replace(Message(id, channel, who, clock.now(), text), **more)


async def commands(store: Store) -> int:
    return int((await store.redis.info("stats"))["total_commands_processed"])


async def test_messages_a_minute_of_one_person_wherever_they_write(store: Store):
    house = limited(store, Allowance(messages_per_minute=3))
    other = limited(store, Allowance(messages_per_minute=3))
    other.platform = house.platform
    desks = house.desk(), other.desk()
    taken = [await desks[n % 2].accept(message(str(n), channel=(HERE, THERE)[n % 2])) for n in range(7)]
    assert taken == [True] * 3 + [False] * 4
    assert await desks[0].accept(message("b", who=BOB))
    (told,) = house.platform.texts(HERE) + house.platform.texts(THERE)
    assert "3 messages a minute from one person" in told


async def test_messages_a_minute_in_one_channel_whoever_writes(store: Store):
    house = limited(store, channel=Allowance(messages_per_minute=2))
    desk = house.desk()
    people = [Person(str(n), f"P{n}", "zh") for n in range(4)]
    taken = [await desk.accept(message(who.id, who=who, group=True)) for who in people]
    assert taken == [True, True, False, False]
    (told,) = house.platform.texts(HERE)
    assert "每个聊天每分钟最多 2 条" in told
    assert await desk.accept(message("t", channel=THERE))


async def test_what_was_accepted_is_answered_and_stop_always_comes_through(store: Store):
    house = limited(store, Allowance(messages_per_minute=2))
    desk = house.desk()
    for number in range(3):
        await desk.accept(message(str(number), f"m{number}"))
    async with working(house):
        await house.quiet()
    assert [text for text in house.platform.texts(HERE) if text.startswith("You said")] == [
        "You said: m0",
        "You said: m1",
    ]
    assert await desk.accept(message("s", "/stop"))


async def test_what_the_platform_hands_over_again_is_counted_once(store: Store):
    house = limited(store, Allowance(messages_per_minute=2), Allowance(messages_per_minute=2))
    desk = house.desk()
    assert [await desk.accept(message("a")) for _ in range(5)] == [True] + [False] * 4
    edit = Edit("e", HERE, message("a", "hello you"))
    assert [await desk.accept(edit) for _ in range(3)] == [True, False, False]
    assert house.platform.sent == []
    assert not await desk.accept(message("b"))


async def test_what_could_not_be_stored_is_counted_once(store: Store, monkeypatch: pytest.MonkeyPatch):
    house = limited(store, Allowance(messages_per_minute=2))
    desk = house.desk()

    async def away(*_: object, **more: object) -> bool:
        raise RetryableError("Redis is away")

    with monkeypatch.context() as patch:
        patch.setattr(house.lanes, "accept", away)
        for _ in range(5):
            with pytest.raises(RetryableError):
                await desk.accept(message("a"))
    assert [await desk.accept(message(id)) for id in "abc"] == [True, True, False]


async def test_it_ends_and_is_told_again_the_next_time(store: Store):
    house = limited(store, Allowance(messages_per_minute=1))
    desk = house.desk()
    for number in range(4):
        await desk.accept(message(str(number)))
    counted, told = await store.redis.keys(keys.quota("*")), await store.redis.keys("*quotatold*")
    for key in (*counted, *told):
        assert 0 < await store.redis.ttl(key) <= 60
    await store.redis.delete(*counted, *told)
    assert await desk.accept(message("n"))
    assert not await desk.accept(message("o"))
    assert len(house.platform.texts(HERE)) == 2


async def test_whoever_waits_for_an_answer_hears_it_each_time(store: Store):
    house = limited(store, Allowance(messages_per_minute=1))
    desk = house.desk()
    for number in range(3):
        await desk.accept(message(str(number), waits=True))
    assert len(house.platform.texts(HERE)) == 2


async def test_messages_from_before_the_start_are_not_too_fast_but_edits_are_counted(store: Store):
    house = limited(store, Allowance(messages_per_minute=1))
    desk = house.desk()
    assert [await desk.accept(message(str(n), sent_at=clock.now() - 600)) for n in range(3)] == [True] * 3
    edits = [Edit(f"e{n}", HERE, message("0", f"v{n}", sent_at=clock.now() - 600)) for n in range(2)]
    assert [await desk.accept(edit) for edit in edits] == [True, False]


async def test_tokens_a_day_are_those_that_the_model_counted(store: Store):
    house = limited(store, Allowance(tokens_per_day=7))
    house.model.enqueue("one two three four five six seven")
    desk = house.desk()
    async with working(house):
        assert await desk.accept(message("a"))
        await house.quiet()
        assert not await desk.accept(message("b"))
        assert not await desk.accept(message("c", "/retry"))
        assert await desk.accept(message("d", "/status"))
        await house.quiet()
    said, told, status = house.platform.texts(HERE)
    assert said.startswith("one two")
    assert "7 tokens" in told
    assert "24 h" in told
    assert "Model: fake" in status


async def test_minutes_of_voice_a_day_are_those_that_were_heard(store: Store, monkeypatch: pytest.MonkeyPatch):
    house = limited(store, channel=Allowance(voice_minutes_per_day=1))
    desk, note = house.desk(), (house.audio("note"),)
    house.platform.files["note"] = b"hello there"
    async with working(house):
        for _ in range(59):
            await house.quotas.charge("voice", 0.4, HERE, ANN)
        assert await desk.accept(message("a", "", media=note))
        await house.quiet()
        assert not await desk.accept(message("b", "", media=note))
        assert not await desk.accept(message("c", "/transcribe", quote=Quote("Bob", media=note)))
        assert await desk.accept(message("d", "a text", quote=Quote("Bob", media=note)))
        await house.quiet()
    assert sum("1 minutes of voice notes" in text for text in house.platform.texts(HERE)) == 1
    assert house.platform.texts(HERE)[-1].endswith("a text")


async def test_a_voice_note_in_a_group_that_may_not_be_for_parley_is_refused_in_silence(store: Store):
    house = limited(store, Allowance(messages_per_minute=1))
    desk = house.desk()
    aside = message("", "", media=(house.audio("note"),), group=True, addressed=False, bot_names=("Parley",))
    assert [await desk.accept(replace(aside, id=str(n))) for n in range(2)] == [True, False]
    assert house.platform.sent == []


async def test_many_at_once_get_no_more_than_there_is(store: Store):
    house = limited(store, Allowance(messages_per_minute=5))
    desk = house.desk()
    taken = await asyncio.gather(*(desk.accept(message(str(n))) for n in range(40)))
    assert sum(taken) == 5
    assert len(house.platform.texts(HERE)) == 1


async def test_a_full_lane_has_some_places_for_who_wants_to_be_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.lanes.lanes.LONGEST", 3)
    monkeypatch.setattr("core.lanes.lanes._URGENT", 2)
    desk = limited(store).desk()
    taken = [await desk.accept(message(str(n), "/forget me" if n > 3 else "hi")) for n in range(8)]
    assert taken == [True] * 3 + [False] + [True] * 2 + [False] * 2


async def test_no_quota_asks_redis_nothing(store: Store):
    house = limited(store)
    before = await commands(store)
    assert await house.quotas.exceeded(message("a"), ("messages", "voice", "tokens")) is None
    await house.quotas.charge("tokens", 100, HERE, ANN)
    assert await commands(store) == before + 1
