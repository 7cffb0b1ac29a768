import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bots.locales import Phrases
from core import keys, lanes, profiles
from core.doorbell import Doorbell
from core.engine import Engine
from core.errors import PermanentError, RetryableError
from core.feedback import Feedback
from core.lanes import Lanes
from core.message import ChannelKey, MediaRef, Message, Person, Reaction
from core.store import Store
from core.worker import Worker
from tests.fakes.platforms import FakePlatform
from tests.fakes.thinking import FakeHearing, FakeModel, FakeSpeaking

ANN = Person("1", "Ann", "en")
HERE = ChannelKey("telegram", "42:7")


class House:
    """A worker with a model that says what it is told to, on a real Redis."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lanes = Lanes(store)
        self.feedback = Feedback(store)
        self.platform = FakePlatform()
        self.model = FakeModel()
        self._numbers = iter(range(1_000_000))

    def worker(self) -> Worker:
        engine = Engine(self.model, FakeHearing(), FakeSpeaking(), profiles.load("plain"))
        bell = Doorbell(self.store, ["telegram"])
        return Worker(self.lanes, bell, engine, self.feedback, {"telegram": self.platform}, Phrases())

    async def say(
        self, text: str = "", channel: ChannelKey = HERE, who: Person = ANN, audio: bytes | None = None
    ) -> str:
        id = str(next(self._numbers))
        media: tuple[MediaRef, ...] = ()
        if audio is not None:
            self.platform.files[id] = audio
            media = (MediaRef("audio", id),)
        await self.lanes.accept(Message(id, channel, who, 1.0, text, media, ref=f"m{id}"))
        return id

    async def quiet(self) -> None:
        """Wait until no lane holds anything."""
        async with asyncio.timeout(10):
            while await self.store.redis.keys("*:in:*") or await self.store.redis.keys("*:out:*"):
                await asyncio.sleep(0.01)


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    made = House(store)
    async with working(made):
        yield made


@contextlib.asynccontextmanager
async def working(house: House) -> AsyncIterator[None]:
    task = asyncio.create_task(house.worker().run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


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
    assert [u.content for u in house.model.requests[1].utterances[-3:]] == ["hello", "Hello Ann.", "what did I say?"]
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
    assert (turn.said, turn.heard, turn.spoken) == ("what is my name", True, True)


async def test_when_the_voice_fails_the_text_still_arrives(house: House):
    house.model.enqueue("unspeakable")
    await house.say(audio=b"hello")
    await house.quiet()
    assert [(part.kind, part.text) for part in house.platform.sent] == [("text", "🎧 “hello”\n\nunspeakable")]


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


async def test_what_nobody_foresaw_is_one_apology_and_the_next_message_is_answered(house: House):
    house.model.enqueue(ZeroDivisionError("boom"), "Fine.")
    await house.say("one")
    await house.say("two")
    await house.quiet()
    apology, answer = house.platform.texts(HERE)
    assert "boom" not in apology
    assert answer == "Fine."


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
    await house.lanes.accept(Reaction("r2", HERE, ANN, 2.0, f"sent-{id}-1", (), ("👍",)))
    await house.lanes.accept(Reaction("r3", HERE, ANN, 2.0, "unknown", ("👍",)))
    await house.quiet()
    assert await house.feedback.ratings(HERE) == {}


async def test_a_notice_is_not_rated(house: House):
    id = await house.say("/help")
    await house.quiet()
    await house.lanes.accept(Reaction("r1", HERE, ANN, 2.0, f"sent-{id}-0", ("👍",)))
    await house.quiet()
    assert await house.feedback.ratings(HERE) == {}


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
    assert len(house.platform.sent) == 300
