"""What reception says itself: refusals, codes, words on quotas. Said beside the lanes, at the pace of each platform.

Nobody waits for it: what people send is stored meanwhile. It does not outlive the process; whoever must hear of
something is told again when they come again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from core.delivery.pacing import Pacing
from core.errors import PermanentError, RetryableError, TooFast, Uncertain
from core.platform import Platform
from core.telemetry import log
from core.values.channel import PlatformName
from core.values.parts import NoticePart

_LOG = log("notices")
_MOST = 200
"""That wait for one platform: a flood of refusals is no reason to grow."""
_AT_ONCE = 4
_TRIES = 5

Told = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Notice:
    part: NoticePart
    about: str
    told: Told | None
    mark: tuple[str, str]
    """What is said once at a time."""


class Notices:
    """One a process; `run` must run beside whatever listens."""

    def __init__(self, platforms: Mapping[PlatformName, Platform], pacing: Pacing) -> None:
        self._platforms = platforms
        self._pacing = pacing
        self._queues = {name: asyncio.Queue[_Notice](_MOST) for name in platforms}
        self._waiting: set[tuple[str, str]] = set()

    def tell(self, part: NoticePart, about: str, told: Told | None = None, *, to: str = "", each: bool = False) -> None:
        """Have a part said soon; `told` is called when it was, or when it never can be.

        What is `about` the same as one that waits for its channel, or for whom it is meant in any channel (`to`), is
        said once, or for `each` that asked.
        """
        mark = (to or str(part.channel), about)
        if not each and mark in self._waiting:
            return
        try:
            self._queues[part.channel.platform].put_nowait(_Notice(part, about, told, mark))
        except asyncio.QueueFull:
            _LOG.warning("%s: too much waits to be said: %s is left out", part.channel, about)
            return
        self._waiting.add(mark)

    async def run(self) -> None:
        """Say what is to be said until cancelled."""
        async with asyncio.TaskGroup() as group:
            for queue in self._queues.values():
                for _ in range(_AT_ONCE):
                    group.create_task(self._serve(queue))

    async def settled(self) -> None:
        """Wait until nothing is left to say."""
        for queue in self._queues.values():
            await queue.join()

    async def _serve(self, queue: asyncio.Queue[_Notice]) -> None:
        while True:
            notice = await queue.get()
            try:
                if await self._say(notice.part) and notice.told is not None:
                    await notice.told()
            except RetryableError as error:
                _LOG.warning("%s: it is not known later that %s was said: %s", notice.part.channel, notice.about, error)
            except Exception:
                # Nobody foresaw it, and neither what else is to be said nor the house has to suffer.
                _LOG.exception("%s: %s was not said", notice.part.channel, notice.about)
            finally:
                self._waiting.discard(notice.mark)
                queue.task_done()

    async def _say(self, part: NoticePart) -> bool:
        """Whether it was said, or never can be."""
        platform = self._platforms[part.channel.platform]
        budgets = platform.limits.budgets(part.channel)
        for tried in range(_TRIES):
            try:
                await self._pacing.wait_for_turn(part.channel, budgets)
                await platform.send(part)
                return True
            except PermanentError as error:
                _LOG.warning("%s: it cannot be said why a message is not taken: %s", part.channel, error)
                return True
            except Uncertain:
                return True
            except RetryableError as error:
                _LOG.warning("%s: why a message is not taken is not said yet: %s", part.channel, error)
                if isinstance(error, TooFast):
                    await self._pacing.hold(part.channel, budgets, error.after_s)
                if tried + 1 < _TRIES:
                    await asyncio.sleep(max(error.after_s, 0.5 * 2**tried))
        return False
