"""Builds everything from the settings and runs it until it is told to stop."""

import asyncio
import gc
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol, TypeVar, runtime_checkable
from urllib.parse import urlsplit

from bots.cli.arriving import Agrees
from bots.health import MemoryHealth
from bots.locales import Phrases
from bots.opening import Opening, always
from bots.web.models import HERE, ModelsOut, coming, held
from core import settings as configuring
from core.delivery.pacing import Pacing
from core.errors import RetryableError
from core.feedback.ratings import Feedback
from core.intake.access import Access
from core.intake.notices import Notices
from core.intake.pairing import Pairing
from core.intake.quotas import Allowance, Quotas
from core.intake.reception import Reception
from core.lanes.admin import Upkeep
from core.lanes.lanes import Lanes
from core.lanes.listener_lease import ListenerLease
from core.lanes.wakeup import Doorbell
from core.models.arriving import Arrival
from core.platform import Platform
from core.privacy import indexing
from core.privacy.cache_invalidation import Invalidation
from core.privacy.retention import Retention
from core.privacy.service import Privacy, Terms
from core.settings import Settings
from core.store import keys
from core.store.people import People
from core.store.preferences import PreferenceStore
from core.store.redis import Store
from core.telemetry import log
from core.thinking.engines import Engines
from core.turns.answering import Answering
from core.turns.commands import COMMANDS
from core.turns.commands.context import Services
from core.turns.dispatch import Turns
from core.turns.replying import Replying
from core.turns.summaries import Summaries
from core.turns.worker import Worker
from core.values.channel import ChannelKey, Person, PlatformName

_LOG = log("app")
_Loaded = TypeVar("_Loaded")
LEAVE_S = 20.0


@runtime_checkable
class Account(Platform, Protocol):
    """A platform that Parley joins with a token."""

    def trouble(self) -> str:
        """Why nothing is heard from it, "" when all is well or another process listens."""
        ...

    async def check(self) -> str:
        """Whom the token belongs to; SettingError when it is refused, RetryableError when nobody answers."""
        ...


@runtime_checkable
class Keeper(Protocol):
    """A platform that keeps files of a channel outside Redis."""

    def erase(self, channel: ChannelKey) -> None:
        """Erase those of a channel."""
        ...


@dataclass(frozen=True, slots=True)
class Working:
    """The steps of turns, and what beside them has to be run or closed."""

    turns: Turns
    summaries: Summaries
    invalidation: Invalidation


class App:
    """One process of Parley: the store, the platforms that it serves, and how each of its parts is doing."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        agrees: Agrees = always,
        watch: Callable[[Arrival], None] = lambda _: None,
    ) -> None:
        """`agrees` is asked before models are fetched; `watch` is told how far they are, from any thread."""
        self.settings = settings
        self.store = store
        self.opening = Opening(settings, agrees, watch)
        self.phrases = Phrases()
        self.lanes = Lanes(store)
        self.channels = PreferenceStore(store)
        self.people = People(store)
        self.feedback = Feedback(store)
        self.upkeep = Upkeep(store)
        allowed, owners = (configuring.names_in(names) for names in (settings.allowed, settings.owners))
        own_page = not settings.web_token.get_secret_value()
        pairing = Pairing(store, self.lanes)
        self.access = Access(settings.access, allowed, owners, pairing, own_page=own_page)
        self.standby = ListenerLease(store, self.lanes.worker_id)
        self.quotas = Quotas(store, *_allowances(settings))
        self._state: dict[str, str] = {}
        self._memory = MemoryHealth(store)
        self._accounts: list[Account] = []
        self._leaving = asyncio.Event()

    async def health(self) -> Mapping[str, str]:
        """Each part and "ok", or why not."""
        return {**await self._memory.states(), **self._states(), **self._troubles()}

    def models(self) -> ModelsOut:
        """Which models are in memory, none while they are being loaded; which are on their way, which can be chosen."""
        engines, arriving = self.opening.open, coming(self.opening.arrivals)
        if engines is None:
            return ModelsOut(models=[], coming=arriving)
        places = (urlsplit(url).hostname or HERE for url in (self.settings.lm_url, self.settings.asr_url))
        return ModelsOut(models=held(engines, *places), coming=arriving, choices=list(engines.choices()))

    def _states(self) -> dict[str, str]:
        return {**self._state, **self.opening.states}

    @property
    def loading(self) -> bool:
        """Whether models are still on their way, so that what arrives has to wait for them."""
        return self.opening.open is None

    def _troubles(self) -> dict[str, str]:
        return {account.name: trouble for account in self._accounts if (trouble := account.trouble())}

    async def run(self, platforms: Mapping[PlatformName, Platform]) -> None:
        """Listen and answer until cancelled, until `leave` or until a platform ends by itself (the terminal does).

        Listening starts before the models are loaded: what arrives meanwhile waits in its lane.
        """
        doorbell = Doorbell(self.store, tuple(platforms), self.lanes.worker_id)
        notices = Notices(platforms, Pacing(self.store))
        reception = self.reception(notices)
        async with asyncio.TaskGroup() as group:
            working = group.create_task(self._work(platforms, doorbell))
            telling = group.create_task(notices.run())
            listening = [group.create_task(self._listen(platform, reception)) for platform in platforms.values()]
            leaving = group.create_task(self._leaving.wait())
            await asyncio.wait([leaving, *listening], return_when=asyncio.FIRST_COMPLETED)
            await doorbell.silence()
            # The page goes last: somebody may wait there for an answer that is being made.
            for platform, task in zip(platforms, listening, strict=True):
                if platform != "web":
                    task.cancel()
            # While models load nothing is being answered, and what waits is answered after the next start.
            await asyncio.wait({working}, timeout=LEAVE_S if self.opening.open else 0)
            for task in (working, leaving, telling, *listening):
                task.cancel()

    def leave(self) -> None:
        """Take nothing new; turns that are running have some seconds to end, the rest waits for the next start."""
        self._leaving.set()

    async def _listen(self, platform: Platform, reception: Reception) -> None:
        self._state[platform.name] = "ok"
        if isinstance(platform, Account):
            self._accounts.append(platform)
            token = getattr(self.settings, f"{platform.name}_token").get_secret_value()
            account = f"{platform.name}/{fingerprint(token)}"
            await self.standby.listen(account, lambda: platform.listen(reception.accept))
        else:
            await platform.listen(reception.accept)

    async def _inherit(self, platforms: Mapping[PlatformName, Platform], doorbell: Doorbell) -> None:
        try:
            due = await self.upkeep.inherit(self.lanes.worker_id, platforms)
            if due:
                _LOG.info("%d channels were in the hands of a process that died: going on with them", len(due))
            for channel, after_s in due.items():
                doorbell.ring_later(keys.partition(channel), channel.platform, after_s)
        except RetryableError as error:
            _LOG.warning("what a process held that died waits until its leases end: %s", error)

    async def _index(self) -> None:
        """Before anybody asks what is kept of them; a store that has it is asked once."""
        while True:
            try:
                return await indexing.fill(self.store, self.people)
            except RetryableError as error:
                _LOG.warning("what an older version kept is not indexed yet: %s", error)
                await asyncio.sleep(error.after_s)

    async def _work(self, platforms: Mapping[PlatformName, Platform], doorbell: Doorbell) -> None:
        async with self.engines() as engines:
            # A full collection over the models' libraries, half a million objects, stops everything for 0.25 s.
            gc.collect()
            gc.freeze()

            working = self.working(engines, platforms)
            retention = Retention(self.store, self.settings.retention_days, working.invalidation)
            await self._inherit(platforms, doorbell)
            await self._index()
            async with asyncio.TaskGroup() as group:
                works = (working.invalidation.listen(), retention.run(), self.opening.bring(engines))
                beside = [group.create_task(work) for work in works]
                try:
                    await Worker(self.lanes, doorbell, working.turns).run()
                finally:
                    for task in beside:
                        task.cancel()
                    await working.summaries.close()

    def working(self, engines: Engines, platforms: Mapping[PlatformName, Platform]) -> Working:
        """What a worker does with these models for these platforms."""

        async def administers(channel: ChannelKey, person: Person) -> bool:
            return await platforms[channel.platform].administers(channel, person)

        summaries = Summaries(engines, self.lanes)
        erasers = [platform.erase for platform in platforms.values() if isinstance(platform, Keeper)]
        invalidation = Invalidation(self.store, (summaries.drop, engines.forget))
        privacy = Privacy(self.store, self.phrases, Terms.of(self.settings), invalidation, erasers)
        replying = Replying(engines, self.lanes, self.feedback, platforms, self.phrases, self.quotas, self.access)
        services = Services(
            self.channels,
            self.lanes,
            engines,
            self.phrases,
            administers,
            self.access,
            privacy,
            replying,
            COMMANDS,
        )
        turns = Turns(
            self.lanes,
            Answering(services),
            replying,
            self.feedback,
            self.upkeep,
            Pacing(self.store),
            platforms,
            summaries,
            invalidation,
        )
        return Working(turns, summaries, invalidation)

    def reception(self, notices: Notices) -> Reception:
        """The front desk for all platforms."""
        return Reception(
            self.lanes, self.channels, self.access, self.quotas, self.people, notices, self.phrases, COMMANDS
        )

    def engines(self) -> AbstractAsyncContextManager[Engines]:
        """The models, open from here on and closed at the end."""
        return self.opening.engines()


def _allowances(settings: Settings) -> tuple[Allowance, Allowance]:
    """What one person may use, and what one channel."""
    return (
        Allowance(
            settings.person_messages_per_minute, settings.person_voice_minutes_per_day, settings.person_tokens_per_day
        ),
        Allowance(
            settings.channel_messages_per_minute,
            settings.channel_voice_minutes_per_day,
            settings.channel_tokens_per_day,
        ),
    )


def fingerprint(token: str) -> str:
    """A name for a token that says nothing of it."""
    return blake2b(token.encode(), digest_size=6).hexdigest()
