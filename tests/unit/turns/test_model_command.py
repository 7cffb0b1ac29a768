"""/model, /status and the first answer while models are on their way: through a worker on a real Redis."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.errors import RetryableError, SettingError
from core.lm.base import LanguageModel, Text
from core.models.arriving import Arrivals
from core.models.catalogue import Entry
from core.models.holding import Holding
from core.models.progress import Progress, Show
from core.speech.hearing import Hearing
from core.store.preferences import PreferenceStore
from core.store.redis import Store
from core.thinking import profiles
from core.thinking.engine import Engine
from core.thinking.engines import Engines
from core.values.channel import ChannelKey, Person
from core.values.events import Message
from core.values.preferences import Preferences
from tests.fakes.thinking import FakeModel
from tests.support.house import ANN, HERE, House, working

OWNER = Person("9", "Olga", "en")
MIND = Entry("large", "owner/large", "mind")


class Named(FakeModel):
    """A model that says its name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.closed = False

    async def stream(self, request):
        assert not self.closed
        yield Text(f"I am {self.name}.")

    async def close(self) -> None:
        self.closed = True


class Several(House):
    """A house whose owner can choose among models."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, owners=(f"telegram:{OWNER.id}",))
        self.minds = Holding[LanguageModel](self._open)
        self.arrivals = Arrivals()

    async def _open(self, name: str) -> LanguageModel:
        if name == "broken":
            raise SettingError("LM_MODEL", repr(name), "a model")
        return Named(name)

    def thinking(self) -> Engines:
        def build(mind: LanguageModel, ears: Hearing) -> Engine:
            return Engine(mind, ears, self.speaking, profiles.load("plain"))

        names = ("small", "large", "broken")
        ears = Holding[Hearing].of(self.hearing)
        return Engines(self.minds, ears, build, arrivals=self.arrivals, choices=lambda: names)

    async def told(self, text: str, who: Person = ANN, channel=HERE) -> str:
        await self.lanes.accept(Message(self.next_id(), channel, who, 1.0, text, ref="m"))
        await self.quiet()
        return self.platform.texts(channel)[-1]


@pytest.fixture
async def house(store: Store) -> AsyncIterator[Several]:
    made = Several(store)
    await made.minds.use("small")
    async with working(made):
        yield made


async def test_an_owner_chooses_the_model_of_a_channel(house: Several):
    assert await house.told("who are you") == "I am small."
    assert "large answers here" in await house.told("/model large", OWNER)
    assert await house.told("who are you") == "I am large."
    assert "Model: large" in await house.told("/status")
    assert "small answers here" in await house.told("/model auto", OWNER)
    assert await house.told("who are you") == "I am small."


async def test_nobody_else_chooses(house: Several):
    assert "Only my owner" in await house.told("/model large")
    assert (await PreferenceStore(house.store).preferences(HERE)).model == ""


async def test_what_is_not_there_or_does_not_open_is_said_and_nothing_changes(house: Several):
    assert "small, large, broken" in await house.told("/model huge", OWNER)
    assert "broken cannot answer here" in await house.told("/model broken", OWNER)
    assert await house.told("who are you") == "I am small."


async def test_a_model_that_was_chosen_and_is_gone_is_stood_in_for(house: Several):
    preferred = PreferenceStore(house.store)
    await preferred.change(HERE, lambda _: Preferences(model="broken"))
    assert await house.told("who are you") == "I am small."


async def test_while_a_mind_is_fetched_the_small_one_says_so_once_a_chat_and_status_how_far_it_is(house: Several):
    fetched = asyncio.Event()

    async def fetch(show: Show) -> None:
        show(Progress("large", "large", 45, 100))
        await fetched.wait()

    bringing = asyncio.create_task(house.arrivals.bring(MIND, fetch, lambda: house.minds.use("large")))
    await asyncio.sleep(0)
    first = await house.told("hello")
    assert first.startswith("I am small.\n\n(")
    assert "45 %" in first
    assert await house.told("hello") == "I am small."
    assert (await house.lanes.dialogue(HERE)).turns[0].reply == "I am small."
    assert "On its way: large, 45 %" in await house.told("/status")
    fetched.set()
    assert (await bringing).state == "here"
    assert await house.told("hello") == "I am large."
    assert "On its way" not in await house.told("/status")


async def test_a_fetch_that_fails_is_told_and_leaves_the_small_one(house: Several):
    async def fetch(show: Show) -> None:
        raise RetryableError("huggingface.co does not answer")

    assert (await house.arrivals.bring(MIND, fetch, lambda: house.minds.use("large"))).state == "failed"
    assert await house.told("hello") == "I am small."
    assert "large could not be fetched" in await house.told("/status")


async def test_twenty_chats_lose_nothing_while_models_are_switched(house: Several):
    async def switch() -> None:
        for name in ("large", "small") * 10:
            await house.minds.use(name)
            await asyncio.sleep(0.01)

    channels = [ChannelKey("telegram", str(100 + number)) for number in range(20)]
    switching = asyncio.create_task(switch())
    for round in range(5):
        for channel in channels:
            await house.lanes.accept(Message(house.next_id(), channel, ANN, 1.0, f"hello {round}", ref="m"))
        await asyncio.sleep(0.02)
    await switching
    await house.quiet()
    for channel in channels:
        turns = (await house.lanes.dialogue(channel)).turns
        assert [turn.said for turn in turns] == [f"hello {round}" for round in range(5)]
        assert {turn.reply for turn in turns} <= {"I am small.", "I am large."}
        assert len(house.platform.texts(channel)) == 5
