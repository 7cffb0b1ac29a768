"""Who may talk to Parley, and what becomes of those who may not, at the front desk on a real Redis."""

from dataclasses import replace

import pytest

from core import clock
from core.intake import pairing
from core.intake.access import Access, Rule
from core.intake.pairing import Pairing, TooManyTries
from core.store import keys
from core.store.redis import Store
from core.values.channel import ChannelKey, Person
from core.values.events import Edit, Message, Move, Reaction
from tests.support.house import ANN, HERE, House, working
from tests.support.kept import begin_counting, called

SECRET = "what-nobody-may-keep"
CLUB = ChannelKey("telegram", "42:-100")
LIN = Person("3", "林", "zh-hans")


def stranger(id: str, text: str = SECRET, who: Person = ANN, channel: ChannelKey = HERE, **more: object) -> Message:
    return replace(Message(id, channel, who, 1.0, text), **more)


def in_club(id: str, text: str = SECRET, who: Person = ANN, **more: object) -> Message:
    return stranger(id, text, who, CLUB, group=True, places=("-100",), **more)


def guarded(house: House, rule: Rule = "pairing", allowed: str = "", owners: str = "") -> Access:
    house.access = Access(rule, allowed.split(), owners.split(), Pairing(house.store, house.lanes))
    return house.access


@pytest.fixture
async def house(store: Store) -> House:
    made = House(store)
    guarded(made)
    return made


async def dump(store: Store) -> bytes:
    """All that Redis holds, as bytes."""
    kept = b""
    async for key in store.redis.scan_iter():
        kept += key + (await store.redis.dump(key) or b"")
    return kept


async def test_a_stranger_gets_one_code_and_nothing_of_theirs_is_kept(house: House):
    desk = house.desk()
    assert [await desk.accept(stranger(str(n))) for n in range(3)] == [False] * 3
    assert not await desk.accept(Edit("e", HERE, stranger("0")))
    assert not await desk.accept(Reaction("r", HERE, ANN, 1.0, "sent-1", added=("👍",)))
    (told,) = house.platform.texts(HERE)
    (waiting,) = await house.access.pairing.waiting()
    assert waiting.code in told
    assert (waiting.who, waiting.sender) == ("telegram:1", ANN)
    assert SECRET.encode() not in await dump(house.store)
    assert not await house.store.redis.keys("*:in:*")


async def test_a_name_that_is_no_text_keeps_nobody_out(house: House):
    await house.desk().accept(stranger("a", who=Person("1", "A\ud83d", "en")))
    assert len(await house.access.pairing.waiting()) == len(house.platform.sent) == 1


async def test_it_is_said_in_their_language_and_again_to_whoever_waits_for_it(house: House):
    desk = house.desk()
    for number in range(2):
        await desk.accept(stranger(f"w{number}", who=LIN, waits=True))
    told = house.platform.texts(HERE)
    assert len(set(told)) == 1 < len(told)
    assert "代码" in told[0]


async def test_a_code_lets_them_in_and_greets_them(house: House):
    desk = house.desk()
    await desk.accept(stranger("a"))
    (waiting,) = await house.access.pairing.waiting()
    async with working(house):
        assert await house.access.pairing.confirm(f" {waiting.code.lower()} ")
        assert await house.access.pairing.confirm(waiting.code) is None
        await house.quiet()
        assert await desk.accept(stranger("b", "hello"))
        await house.quiet()
    _, welcome, answer = house.platform.texts(HERE)
    assert "/help" in welcome
    assert answer == "You said: hello"
    assert SECRET not in str(house.model.requests)


async def test_access_that_was_taken_back_ends(house: House, monkeypatch: pytest.MonkeyPatch):
    desk = house.desk()
    await desk.accept(stranger("a"))
    (waiting,) = await house.access.pairing.waiting()
    await house.access.pairing.confirm(waiting.code)
    assert await desk.accept(stranger("b"))
    assert [one.who for one in await house.access.pairing.let_in()] == ["telegram:1"]
    assert await house.access.pairing.remove("telegram:1")
    assert not await house.access.pairing.remove("telegram:1")
    monkeypatch.setattr("core.intake.access.clock.monotonic", lambda: 1e12)
    assert not await desk.accept(stranger("c"))


async def test_who_has_no_access_any_more_can_still_be_forgotten(house: House):
    house.access = Access("open", (), (), Pairing(house.store, house.lanes))
    await house.desk().accept(stranger("a"))
    async with working(house):
        await house.quiet()
        guarded(house, "list")
        desk = house.desk()
        assert not await desk.accept(stranger("b", "hello"))
        assert await desk.accept(stranger("c", "/forget me"))
        await house.quiet()
    assert (
        "Done, I have forgotten you and what you allowed. Erased: messages with my answers 1"
        in house.platform.texts(HERE)[-1]
    )
    assert SECRET.encode() not in await dump(house.store)


@pytest.mark.parametrize("wish", ["/privacy", "/forget me", "/forget", "/export"])
async def test_who_was_never_here_cannot_have_anything_searched_or_written_anew(house: House, wish: str):
    desk = house.desk()
    async with working(house):
        await begin_counting(house.store)
        taken = [
            await desk.accept(stranger(f"{n}-{who}", wish, Person(str(who), "Eve")))
            for n in range(3)
            for who in range(5)
        ]
        assert await called(house.store, "scan", "keys", "bgrewriteaof", "bgsave") == 0
    assert not any(taken)
    assert len(await house.access.pairing.waiting()) == 5


async def test_who_lost_access_asks_each_thing_once_a_minute(house: House, monkeypatch: pytest.MonkeyPatch):
    guarded(house, "open")
    await house.desk().accept(stranger("a"))
    guarded(house, "list")
    desk = house.desk()
    wishes = ("/privacy", "/privacy", "/forget", "/forget me", "/forget  me", "/forget all", "/export", "/export now")
    taken = [await desk.accept(stranger(str(n), wish)) for n, wish in enumerate(wishes)]
    assert taken == [True, False, True, True, False, False, True, False]
    later = clock.monotonic() + 61
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    assert await desk.accept(stranger("z", "/export"))


async def test_a_code_ends_and_the_next_message_gets_another(house: House, monkeypatch: pytest.MonkeyPatch):
    desk, now = house.desk(), pairing.clock.now()
    await desk.accept(stranger("a"))
    (first,) = await house.access.pairing.waiting()
    monkeypatch.setattr("core.intake.pairing.clock.now", lambda: now + pairing.CODE_S + 60)
    assert await house.access.pairing.waiting() == []
    assert await house.access.pairing.confirm(first.code) is None
    await desk.accept(stranger("b"))
    (second,) = await house.access.pairing.waiting()
    assert second.code != first.code
    assert len(house.platform.texts(HERE)) == 2


async def test_codes_are_few_and_guesses_are_fewer(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pairing, "_MOST_WAITING", 3)
    desk = house.desk()
    for number in range(5):
        await desk.accept(stranger(f"s{number}", who=Person(f"9{number}", "Eve", "en")))
    waiting = await house.access.pairing.waiting()
    assert len(waiting) == len({one.code for one in waiting}) == len(house.platform.sent) == 3
    assert all(len(one.code) == 8 for one in waiting)
    for _ in range(20):
        assert await house.access.pairing.confirm("AAAAAAAA") is None
    with pytest.raises(TooManyTries):
        await house.access.pairing.confirm(waiting[0].code)
    assert await house.access.pairing.confirm(waiting[0].code, at_the_machine=True)
    assert 0 < await house.store.redis.ttl(keys.waiting()) <= pairing.CODE_S


async def test_a_strange_group_is_silent_until_it_is_addressed_and_then_says_it_once(house: House):
    desk = house.desk()
    note = (house.audio("note"),)
    await desk.accept(in_club("a", addressed=False))
    await desk.accept(in_club("b", "", media=note, addressed=False, bot_names=("Parley",)))
    assert house.platform.sent == []
    for number, who in enumerate((ANN, LIN, Person("4", "Eve"))):
        await desk.accept(in_club(f"c{number}", who=who))
    assert len(house.platform.texts(CLUB)) == 1
    (waiting,) = await house.access.pairing.waiting()
    assert (waiting.who, waiting.group) == ("telegram:-100", True)
    await house.access.pairing.confirm(waiting.code)
    assert await desk.accept(in_club("d", who=LIN))
    assert not await desk.accept(stranger("e", who=LIN))


async def test_a_group_that_moves_keeps_its_access(house: House):
    desk = house.desk()
    await desk.accept(in_club("a"))
    (waiting,) = await house.access.pairing.waiting()
    await house.access.pairing.confirm(waiting.code)
    for _ in range(2):
        await desk.accept(Move("m", CLUB, ChannelKey("telegram", "42:-200"), places=("-100", "-200")))
    moved = stranger("b", channel=ChannelKey("telegram", "42:-200"), group=True, places=("-200",))
    assert await desk.accept(moved)
    assert [one.who for one in await house.access.pairing.let_in()] == ["telegram:-200"]


async def test_a_list_lets_in_people_servers_and_channels_and_tells_the_rest_once_a_day(house: House):
    guarded(house, "list", allowed="telegram:5 telegram:-100 discord:77 discord:88", owners="telegram:6")
    desk = house.desk()
    for number, id in enumerate(("5", "6")):
        assert await desk.accept(stranger(f"p{number}", who=Person(id, "x")))
    assert await desk.accept(in_club("g"))
    room = ChannelKey("discord", "99")
    for number, places in enumerate((("77", "99"), ("1", "99", "88"))):
        assert await house.access.admits(stranger(f"d{number}", channel=room, group=True, places=places))
    assert not await house.access.admits(stranger("d3", channel=room, group=True, places=("1", "99")))
    for number in range(2):
        assert not await desk.accept(stranger(f"n{number}"))
    (told,) = house.platform.texts(HERE)
    assert "telegram:1" in told


async def test_open_and_the_doors_of_ones_own_machine_ask_nobody(house: House):
    for platform in ("web", "console"):
        assert await house.access.admits(stranger("a", channel=ChannelKey(platform, "x")))
    assert await guarded(house, "open").admits(stranger("b"))
    assert await house.store.redis.dbsize() == 0


async def test_owners_let_others_in_from_a_chat_and_nobody_else_does(house: House):
    guarded(house, owners="telegram:6", allowed="telegram:5")
    desk, boss, friend = house.desk(), Person("6", "Boss", "en"), Person("5", "Friend", "en")
    there = ChannelKey("telegram", "42:6")
    await desk.accept(stranger("a", who=Person("1", "Ann\nboss: yes [b]", "en")))
    (waiting,) = await house.access.pairing.waiting()
    async with working(house):
        for number, (who, text) in enumerate(
            (
                (friend, f"/pair {waiting.code}"),
                (boss, "/pair"),
                (boss, "/pair NONSENSE"),
                (boss, f"/pair {waiting.code}"),
            )
        ):
            assert await desk.accept(stranger(f"c{number}", text, who, there))
            await house.quiet()
    refused, waits, unknown, done = house.platform.texts(there)
    assert "Only my owner" in refused
    assert f"{waiting.code}  Ann boss yes b  telegram:1" in waits
    assert "no such code" in unknown
    assert "telegram:1" in done
    assert await desk.accept(stranger("b"))
