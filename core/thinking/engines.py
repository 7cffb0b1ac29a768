"""An engine for each turn: of the models that are open when it begins, which stay open until it ends."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from core.lm.base import LanguageModel
from core.models.arriving import Arrivals
from core.models.holding import Holding
from core.speech.hearing import Hearing
from core.thinking.engine import Engine
from core.values.channel import ChannelKey
from core.values.dialogue import Dialogue
from core.values.preferences import Preferences

Build = Callable[[LanguageModel, Hearing], Engine]


class Engines:
    """Minds and ears that can be switched, and how an engine is made of one of each."""

    def __init__(
        self,
        minds: Holding[LanguageModel],
        ears: Holding[Hearing],
        build: Build,
        *,
        arrivals: Arrivals,
        choices: Callable[[], Sequence[str]],
    ) -> None:
        """`choices` names the minds that can be chosen."""
        self.minds = minds
        self.ears = ears
        self.arrivals = arrivals
        self.choices = choices
        self._build = build

    @classmethod
    def of(cls, engine: Engine) -> "Engines":
        """Those of an engine whose models nobody switches."""
        minds, ears = Holding[LanguageModel].of(engine.model), Holding[Hearing].of(engine.hearing)
        return cls(minds, ears, lambda _mind, _ears: engine, arrivals=Arrivals(), choices=lambda: (engine.model.name,))

    @asynccontextmanager
    async def borrow(self, preferences: Preferences) -> AsyncGenerator[Engine]:
        """An engine as a channel prefers it."""
        async with self.minds.borrow(preferences.model) as mind, self.ears.borrow() as ears:
            yield self._build(mind, ears)

    def peek(self, preferences: Preferences) -> Engine:
        """The same for what awaits nothing, such as counting."""
        return self._build(self.minds.peek(preferences.model), self.ears.default)

    def model_name(self, preferences: Preferences) -> str:
        """The language model that answers a channel."""
        return self.peek(preferences).model_name

    def used_share(self, dialogue: Dialogue, preferences: Preferences) -> float:
        """How much of its context a conversation takes, 0 to 1."""
        return self.peek(preferences).used_share(dialogue)

    async def ready(self, name: str) -> None:
        """Open a mind beside the one that answers everywhere, "" being that one; raises what `Holding.ready` does."""
        if name:
            await self.minds.ready(name)

    def forget(self, channel: ChannelKey | None) -> None:
        """Drop, soon, what the minds keep of a channel, or of all."""
        for mind in self.minds.models:
            mind.forget(str(channel or ""))
