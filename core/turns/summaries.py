"""Summaries beside the answers: made when a conversation outgrows the model's window, brought home through its lane.

Nothing waits for them, and a conversation that was forgotten meanwhile does not get one.
"""

import asyncio

from core.errors import AssistantError
from core.lanes.lanes import Lanes
from core.telemetry import log
from core.thinking.engines import Engines
from core.values.channel import ChannelKey
from core.values.dialogue import Dialogue
from core.values.events import Summary
from core.values.preferences import Preferences

_LOG = log("summaries")


class Summaries:
    """At most one in the making for a channel."""

    def __init__(self, engines: Engines, lanes: Lanes) -> None:
        self._engines = engines
        self._lanes = lanes
        self._making: dict[ChannelKey, asyncio.Task[None]] = {}

    def consider(self, channel: ChannelKey, dialogue: Dialogue, preferences: Preferences) -> None:
        """Begin one if the conversation is about to outgrow the window."""
        if channel in self._making:
            return
        task = asyncio.create_task(self._make(channel, dialogue, preferences))
        self._making[channel] = task
        task.add_done_callback(lambda _: self._making.pop(channel, None))

    def drop(self, channel: ChannelKey | None) -> None:
        """Give up what is being made for a channel, whose turns are no longer what they were; None: for all."""
        for making, task in self._making.items():
            if channel in (None, making):
                task.cancel()

    async def close(self) -> None:
        """Give up what is being made."""
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, channel: ChannelKey, dialogue: Dialogue, preferences: Preferences) -> None:
        try:
            outgrown = await asyncio.to_thread(self._engines.peek(preferences).outgrown, dialogue)
            if not outgrown:
                return
            async with self._engines.borrow(preferences) as engine:
                text = await engine.summarise(dialogue.summary, outgrown)
            upto, since = outgrown[-1].id, dialogue.since or outgrown[0].at
            told_by = tuple(dict.fromkeys([*dialogue.told_by, *(turn.person for turn in outgrown if turn.person)]))
            # What was forgotten meanwhile is not even to wait in the lane.
            if (await self._lanes.dialogue(channel)).edition == dialogue.edition:
                event = Summary(f"{upto}s{dialogue.edition}", channel, text, upto, since, told_by, dialogue.edition)
                await self._lanes.accept(event)
        except AssistantError as error:
            _LOG.warning("%s: no summary this time: %s", channel, error)
