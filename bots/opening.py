"""Opens the models of the settings, and those that come later."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from bots import starter
from bots.cli.arriving import Agrees
from bots.loading import in_thread, memory_limit_bytes, open_hearing, open_model, open_speaking
from core import clock
from core.lm.base import LanguageModel
from core.models.arriving import Arrival, Arrivals
from core.models.catalogue import Entry
from core.models.holding import Holding
from core.models.progress import Show
from core.settings import Settings
from core.speech.hearing import Hearing
from core.speech.synthesis import Speaking
from core.telemetry import log
from core.text.language import language_of
from core.thinking import profiles
from core.thinking.engine import Engine
from core.thinking.engines import Engines
from core.thinking.guards import Guards

_LOG = log("app")
_Loaded = TypeVar("_Loaded")


async def always(_: Sequence[Entry]) -> bool:
    """Where nobody sits who could be asked."""
    return True


class Opening:
    """The models of one process. `open` are the engines from when they are loaded; `states` is how each part is."""

    def __init__(self, settings: Settings, agrees: Agrees, watch: Callable[[Arrival], None]) -> None:
        self.arrivals = Arrivals(watch)
        self.states: dict[str, str] = {}
        self.open: Engines | None = None
        self._settings = settings
        self._agrees = agrees

    @asynccontextmanager
    async def engines(self) -> AsyncGenerator[Engines]:
        """The models, loaded side by side off the event loop, and closed at the end."""
        settings = self._settings
        profile, guards = profiles.load(settings.profile), Guards(settings.country, settings.timezone)
        minds = Holding[LanguageModel](self._open_mind, limit_bytes=memory_limit_bytes(settings))
        ears = Holding[Hearing](self._open_ears)
        async with asyncio.TaskGroup() as group:
            thinking = group.create_task(minds.use(starter.first("mind", settings)))
            group.create_task(ears.use(starter.first("ears", settings)))
            speaking = group.create_task(self._load_speaking(thinking))
            group.create_task(asyncio.to_thread(language_of, "warm-up"))
        voice = speaking.result()
        self.open = engines = Engines(
            minds,
            ears,
            lambda mind, ears: Engine(mind, ears, voice, profile, guards),
            arrivals=self.arrivals,
            choices=lambda: starter.choices("mind", settings),
        )
        try:
            yield engines
        finally:
            self.open = None
            await minds.close()
            await ears.close()
            await voice.close()

    async def bring(self, engines: Engines) -> None:
        """Fetch the starter models that are not here, if the owner agrees, and let each answer as soon as it is."""
        missing = await asyncio.to_thread(starter.missing, self._settings)
        if missing and await self._agrees(missing):
            for entry in missing:
                await self._bring(entry, engines)

    async def _bring(self, entry: Entry, engines: Engines) -> None:
        use = engines.ears.use if entry.kind == "ears" else engines.minds.use
        await self.arrivals.bring(entry, lambda show: self._fetch(entry, show), lambda: use(entry.name))

    async def _fetch(self, entry: Entry, show: Show) -> None:
        from core.models.fetching import fetch  # huggingface_hub takes half a second to import

        await in_thread(lambda stop: fetch(entry, self._settings.data_dir / "models", show, stop))

    async def _open_mind(self, name: str) -> LanguageModel:
        def progress(share: float) -> None:
            self.arrivals.opening(name, share)

        return await self._load("language model", lambda stop: open_model(self._settings, name, stop, progress))

    async def _open_ears(self, name: str) -> Hearing:
        return await self._load("hearing", lambda stop: open_hearing(self._settings, name, stop))

    async def _load_speaking(self, thinking: asyncio.Task[None]) -> Speaking:
        # transformers imports lazily, which fails when two threads begin at once.
        await asyncio.wait({thinking})
        return await self._load("speaking", lambda stop: open_speaking(self._settings, stop))

    async def _load(self, name: str, load: Callable[[threading.Event], _Loaded]) -> _Loaded:
        self.states.setdefault(name, "loading")  # another one that is opened beside it is no illness
        began = clock.monotonic()
        loaded = await in_thread(load)
        self.states[name] = "ok"
        _LOG.info("%s is ready after %.1f s", name, clock.monotonic() - began)
        return loaded
