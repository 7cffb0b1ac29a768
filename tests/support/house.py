"""A worker, on a real Redis, with a model that says what it is told to."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from bots.app import App
from core.delivery.pacing import Pacing
from core.intake.notices import Notices
from core.intake.quotas import Allowance, Quotas
from core.lanes.wakeup import Doorbell
from core.store.redis import Store
from core.thinking import profiles
from core.thinking.engine import Engine
from core.thinking.engines import Engines
from core.turns.worker import Worker
from core.values.channel import ChannelKey, MediaRef, Person
from core.values.events import Event, Message
from tests.fakes.platforms import FakePlatform
from tests.fakes.thinking import FakeHearing, FakeModel, FakeSpeaking
from tests.support.settings import settings_of

ANN = Person("1", "Ann", "en")
HERE, THERE = ChannelKey("telegram", "42:7"), ChannelKey("telegram", "42:8")


class House(App):
    """Parley with a model that says what it is told to, on one platform that the test looks into, without quotas."""

    def __init__(self, store: Store, owners: tuple[str, ...] = ()) -> None:
        super().__init__(settings_of(access="open", owners=",".join(owners)), store)
        self.platform = FakePlatform()
        self.model = FakeModel()
        self.hearing = FakeHearing()
        self.speaking = FakeSpeaking()
        self.quotas = Quotas(store, Allowance(), Allowance())
        self._numbers = iter(range(1_000_000))

    def thinking(self) -> Engines:
        return Engines.of(Engine(self.model, self.hearing, self.speaking, profiles.load("plain")))

    def worker(self, bell: Doorbell | None = None) -> Worker:
        working = self.working(self.thinking(), {"telegram": self.platform})
        return Worker(self.lanes, bell or Doorbell(self.store, ["telegram"]), working.turns)

    async def say(
        self, text: str = "", channel: ChannelKey = HERE, who: Person = ANN, audio: bytes | None = None
    ) -> str:
        id = self.next_id()
        media: tuple[MediaRef, ...] = ()
        if audio is not None:
            self.platform.files[id] = audio
            media = (self.audio(id),)
        await self.lanes.accept(Message(id, channel, who, 1.0, text, media, ref=f"m{id}"))
        return id

    def desk(self) -> "Desk":
        return Desk(self)

    def next_id(self) -> str:
        return str(next(self._numbers))

    def audio(self, handle: str) -> MediaRef:
        return MediaRef("audio", handle)

    async def quiet(self) -> None:
        """Wait until no lane holds anything."""
        async with asyncio.timeout(60):
            while await self.store.redis.keys("*:ready:*"):
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def working(house: House) -> AsyncGenerator[None]:
    task = asyncio.create_task(house.worker().run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Desk:
    """A front desk whose `accept` ends when all was said that it says itself, so that tests can look at it."""

    def __init__(self, house: House) -> None:
        self.notices = Notices({"telegram": house.platform}, Pacing(house.store))
        self.reception = house.reception(self.notices)

    async def accept(self, event: Event) -> bool:
        taken = await self.reception.accept(event)
        telling = asyncio.create_task(self.notices.run())
        await self.notices.settled()
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        return taken


BOB = Person("2", "Bob", "en")


async def told(house: House, *texts: str, who: Person = ANN, group: bool = False) -> str:
    """What Parley says to the last of these."""
    for text in texts:
        message = Message(house.next_id(), HERE, who, 1.0, text, ref="m", group=group)
        await house.lanes.accept(message)
        await house.quiet()
    return house.platform.texts(HERE)[-1]
