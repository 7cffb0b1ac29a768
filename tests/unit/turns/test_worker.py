import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, cast

import pytest

from bots.locales import Phrases
from core import clock
from core.delivery import delivery
from core.delivery.delivery import Delivery
from core.errors import (
    ChannelGone,
    ChannelMoved,
    PermanentError,
    RetryableError,
    Uncertain,
    UserError,
    VoiceForbidden,
)
from core.intake.quotas import Allowance, Quotas
from core.lanes import lanes
from core.lanes.lanes import Lanes
from core.lanes.wakeup import Doorbell
from core.lm.base import Utterance
from core.platform import Limits
from core.store import keys
from core.store.redis import Store
from core.telemetry import PERHAPS_TWICE
from core.text import cleaning
from core.thinking.echoing import Echo
from core.turns import worker
from core.values.attachments import VoiceNote
from core.values.channel import ChannelKey, MediaRef, Person, Quote
from core.values.events import Deletion, Edit, Message, Move, Reaction, encode_event
from core.values.parts import TextPart
from tests.fakes.thinking import FakeModel
from tests.support.house import ANN, HERE, THERE, House, working


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    made = House(store)
    async with working(made):
        yield made


@pytest.mark.slow
async def test_a_text_is_answered_and_remembered(house: House):
    house.model.enqueue("Hello Ann.", "You said hello.")
    await house.say("hello")
    await house.say("what did I say?")
    await house.quiet()
    assert house.platform.texts(HERE) == ["Hello Ann.", "You said hello."]
    assert [part.reply_to for part in house.platform.sent] == ["m0", "m1"]
    assert [(turn.said, turn.reply) for turn in (await house.lanes.dialogue(HERE)).turns] == [
        ("hello", "Hello Ann."),
        ("what did I say?", "You said hello."),
    ]
    assert [u.text for u in house.model.requests[1].utterances[-3:]] == ["hello", "Hello Ann.", "what did I say?"]


@pytest.mark.slow
async def test_people_see_that_an_answer_is_made_unless_it_comes_at_once(house: House):
    await house.say("hello")
    await house.quiet()
    assert not house.platform.typed
    house.model.delay_s = 0.3
    await house.say("hello")
    await house.quiet()
    assert house.platform.typed


async def test_a_voice_note_is_answered_by_text_and_voice(house: House):
    house.model.enqueue("Your name is Zora.")
    await house.say(audio=b"what is my name")
    await house.quiet()
    words, voice = house.platform.sent
    assert words.text == "🎧 “what is my name”\n\nYour name is Zora."
    assert voice.voice is not None
    assert voice.voice.ogg == b"Your name is Zora."
    (turn,) = (await house.lanes.dialogue(HERE)).turns
    assert (turn.said, turn.is_transcript, turn.spoken) == ("what is my name", True, True)


async def test_when_the_voice_fails_the_text_still_arrives(house: House):
    house.model.enqueue("unspeakable")
    await house.say(audio=b"hello")
    await house.quiet()
    assert [(part.kind, part.text) for part in house.platform.sent] == [("text", "🎧 “hello”\n\nunspeakable")]


async def test_line_12_a_chat_that_takes_no_voice_gets_text_and_no_note_is_made_there_again(house: House):
    house.platform.errors_for["voice"] = [VoiceForbidden("no voice here")]
    await house.say(audio=b"one")
    await house.quiet()
    await house.say(audio=b"two")
    await house.say(audio=b"elsewhere", channel=THERE)
    await house.quiet()
    assert [part.kind for part in house.platform.sent if part.channel == HERE] == ["text", "text"]
    assert [part.kind for part in house.platform.sent if part.channel == THERE] == ["text", "voice"]
    assert [turn.spoken for turn in (await house.lanes.dialogue(HERE)).turns] == [True, False]
    assert 86_000 < await house.store.redis.ttl(keys.voiceless(HERE)) <= 86_400


@pytest.fixture
def slow(store: Store) -> House:
    """A house whose voice hangs."""
    house = House(store)
    house.speaking.gate.clear()
    return house


async def until(truth: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not truth():
            await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_people_see_that_a_note_is_recorded_while_it_is(slow: House):
    slow.model.delay_s = 0.3
    async with working(slow):
        await slow.say(audio=b"hello")
        await until(lambda: "recording" in slow.platform.activities)
        assert [part.kind for part in slow.platform.sent] == ["text"]
        slow.speaking.gate.set()
        await slow.quiet()
    assert slow.platform.activities[0] == "typing"
    assert [part.kind for part in slow.platform.sent] == ["text", "voice"]


async def test_a_voice_that_hangs_holds_no_text_up_and_the_next_owner_makes_the_note(slow: House):
    async with working(slow):
        await slow.say(audio=b"hello")
        await until(lambda: slow.speaking.asked)
        assert slow.platform.texts(HERE) == ["🎧 “hello”\n\nYou said: hello"]
    assert (await slow.lanes.dialogue(HERE)).turns[0].spoken
    slow.speaking.gate.set()
    async with working(slow):
        await slow.quiet()
    assert [part.kind for part in slow.platform.sent] == ["text", "voice"]
    assert slow.platform.sent[1].voice == VoiceNote(b"You said: hello", 1.0, b"\x01")
    assert len(slow.model.requests) == 1


@pytest.mark.parametrize("word", ["/stop", "/forget me"])
async def test_a_voice_note_that_is_owed_goes_with_a_stop_and_with_a_wish_to_be_forgotten(slow: House, word: str):
    async with working(slow):
        await slow.say(audio=b"hello")
        await until(lambda: slow.speaking.asked)
        await slow.desk().accept(Message("s", HERE, ANN, 1.0, word, ref="ms"))
        await slow.quiet()
        slow.speaking.gate.set()
        await slow.say("still there?")
        await slow.quiet()
    assert [part.kind for part in slow.platform.sent if part.kind == "voice"] == []
    assert slow.platform.texts(HERE)[-1] == "You said: still there?"


async def test_another_persons_wish_to_be_forgotten_takes_nobodys_voice_note(slow: House):
    async with working(slow):
        await slow.say(audio=b"hello")
        await until(lambda: slow.speaking.asked)
        await slow.desk().accept(Message("s", HERE, Person("2", "Bob", "en"), 1.0, "/forget me", ref="ms"))
        slow.speaking.gate.set()
        await slow.quiet()
    assert [part.kind for part in slow.platform.sent][:2] == ["text", "voice"]


async def test_stop_while_the_text_is_on_its_way_keeps_the_voice_note_from_being_begun(slow: House):
    async with working(slow):
        gate = slow.platform.gate = asyncio.Event()
        await slow.say(audio=b"hello")
        await until(lambda: slow.platform.sending)
        await slow.desk().accept(Message("s", HERE, ANN, 1.0, "/stop", ref="ms"))
        gate.set()
        await slow.quiet()
    assert slow.speaking.asked == []
    assert [part.kind for part in slow.platform.sent] == ["text", "text"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"text": " \u200b "}, "empty"),
        ({"text": "word " * 20_000}, "too long"),
        ({"media": (MediaRef("image", "x"),), "text": "what is this?"}, "pictures"),
        ({"media": (MediaRef("other", "x"),)}, "voice note"),
        ({"media": (MediaRef("audio", "gone"),)}, "again"),
        ({"media": (MediaRef("audio", "x", duration_s=3 * 3600),)}, "10 minutes"),
        ({"media": (MediaRef("audio", "x", size_bytes=30 * 2**20),)}, "too big"),
        ({"text": "/nonsense"}, "/help"),
    ],
)
async def test_bad_input_gets_one_sentence_and_nothing_is_blocked(house: House, message: dict[str, object], says: str):
    await house.lanes.accept(Message("bad", HERE, ANN, 1.0, **message))  # pyright: ignore[reportArgumentType]
    house.model.enqueue("Fine.")
    await house.say("hello")
    await house.quiet()
    notice, answer = house.platform.sent
    assert notice.text.count("\n") == 0
    assert says in notice.text
    assert answer.text == "Fine."
    assert len((await house.lanes.dialogue(HERE)).turns) == 1


async def test_parley_speaks_the_readers_language(house: House):
    await house.say("/help", who=Person("2", "小明", "zh-hans"))
    await house.quiet()
    assert house.platform.texts(HERE)[0].startswith("你好")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_backoff_s", lambda tries: 0.01)


@pytest.mark.usefixtures("impatient")
async def test_what_nobody_foresaw_is_one_apology_and_the_next_message_is_answered(house: House):
    house.model.enqueue(*[ZeroDivisionError("boom")] * 3, "Fine.")
    await house.say("one")
    await house.say("two")
    await house.quiet()
    apology, answer = house.platform.texts(HERE)
    assert "boom" not in apology
    assert answer == "Fine."
    assert await house.store.redis.llen(keys.of_channel("dead", HERE)) == 1


@pytest.mark.usefixtures("impatient")
async def test_what_was_set_aside_can_be_replayed(house: House):
    house.model.enqueue(*[ZeroDivisionError("boom")] * 3)
    await house.say("one")
    await house.quiet()
    (standing,) = [standing async for standing in house.upkeep.standings()]
    assert (standing.channel, standing.dead) == (HERE, 1)
    assert await house.lanes.replay(HERE)
    await house.quiet()
    assert house.platform.texts(HERE)[1] == "You said: one"
    assert not await house.lanes.replay(HERE)


@pytest.mark.usefixtures("impatient")
async def test_a_part_of_the_house_that_stays_away_is_one_honest_sentence(house: House):
    house.model.enqueue(*[RetryableError("away", 0.0)] * 7, "Fine.")
    await house.say("one")
    await house.say("two")
    await house.quiet()
    sorry, answer = house.platform.texts(HERE)
    assert "cannot be reached" in sorry
    assert answer == "Fine."


async def test_whoever_waits_hears_at_once_that_it_was_stopped(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lanes, "LEASE_S", 3600)
    house = House(store)
    house.model.delay_s = 3600
    async with working(house):
        await house.lanes.accept(Message("w", HERE, ANN, 1.0, "tell me a long story", ref="mw", waits=True))
        while not house.model.requests:
            await asyncio.sleep(0.01)
        await house.lanes.accept(Message("s", HERE, ANN, 1.0, "/stop", ref="ms"), stop=True)
        await house.quiet()
    assert sorted(part.turn for part in house.platform.sent) == ["s", "w"]
    assert all(part.text.startswith("Stopped") for part in house.platform.sent)


async def test_what_an_edit_cannot_be_answered_with_is_said_at_once(store: Store, monkeypatch: pytest.MonkeyPatch):
    house = House(store)
    async with working(house):
        await house.lanes.accept(Message("1", HERE, ANN, 1.0, "hello", ref="m1"))
        await house.quiet()
        monkeypatch.setattr(lanes, "LEASE_S", 3600)
        house.model.enqueue(UserError("model_slow"))
        await house.lanes.accept(Edit("e", HERE, Message("1", HERE, ANN, 1.0, "good evening", ref="m1")))
        await house.quiet()
    assert len(house.platform.texts(HERE)) == 2


async def test_stop_ends_the_running_turn_and_what_waits_behind_it(house: House):
    house.model.delay_s = 0.05
    house.model.enqueue("word " * 200)
    await house.say("tell me everything")
    await house.say("and more")
    while not house.model.requests:
        await asyncio.sleep(0.01)
    await house.lanes.accept(Message("s", HERE, ANN, 1.0, "/stop", ref="ms"), stop=True)
    await house.say("hello")
    await house.quiet()
    stopped, answer = house.platform.texts(HERE)
    assert stopped.startswith("Stopped")
    assert answer == "You said: hello"
    assert [turn.said for turn in (await house.lanes.dialogue(HERE)).turns] == ["hello"]


async def test_an_edit_answers_again_in_the_same_place(house: House):
    house.model.context_tokens = 100_000
    house.model.enqueue("long " * 2000)
    await house.say("one")
    await house.say("two")
    await house.quiet()
    shown = [part for part in house.platform.sent if part.turn == "0"]
    assert len(shown) == 3
    for number, text in enumerate(["changed", "changed"]):  # the second changes nothing
        changed = Message("", HERE, ANN, 1.0, text, ref="m0")
        await house.lanes.accept(Edit(f"e{number}", HERE, changed))
    await house.quiet()
    first, *rest = house.platform.sent[len(shown) + 1 :]
    assert (first.text, first.replaces) == ("You said: changed", "sent-0-0")
    assert [(part.kind, part.replaces) for part in rest] == [("removal", "sent-0-1"), ("removal", "sent-0-2")]
    turns = (await house.lanes.dialogue(HERE)).turns
    assert [(turn.said, turn.reply) for turn in turns] == [("changed", "You said: changed"), ("two", "You said: two")]
    assert "one" not in str(house.model.requests[-1].utterances)


async def test_a_deletion_forgets_the_turn(house: House):
    await house.say("one")
    await house.say("two")
    await house.lanes.accept(Deletion("d", HERE, ("m0", "unknown")))
    await house.quiet()
    assert [turn.said for turn in (await house.lanes.dialogue(HERE)).turns] == ["two"]


@pytest.mark.slow
async def test_an_album_is_one_turn(house: House):
    for number in range(3):
        media = (MediaRef("image", str(number)),)
        text = "what is this?" if number == 0 else ""
        await house.lanes.accept(Message(f"a{number}", HERE, ANN, 1.0, text, media, ref=f"a{number}", album="x"))
    await house.say("hello")
    await house.quiet()
    notice, answer = house.platform.texts(HERE)
    assert "pictures" in notice
    assert answer == "You said: hello"


async def test_a_channel_that_moves_takes_everything_along(house: House):
    there = ChannelKey("telegram", "42:-100")
    await house.say("hello")
    await house.quiet()
    house.model.delay_s = 0.02
    await house.say("one")
    await house.lanes.accept(Move("mv", HERE, there))
    await house.say("two")
    await house.quiet()
    assert house.platform.texts(HERE) == ["You said: hello", "You said: one"]
    assert house.platform.texts(there) == ["You said: two"]
    assert [turn.said for turn in (await house.lanes.dialogue(there)).turns] == ["hello", "one", "two"]
    assert (await house.lanes.dialogue(HERE)).turns == ()


async def test_a_channel_moves_and_forgets_what_was_deleted_also_when_somebody_said_stop(house: House):
    there = ChannelKey("telegram", "42:-100")
    await house.say("hello")
    await house.quiet()
    async with house.store.redis.pipeline() as pipe:  # nobody comes in between
        pipe.rpush(keys.of_channel("in", HERE), encode_event(Deletion("d", HERE, ("m0",))))
        pipe.rpush(keys.of_channel("in", HERE), encode_event(Move("mv", HERE, there)))
        await pipe.execute()
    await house.lanes.accept(Message("s", HERE, ANN, 1.0, "/stop"), stop=True)
    await house.quiet()
    assert (await house.lanes.dialogue(there)).turns == ()
    assert (await house.lanes.dialogue(HERE)).turns == ()
    assert house.platform.texts(there)


async def test_a_channel_that_moves_to_its_own_name_stays_as_it_is(house: House):
    await house.say("hello")
    await house.lanes.accept(Move("mv", HERE, HERE))
    await house.say("again")
    await house.quiet()
    assert [turn.said for turn in (await house.lanes.dialogue(HERE)).turns] == ["hello", "again"]


async def test_an_answer_that_finds_its_channel_moved_follows_it(house: House):
    there = ChannelKey("telegram", "42:-100")
    house.platform.errors = [ChannelMoved("42:-100")]
    await house.say("hello")
    await house.say("again")
    await house.quiet()
    assert house.platform.texts(there) == ["You said: hello", "You said: again"]
    assert len((await house.lanes.dialogue(there)).turns) == 2


async def test_a_voice_note_that_may_have_arrived_is_not_sent_again(house: House):
    house.platform.errors_for["voice"] = [Uncertain("no answer")]
    await house.say(audio=b"hello")
    await house.say("again")
    await house.quiet()
    assert [part.kind for part in house.platform.sent] == ["text", "text"]


async def test_a_voice_note_that_was_refused_for_now_is_sent_again(house: House):
    house.platform.errors_for["voice"] = [RetryableError("429", 0.01)]
    await house.say(audio=b"hello")
    await house.quiet()
    assert [part.kind for part in house.platform.sent] == ["text", "voice"]


async def test_a_channel_that_is_gone_is_not_tried_part_by_part(house: House):
    house.model.enqueue("long " * 2000)
    house.platform.errors = [ChannelGone("blocked")]
    await house.say("hello")
    await house.quiet()
    assert house.platform.sent == []
    assert await house.store.redis.llen(keys.of_channel("dead", HERE)) == 3


async def test_for_a_channel_that_is_gone_nothing_is_made_until_it_is_back(house: House):
    house.platform.errors = [ChannelGone("blocked")]
    await house.say("hello")
    await house.quiet()
    house.platform.errors_for["typing"] = [ChannelGone("blocked")]
    await house.say("anybody?")
    await house.quiet()
    assert [request.utterances[-1].text for request in house.model.requests] == ["hello"]
    await house.say("back again")
    await house.say("and on")
    await house.quiet()
    assert house.platform.texts(HERE) == ["You said: back again", "You said: and on"]


async def test_a_text_that_may_have_been_on_its_way_is_sent_again_and_flagged(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.lanes.lanes.LEASE_S", 0.2)
    house = House(store)
    await house.say("hello")
    dead = await house.lanes.claim(keys.partition(HERE), "telegram")
    assert dead is not None
    answer = TextPart("0", 0, HERE, "hello back")
    await house.lanes.commit(dead, None, [answer], last="0", sending=answer.nonce)
    before = flagged()
    async with working(house):
        await house.quiet()
    assert house.platform.texts(HERE) == ["hello back"]
    assert flagged() == before + 1


async def test_a_text_that_was_refused_for_now_is_not_flagged(house: House):
    before = flagged()
    house.platform.errors = [RetryableError("429", 0.01)]
    await house.say("hello")
    await house.quiet()
    assert house.platform.texts(HERE) == ["You said: hello"]
    assert flagged() == before


def flagged() -> float:
    return PERHAPS_TWICE.labels("telegram", "text")._value.get()


async def test_a_growing_answer_is_edited_into_the_final_one(store: Store):
    house = House(store)
    house.platform.limits = Limits(text_units=4096, media_bytes=1000, draft_gap_s=0.01, idempotent=True)
    house.model.delay_s = 0.02
    async with working(house):
        await house.say("a b c d e f g h")
        await house.quiet()
    *drafts, last = house.platform.sent
    assert all(part.kind == "draft" for part in drafts)
    assert [part.replaces for part in drafts] == ["", *["sent-0-0"] * (len(drafts) - 1)]
    assert len(drafts) > 2
    assert (last.kind, last.text, last.replaces) == ("text", "You said: a b c d e f g h", "sent-0-0")


async def test_work_is_done_for_the_drafts_that_are_shown_alone(store: Store, monkeypatch: pytest.MonkeyPatch):
    made_presentable: list[str] = []
    compared: list[str] = []

    def presentable(text: str, real: Callable[[str], str] = cleaning.presentable) -> str:
        made_presentable.append(text)
        return real(text)

    def may_come(echo: Echo, answer: str, real: Callable[[Echo, str], bool] = Echo.may_come) -> bool:
        compared.append(answer)
        return real(echo, answer)

    monkeypatch.setattr(cleaning, "presentable", presentable)
    monkeypatch.setattr(Echo, "may_come", may_come)
    house = House(store)
    house.platform.limits = Limits(text_units=100_000, media_bytes=1000, draft_gap_s=1.0, idempotent=True)
    answer = " ".join(f"word{number}" for number in range(2000))
    house.model.enqueue(f"My dog\x00 {answer}")
    async with working(house):
        await house.say("My dog chased the grey cat over the fence")
        await house.quiet()
    *drafts, last = house.platform.sent
    assert last.text == f"My dog {answer}"
    assert all(last.text.startswith(draft.text) for draft in drafts)
    assert len(compared) < 10
    assert len(made_presentable) < 20 + 2 * len(drafts)


async def test_tokens_are_counted_beside_the_event_loop(store: Store, monkeypatch: pytest.MonkeyPatch):
    counted_by: list[int] = []

    def count_tokens(model: FakeModel, utterances: Sequence[Utterance]) -> int:
        counted_by.append(threading.get_ident())
        return 1

    monkeypatch.setattr(FakeModel, "count_tokens", count_tokens)
    house = House(store)
    house.quotas = Quotas(store, Allowance(tokens_per_day=1000), Allowance())
    async with working(house):
        for text in ("hello", "hello again", "/status", "/retry"):
            await house.say(text)
            await house.quiet()
    assert len(counted_by) > 10
    assert threading.get_ident() not in counted_by


async def test_a_draft_that_a_crash_left_grows_on(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lanes, "LEASE_S", 0.1)
    house = House(store)
    house.platform.limits = Limits(text_units=4096, media_bytes=1000, draft_gap_s=0.01, idempotent=True)
    await house.say("hello")
    dead = await house.lanes.claim(keys.partition(HERE), "telegram")
    assert dead is not None
    await house.lanes.note_draft(dead, "0", "left")
    async with working(house):
        await house.quiet()
    assert {part.replaces for part in house.platform.sent} == {"left"}


async def test_a_full_lane_says_how_many_are_ahead(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lanes, "LONGEST", 3)
    house.model.delay_s = 0.3
    desk = house.desk()
    taken = [await desk.accept(Message(f"f{n}", HERE, ANN, 1.0, f"m{n}", ref=f"f{n}")) for n in range(6)]
    assert taken[:3] == [True] * 3
    assert not taken[-1]
    house.model.delay_s = 0.0
    await house.quiet()
    busy = [text for text in house.platform.texts(HERE) if "ahead of you" in text]
    assert len(busy) == 1
    assert "3 messages" in busy[0]


async def test_a_silenced_bell_lets_running_turns_end(store: Store):
    house = House(store)
    house.model.delay_s = 0.05
    await house.say("hello there")
    bell = Doorbell(store, ["telegram"])
    running = asyncio.create_task(house.worker(bell).run())
    await asyncio.sleep(0.1)
    await bell.silence()
    await house.say("later")
    await asyncio.wait_for(running, 5)
    assert house.platform.texts(HERE) == ["You said: hello there"]


@pytest.mark.slow
async def test_a_send_that_may_work_later_is_tried_again_and_the_model_is_not(house: House):
    house.platform.errors = [RetryableError("429", after_s=0.05), RetryableError("reset", after_s=0.05)]
    await house.say("hello")
    await house.say("again")
    await house.quiet()
    assert house.platform.texts(HERE) == ["You said: hello", "You said: again"]
    assert len(house.model.requests) == 2


async def test_a_part_that_can_never_arrive_is_passed_over(house: House):
    house.platform.errors = [PermanentError("blocked")]
    await house.say("hello")
    await house.say("again")
    await house.quiet()
    assert house.platform.texts(HERE) == ["You said: again"]


@pytest.mark.usefixtures("impatient")
async def test_a_part_that_brings_everybody_to_grief_is_set_aside(house: House):
    house.platform.errors = [ZeroDivisionError("boom")] * 10
    await house.say("hello")
    await house.say("again")
    await house.quiet()
    assert house.platform.texts(HERE) == ["You said: again"]
    assert len(house.model.requests) == 2
    assert await house.store.redis.llen(keys.of_channel("dead", HERE)) == 1


@pytest.mark.slow
async def test_of_the_lanes_whose_owners_died_one_is_tried_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lanes, "LEASE_S", 0.1)
    monkeypatch.setattr(worker, "_ASIDE_S", 0.02)
    house = House(store)
    house.model.delay_s = 0.02
    suspects = [ChannelKey("telegram", f"42:{number}") for number in range(4)]
    for channel in suspects:
        await house.say("hello there", channel)
    for _ in range(3):
        for channel in suspects:
            assert await house.lanes.claim(keys.partition(channel), "telegram")
        await asyncio.sleep(0.12)
    fresh = ChannelKey("telegram", "42:fresh")
    await house.say("hello there", fresh)
    async with working(house):
        await house.quiet()
    assert house.model.most_at_once == 2
    assert all(house.platform.texts(channel) == ["You said: hello there"] for channel in [*suspects, fresh])


async def test_a_message_over_which_ten_owners_died_is_given_up(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lanes, "LEASE_S", 0.02)
    house = House(store)
    await house.say("poison")
    await house.say("hello")
    for _ in range(10):
        assert await house.lanes.claim(keys.partition(HERE), "telegram")
        await asyncio.sleep(0.03)
    async with working(house):
        await house.quiet()
    apology, answer = house.platform.texts(HERE)
    assert "went wrong" in apology
    assert answer == "You said: hello"


@pytest.mark.usefixtures("impatient")
async def test_a_part_that_arrived_while_redis_was_away_is_not_sent_again(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    sent, failures = Lanes.sent, iter([RetryableError("away", 0.01)] * 2)

    async def failing(*args: Any, **options: Any) -> bool:
        if (failure := next(failures, None)) is not None:
            raise failure
        return await sent(*args, **options)

    monkeypatch.setattr(Lanes, "sent", failing)
    await house.say("hello")
    await house.say("hello")
    await house.quiet()
    assert house.platform.texts(HERE) == ["You said: hello"] * 2


async def test_what_arrived_while_redis_was_away_is_kept_in_few_bytes_and_not_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    house = House(store)
    deliveries: list[Delivery] = []
    made = Delivery.__init__

    def watched(self: Delivery, *args: Any) -> None:
        deliveries.append(self)
        made(self, *args)

    async def failing(*_: Any, **__: Any) -> bool:
        raise RetryableError("away", 60.0)

    monkeypatch.setattr(Delivery, "__init__", watched)
    monkeypatch.setattr(delivery, "_MOST_ARRIVED", 3)
    monkeypatch.setattr(Lanes, "sent", failing)
    async with working(house):
        for number in range(5):
            await house.say("hello", ChannelKey("telegram", f"42:{number}"))
        while len(house.platform.sent) < 5:
            await asyncio.sleep(0.01)
    (kept,) = (each._arrived for each in deliveries)
    assert 0 < len(kept) <= 3
    assert all(len(digest) == 32 for digest, _ in kept.values())


async def test_new_forgets_the_conversation(house: House):
    await house.say("hello")
    await house.say("/new")
    await house.quiet()
    assert (await house.lanes.dialogue(HERE)).turns == ()


async def test_a_reaction_on_any_part_rates_the_turn(house: House):
    house.model.enqueue("long " * 2000)
    id = await house.say("hello")
    await house.quiet()
    assert len(house.platform.sent) > 2
    await house.lanes.accept(Reaction("r1", HERE, ANN, 2.0, f"sent-{id}-1", ("👍🏽",)))
    await house.quiet()
    assert (await house.feedback.ratings(HERE))[id, "1"].rating == 1
    await house.lanes.accept(Reaction("r2", HERE, ANN, 2.0, f"sent-{id}-1", (), ("👍🏽",)))
    await house.lanes.accept(Reaction("r3", HERE, ANN, 2.0, "unknown", ("👍",)))
    await house.quiet()
    assert await house.feedback.ratings(HERE) == {}


async def test_a_reaction_that_overtakes_its_answer_counts_when_that_is_recorded(house: House):
    topic = ChannelKey("telegram", "42:7", "33")
    house.model.delay_s = 0.05
    house.model.enqueue("one two three four five")
    id = await house.say("hello", topic)
    for number, (added, removed) in enumerate([(("👍",), ()), ((), ("👍",)), (("👎",), ())]):
        await house.lanes.accept(Reaction(f"r{number}", HERE, ANN, 2.0, f"sent-{id}-0", added, removed))
    await house.lanes.accept(Reaction("r9", HERE, ANN, 2.0, "somebody else's", ("👍",)))
    await house.quiet()
    assert {key: rating.rating for key, rating in (await house.feedback.ratings(topic)).items()} == {(id, "1"): -1}
    (later,) = await house.store.redis.keys("*:later:*")
    (due,) = await house.store.redis.zrange(later, 0, -1, withscores=True)
    member, at_ms = cast(tuple[bytes, float], due)
    assert member.endswith(b"r9")
    assert at_ms <= 1000 * (clock.now() + 60)


async def test_an_answer_that_the_model_reads_anyway_is_not_quoted(house: House):
    house.model.enqueue("It is **blue**.", "Yes.", "Once more: yes.")
    id = await house.say("What colour?")
    await house.quiet()
    for number, ref in enumerate([f"sent-{id}-0", "an answer of last year"]):
        quote = Quote("Parley", "It is blue.", own=True, ref=ref)
        await house.lanes.accept(Message(f"again{number}", HERE, ANN, 2.0, "Sure?", quote=quote))
    await house.quiet()
    _, sure, last_year = (request.utterances[-1].text for request in house.model.requests)
    assert sure == "Sure?"
    assert "> It is blue." in last_year


async def test_a_notice_is_not_rated(house: House):
    id = await house.say("/help")
    await house.quiet()
    await house.lanes.accept(Reaction("r1", HERE, ANN, 2.0, f"sent-{id}-0", ("👍",)))
    await house.quiet()
    assert await house.feedback.ratings(HERE) == {}


@pytest.mark.slow
async def test_200_messages_to_50_channels_are_each_answered_once_in_order(house: House):
    house.model.delay_s = 0.001
    channels = [ChannelKey("telegram", f"42:{number}") for number in range(50)]
    await asyncio.gather(*(_converse(house, channel) for channel in channels))
    await house.quiet()
    for channel in channels:
        expected = [f"You said: message {n} of {channel.space}" for n in range(4)]
        assert house.platform.texts(channel) == expected
    assert len(house.model.requests) == 200


async def _converse(house: House, channel: ChannelKey) -> None:
    for number in range(4):
        await house.say(f"message {number} of {channel.space}", channel)


@pytest.mark.slow
async def test_a_burst_in_one_channel_stays_in_order_with_two_workers(house: House):
    async with working(house):
        await asyncio.gather(*(house.say(f"x{n}", ChannelKey("telegram", f"42:9{n}")) for n in range(20)))
        for number in range(40):
            await house.say(f"message {number}")
        await house.quiet()
    assert house.platform.texts(HERE) == [f"You said: message {number}" for number in range(40)]


async def test_what_a_dead_worker_left_is_answered_by_the_next(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lanes, "LEASE_S", 0.2)
    house = House(store)
    await house.say("hello")
    assert await house.lanes.claim(keys.partition(HERE), "telegram") is not None
    async with working(house):
        await house.quiet()
    assert house.platform.texts(HERE) == ["You said: hello"]


async def test_a_broken_event_or_dialogue_does_not_block_the_channel(house: House):
    await house.store.redis.set(keys.of_channel("dlg", HERE), b"{broken")
    await house.store.redis.rpush(keys.of_channel("in", HERE), b"{broken")
    await house.say("hello")
    await house.quiet()
    assert house.platform.texts(HERE) == ["You said: hello"]
    assert await house.store.redis.llen(keys.of_channel("dead", HERE)) == 2


async def test_channels_do_not_see_each_others_words(house: House):
    there = ChannelKey("telegram", "42:8")
    await house.say("my secret is plum")
    await house.quiet()
    await house.say("what is my secret?", there)
    await house.quiet()
    assert "plum" not in str(house.model.requests[-1])


@pytest.mark.slow
async def test_a_stop_in_the_middle_of_work_ends_it_at_once_every_time(store: Store):
    house = House(store)
    for round in range(15):
        for number in range(20):
            await house.say("hello", ChannelKey("telegram", f"42:{number}"))
        task = asyncio.create_task(house.worker().run())
        await asyncio.sleep(0.01 + 0.003 * round)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=5)
        assert done
    async with working(house):
        await house.quiet()
    assert len({part.nonce for part in house.platform.sent}) == 300  # a text may be shown twice


@pytest.mark.parametrize("nothing", ["", " \n", "\u200b\u200b\u200b"])
async def test_pain_19_a_model_that_says_nothing_is_one_honest_sentence(house: House, nothing: str):
    house.model.enqueue(nothing)
    await house.say("hello")
    await house.say("and this")
    await house.quiet()
    first, second = house.platform.texts(HERE)
    assert first == Phrases().say("no_answer", "en")
    assert second.startswith("You said: and this")


async def test_what_nobody_foresaw_in_a_send_is_tried_again_and_no_other_channel_notices(house: House):
    there = ChannelKey("telegram", "42:8")
    house.platform.errors_for["text"] = [ValueError("a bug")]
    await house.say("hello")
    await house.quiet()
    await house.say("hello there", there)
    await house.quiet()
    assert [len(house.platform.texts(channel)) for channel in (HERE, there)] == [1, 1]
    assert len(house.model.requests) == 2
