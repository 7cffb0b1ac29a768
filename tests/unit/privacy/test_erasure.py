"""/forget: what one person or a channel had kept here is found nowhere afterwards, and nothing else is touched."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bots.locales import Phrases
from core.errors import RetryableError
from core.feedback import ratings
from core.privacy import indexing
from core.privacy.aof_rewrite import Files
from core.privacy.consent import Consents
from core.privacy.subject_data import OF_CHANNEL
from core.store import keys
from core.store.people import People
from core.store.preferences import PreferenceStore
from core.store.redis import Store, open_store
from core.store.table import TABLE
from core.values import dialogue as dialogues
from core.values.channel import ChannelKey, Person, Quote
from core.values.events import Message, Move, Reaction, encode_event
from core.values.parts import TextPart, encode_part
from core.values.preferences import Preferences
from tests.support.house import ANN, BOB, HERE, House, working
from tests.support.kept import begin_counting, called, everything, files, having, key_names, turn

SAY = Phrases().say
CLUB = ChannelKey("telegram", "42:-100")
TOPIC = ChannelKey("telegram", "42:-100", "5")
CANARY = "quinzelbird"
FAR_S = 4e9


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    made = House(store)
    async with working(made):
        yield made


async def seed(house: House, channel: ChannelKey) -> None:
    """Two turns of Ann's and one of Bob's, with all that can belong to them."""
    redis: Any = house.store.redis
    turns = (turn(1, ANN, f"one {CANARY}"), turn(2, BOB, "two of Bob"), turn(3, ANN, f"three {CANARY}"))
    kept = dialogues.Dialogue(f"They spoke of {CANARY}.", turns, covered="42:1", told_by=("1", "2"))
    await redis.set(keys.of_channel("dlg", channel), dialogues.encode(kept))
    for each, person in zip(turns, (ANN, BOB, ANN), strict=True):
        part = TextPart(each.id, 0, channel, each.reply, model="m", person=person.id)
        await redis.set(keys.ref(channel, f"r{each.id}"), ratings.record(part, house.store.codec))
        await redis.rpush(keys.shown(channel, each.id), f"r{each.id}")
        for kind in ("upload", "voice", "answer", "file"):
            await redis.set(f"{keys.of_channel(kind, channel)}/{each.id}", f"{each.said}")
        for who in (ANN, BOB):
            mine = Reaction(f"{each.id}{who.id}", channel, who, 1.0, f"r{each.id}", ("👍",))
            assert await house.feedback.react(mine)
    for who in (ANN, BOB):
        word = CANARY if who is ANN else "Bob"
        event = Message(f"dead{who.id}", channel, who, 1.0, f"buried {word}", ref="x")
        part = TextPart(f"late{who.id}", 0, channel, f"late {word}", person=who.id)
        await redis.rpush(keys.of_channel("dead", channel), b"in:" + encode_event(event), b"out:" + encode_part(part))
        early = Reaction(f"early{who.id}{channel}e", channel, who, 1.0, "not yet", ("👎",))
        assert await house.lanes.accept(early)
        assert await house.lanes.schedule(replace(event, id=f"planned{who.id}", text=f"later {word}"), FAR_S)
    await redis.rpush(keys.of_channel("dead", channel), b'dlg:{"broken":"1" ' + CANARY.encode())
    await redis.delete(keys.indexed())
    await indexing.fill(house.store, People(house.store))


async def wish(house: House, text: str, channel: ChannelKey = HERE, who: Person = ANN, *, group: bool = False) -> str:
    await house.desk().accept(Message(house.next_id(), channel, who, 1.0, text, ref="m", group=group))
    await house.quiet()
    return [part.text for part in house.platform.sent if part.channel == channel][-1]


async def test_forget_me_erases_a_person_everywhere_and_nobody_else(house: House):
    for channel in (HERE, CLUB, TOPIC):
        await seed(house, channel)
    await PreferenceStore(house.store).change(CLUB, lambda _: Preferences(voice="never", answers="everything"))
    await PreferenceStore(house.store).change(HERE, lambda _: Preferences(voice="never"))
    consents = Consents(house.store)
    await consents.record("telegram", ANN.id, given=True)
    await consents.record("telegram", BOB.id, given=True)
    said = await wish(house, "/forget me")
    # In each channel: 2 turns, a summary; 2 own ratings and those that others gave to her turns; 6 files of 2 turns.
    assert said == (
        "Done, I have forgotten you and what you allowed. "
        "Erased: messages with my answers 6 · summaries 3 · ratings 15 · files 18 · waiting 6 · failed 9."
    )
    assert await having(house.store, CANARY) == []
    assert [value for value in await everything(house.store) if b'"person":"1"' in value or b"\t1" in value] == []
    assert await consents.of("telegram", ANN.id) is None
    assert await consents.of("telegram", BOB.id) is not None
    for channel in (CLUB, TOPIC):
        kept = await house.lanes.dialogue(channel)
        assert [each.said for each in kept.turns] == ["two of Bob"]
        assert (kept.summary, kept.edition) == ("", 1)
        assert set(await house.feedback.ratings(channel)) == {("42:2", "2")}
        assert await house.store.redis.llen(keys.of_channel("dead", channel)) == 2
        assert await house.store.redis.exists(f"{keys.of_channel('upload', channel)}/42:2") == 1
    assert await PreferenceStore(house.store).preferences(CLUB) == Preferences(voice="never", answers="everything")
    assert {str(HERE), str(CLUB), str(TOPIC)} <= set(house.model.forgotten)
    assert await wish(house, "/forget me") == "Done, I have forgotten you and what you allowed. Nothing else was kept."


def test_no_kind_of_key_that_is_personal_is_overlooked():
    """What /forget passes over holds no words, and each has its reason."""
    passed_over = {
        "heard": "a place in a Discord channel",
        "lane": "what was heard in a voice note that waits, which goes with it",
        "access": "whom an owner let in, which is the owner's to take back",
        "waiting": "strangers, for a day",
        "quota": "numbers, for a day",
        "quotatold": "that something was said, for a day",
        "parked": "what an earlier version kept, for a minute",
        "voiceless": "that a chat takes no voice notes, for a day",
        "consent": "is erased by name",
    }
    personal = {kind.name for kind in TABLE if kind.personal}
    assert personal == set(OF_CHANNEL) | set(passed_over)


async def test_forget_channel_erases_one_channel_and_no_other(house: House):
    for channel in (CLUB, TOPIC):
        await seed(house, channel)
    assert await wish(house, "/forget channel", CLUB, group=True) == SAY("only_admins", "en")
    assert len((await house.lanes.dialogue(CLUB)).turns) == 3
    house.platform.admins.add(ANN.id)
    said = await wish(house, "/forget channel", CLUB, group=True)
    assert said == (
        "Done, I have forgotten what was said here. "
        "Erased: messages with my answers 3 · summaries 1 · ratings 6 · files 9 · waiting 4 · failed 5."
    )
    assert (await wish(house, "/forget channel", CLUB, group=True)).endswith(" Nothing else was kept.")
    left = {keys.named(value.decode())[0] for value in await everything(house.store) if value.endswith(b"42:-100")}
    assert left == {"lane", "dlg"}
    assert await house.lanes.dialogue(CLUB) == dialogues.Dialogue(edition=1)
    assert len((await house.lanes.dialogue(TOPIC)).turns) == 3
    assert await house.store.redis.exists(keys.ref(TOPIC, "r42:3")) == 1


async def test_without_a_word_it_says_what_it_can_do(house: House):
    await seed(house, HERE)
    assert await wish(house, "/forget") == SAY("forget_what", "en")
    assert "me, channel" in await wish(house, "/forget everything")
    assert len((await house.lanes.dialogue(HERE)).turns) == 3


async def test_what_runs_and_what_waits_is_cancelled_and_what_others_said_is_answered(house: House):
    house.model.delay_s = 30
    await house.say(f"a long {CANARY} story", CLUB)
    async with asyncio.timeout(10):
        while not house.model.requests:
            await asyncio.sleep(0.01)
    await house.say(f"and {CANARY} again", CLUB)
    await house.say("what of me", CLUB, BOB)
    house.model.delay_s = 0
    said = await wish(house, "/forget me", HERE)
    assert said == "Done, I have forgotten you and what you allowed. Erased: waiting 2."
    assert house.platform.texts(CLUB) == ["You said: what of me"]
    assert await having(house.store, CANARY) == []


async def test_others_go_on_without_the_words_that_they_answered(house: House):
    house.model.delay_s = 30
    await seed(house, CLUB)
    hers, answer = Quote("Ann", f"a {CANARY}", person=ANN.id), Quote("Parley", f"So {CANARY}", own=True, ref="r42:1")
    for number, quote in enumerate((hers, answer, Quote("Cleo", "else", person="3"))):
        await house.lanes.accept(Message(f"q{number}", CLUB, BOB, 1.0, f"number {number}", quote=quote))
    async with asyncio.timeout(10):
        while not house.model.requests:
            await asyncio.sleep(0.01)
    assert CANARY in house.model.requests[0].utterances[-1].text
    house.model.delay_s = 0
    await wish(house, "/forget me", HERE)
    assert await having(house.store, CANARY) == []
    first, second, third = (request.utterances[-1].text for request in house.model.requests[1:])
    assert (CANARY in first, CANARY in second, "else" in third) == (False, False, True)
    assert [part.turn for part in house.platform.sent if part.channel == CLUB] == ["q0", "q1", "q2"]


async def test_who_waits_for_an_answer_that_will_not_come_hears_of_it(house: House):
    house.model.delay_s = 30
    for text in (f"one {CANARY}", f"two {CANARY}"):
        await house.lanes.accept(Message(house.next_id(), CLUB, ANN, 1.0, text, ref="m", waits=True))
    async with asyncio.timeout(10):
        while not house.model.requests:
            await asyncio.sleep(0.01)
    await wish(house, "/forget channel", CLUB)
    texts = house.platform.texts(CLUB)
    assert texts[1:] == [SAY("stopped", "en")] * 2
    assert texts[0] == "Done, I have forgotten what was said here. Erased: waiting 2."
    assert await having(house.store, CANARY) == []


async def test_a_crash_in_between_is_made_good_by_the_next_start(store: Store, monkeypatch: pytest.MonkeyPatch):
    house = House(store)
    for channel in (HERE, CLUB):
        await seed(house, channel)
    dying = asyncio.Event()

    async def die(*_: object) -> None:
        dying.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr("core.privacy.aof_rewrite._compact", die)
        async with working(house):
            asking = asyncio.create_task(wish(house, "/forget me"))
            await dying.wait()
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
    assert house.platform.sent == []
    async with working(house):
        await house.quiet()
    assert house.platform.texts(HERE)[-1].startswith("Done, I have forgotten you")
    assert await having(store, CANARY) == []


async def test_what_is_kept_of_somebody_is_never_searched_for(house: House):
    for channel in (HERE, CLUB, TOPIC):
        await seed(house, channel)
    house.platform.admins.add(ANN.id)
    await begin_counting(house.store)
    reception = house.desk()
    wishes = ("/privacy", "/export", "/forget channel", "/forget me", "/forget me")
    for number, text in enumerate(wishes):
        assert await reception.accept(Message(f"w{number}", CLUB, ANN, 1.0, text, group=True))
        async with asyncio.timeout(20):
            while len(house.platform.texts(CLUB)) + sum(part.kind == "file" for part in house.platform.sent) <= number:
                await asyncio.sleep(0.01)
    assert await called(house.store, "scan", "keys") == 0
    assert house.platform.texts(CLUB)[-1].endswith("Nothing else was kept.")
    assert await called(house.store, "bgrewriteaof") == 2
    assert await having(house.store, CANARY) == []


async def test_nothing_tells_afterwards_who_was_where(house: House):
    people = People(house.store)
    for channel in (HERE, CLUB):
        await seed(house, channel)
    await wish(house, "/forget me")
    assert await people.channels_of("telegram", ANN.id) == []
    assert not await people.knows("telegram", ANN.id)
    assert await people.of(CLUB) == [BOB.id]
    await wish(house, "/forget channel", CLUB, BOB)
    assert await people.channels_of("telegram", BOB.id) == [HERE]
    index = [("people", str(CLUB)), ("ids", str(CLUB)), ("channels", f"telegram/{ANN.id}")]
    left = [key for key in await key_names(house.store) if keys.named(key) in index]
    assert left == []


async def test_of_a_private_chat_not_even_its_name_stays(house: House):
    await house.say(f"I like {CANARY}")
    await house.quiet()
    await PreferenceStore(house.store).change(HERE, lambda _: Preferences(voice="never"))
    await wish(house, "/forget me")
    lasting = [
        key
        for key in await key_names(house.store, f"*{HERE}*")
        if not 0 < await house.store.redis.ttl(key) <= keys.DAY_S
    ]
    assert lasting == []
    assert not await house.store.redis.exists(keys.of_channel("prefs", HERE))
    assert 0 < await house.store.redis.ttl(keys.of_channel("lane", HERE)) <= 60
    assert (await house.lanes.dialogue(HERE)).edition == 1
    await house.say("hello again")
    await house.quiet()
    assert await house.store.redis.ttl(keys.of_channel("dlg", HERE)) == -1


async def test_who_comes_again_while_they_are_forgotten_is_known_again(store: Store):
    people, kept = People(store), House(store)
    await kept.say("hello", CLUB)
    began_ms = await people.now_ms()
    await people.leave(CLUB, [ANN.id], began_ms)
    assert await people.channels_of("telegram", ANN.id) == []
    await asyncio.sleep(0.01)
    await kept.say("hello again", CLUB)
    await people.leave(CLUB, [ANN.id], began_ms)
    assert await people.channels_of("telegram", ANN.id) == [CLUB]


async def test_whoever_is_quoted_can_be_found_too(store: Store):
    house = House(store)
    quotes = (Quote("Ann", CANARY, person=ANN.id), Quote("Parley", "So?", own=True, person="9"))
    for number, quote in enumerate(quotes):
        await house.lanes.accept(Message(f"q{number}", CLUB, BOB, 1.0, "what?", quote=quote))
    assert [await People(store).channels_of("telegram", who) for who in ("1", "2", "9")] == [[CLUB], [CLUB], []]


async def test_a_channel_that_moves_takes_along_who_was_there(house: House):
    await house.say(f"a {CANARY}", CLUB)
    await house.quiet()
    to = ChannelKey("telegram", "42:-200")
    await house.lanes.accept(Move("m", CLUB, to))
    await house.quiet()
    assert set(await People(house.store).channels_of("telegram", ANN.id)) == {CLUB, to}
    await wish(house, "/forget me")
    assert await having(house.store, CANARY) == []


async def test_an_older_store_is_walked_once(house: House):
    await seed(house, CLUB)
    await begin_counting(house.store)
    await indexing.fill(house.store, People(house.store))
    assert await called(house.store, "scan") == 0


async def test_all_who_want_the_files_written_share_the_next_time(store: Store, monkeypatch: pytest.MonkeyPatch):
    begun, may_end = list[int](), asyncio.Semaphore(0)

    async def write(_: object) -> None:
        begun.append(len(begun))
        await may_end.acquire()

    monkeypatch.setattr("core.privacy.aof_rewrite._compact", write)
    anew = Files(store)
    first = asyncio.create_task(anew.write_anew())
    await until(lambda: begun)
    others = [asyncio.create_task(anew.write_anew()) for _ in range(10)]
    await asyncio.sleep(0)
    for _ in range(2):
        may_end.release()
    await asyncio.gather(first, *others)
    assert len(begun) == 2


@pytest.mark.slow
async def test_a_try_that_failed_is_told_of_by_the_one_that_succeeds(house: House, monkeypatch: pytest.MonkeyPatch):
    """Also where the files could not be written anew after all was erased."""
    for channel in (HERE, CLUB, TOPIC):
        await seed(house, channel)
    tries = iter([RetryableError("the disk is full", 0.0)] * 2)

    async def fail(_: object) -> None:
        if error := next(tries, None):
            raise error

    monkeypatch.setattr("core.privacy.aof_rewrite._compact", fail)
    said = await wish(house, "/forget me")
    assert said == (
        "Done, I have forgotten you and what you allowed. "
        "Erased: messages with my answers 6 · summaries 3 · ratings 15 · files 18 · waiting 6 · failed 9."
    )
    assert not await house.store.redis.keys("*:erased:*")


@pytest.mark.slow
async def test_the_files_of_redis_forget_too(tmp_path_factory: pytest.TempPathFactory):
    """The append-only file of the Redis that Parley starts, and the snapshot of one that writes those."""
    with contextlib.ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-")))
        async with open_store("", data) as store:
            await store.redis.config_set("save", "3600 1")
            house = House(store)
            async with working(house):
                await house.say(f"my bird is called {CANARY}")
                await house.quiet()
                await store.redis.bgsave()
                await until(lambda: CANARY.encode() in files(data))
                async with asyncio.timeout(20):
                    while (await store.redis.info("persistence"))["rdb_bgsave_in_progress"]:
                        await asyncio.sleep(0.01)
                assert (data / "redis" / "dump.rdb").exists()
                await wish(house, "/forget me")
                async with asyncio.timeout(5):
                    while CANARY.encode() in files(data):
                        await asyncio.sleep(0.05)
                assert await having(store, CANARY) == []


async def test_the_export_holds_all_of_one_person_and_nothing_of_others(house: House):
    for channel in (HERE, CLUB, TOPIC):
        await seed(house, channel)
    await Consents(house.store).record("telegram", ANN.id, given=True)
    await wish(house, "/export", CLUB, group=True)
    part = house.platform.sent[-1]
    assert (part.kind, part.private_to, part.text) == ("file", ANN.id, SAY("exported", "en"))
    assert part.document is not None
    assert part.document.name.endswith(".json")
    text = part.document.data.decode()
    assert "Bob" not in text
    found = json.loads(text)
    assert (found["platform"], found["person"], found["improving_the_model"]["allowed"]) == ("telegram", "1", True)
    assert [room["channel"] for room in found["channels"]] == sorted(map(str, (HERE, CLUB, TOPIC)))
    for room in found["channels"]:
        assert [each["said"] for each in room["turns"]] == [f"one {CANARY}", f"three {CANARY}"]
        assert [each["emoji"] for each in room["ratings"]] == [["👍"]] * 3
        assert [each.get("text") for each in room["set_aside"]] == [f"buried {CANARY}", f"late {CANARY}", None]
        assert {each["kind"] for each in room["files"]} == {"upload", "voice", "file"}
        assert "summary" not in room
    await wish(house, "/forget me")
    await wish(house, "/export", HERE)
    assert house.platform.sent[-1].document is not None
    assert json.loads(house.platform.sent[-1].document.data)["channels"] == []


async def until(truth: Any) -> None:
    async with asyncio.timeout(20):
        while not truth():
            await asyncio.sleep(0.01)
