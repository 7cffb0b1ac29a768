"""The front desk: stores what a platform heard, or tells its sender why it was not taken."""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from typing import Any

from core import clock
from core.delivery import parts
from core.errors import UserError
from core.intake.access import Access
from core.intake.commands import CommandTable, ParsedCommand, is_command
from core.intake.notices import Notices, Told
from core.intake.quotas import Exceeded, Measure, Quotas
from core.lanes.lanes import LONGEST, Lanes
from core.platform import Words
from core.store.people import People
from core.store.preferences import PreferenceStore
from core.telemetry import timed
from core.text.language import language_of
from core.values.channel import ChannelKey
from core.values.events import Edit, Event, Message, Move, Reaction, asker_of

_NOTICE_GAP_S = 60.0
_LATE_S = 60.0
"""Older messages were sent while nobody listened, so that they come all at once is not their sender's doing."""
_UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))
_WISH_GAP_S = 60.0
"""Between two that say the same, of somebody without access."""


class Reception:
    """What every platform hands its events to."""

    def __init__(
        self,
        lanes: Lanes,
        channels: PreferenceStore,
        access: Access,
        quotas: Quotas,
        people: People,
        notices: Notices,
        words: Words,
        commands: CommandTable[Any],
    ) -> None:
        self._lanes = lanes
        self._channels = channels
        self._access = access
        self._quotas = quotas
        self._people = people
        self._notices = notices
        self._words = words
        self._commands = commands
        self._noticed: dict[ChannelKey, float] = {}
        self._wished: dict[tuple[str, str], float] = {}

    async def accept(self, event: Event) -> bool:
        """Store one event; False when it is known, not for Parley, a stranger's, beyond a quota or its lane is full.

        RetryableError when it could not be stored.
        """
        message = event.message if isinstance(event, Edit) else event
        if isinstance(message, Message) and not await self._heeds(message):
            return False
        if isinstance(message, Message | Reaction) and not await self._may_come_in(event, message):
            if isinstance(event, Message) and event.addressed:
                await self._knock(event)
            return False
        if isinstance(event, Message | Edit) and self._quotas.any:
            if await self._lanes.accepted(event) or await self._is_too_much(event):
                return False
        if isinstance(event, Move):
            await self._access.moved(event)
        first = self._commands.goes_first(event)
        if first and isinstance(event, Message):
            event = replace(event, quote=None, media=())  # what it answers is not to be kept once more
        found = self._commands.find(event)
        stop = found is not None and found.command.stops
        if stop and isinstance(event, Message) and event.group and not first:
            if await self._lanes.accepted(event):
                return False
            await self._withdraw(event)
        stop = stop and isinstance(event, Message) and not event.group
        try:
            with timed("accept"):
                return await self._lanes.accept(event, stop=stop, first=first)
        except UserError as error:
            assert isinstance(event, Message)
            self._refuse(event, error)
            return False

    async def _may_come_in(self, event: Event, message: Message | Reaction) -> bool:
        """Whether its sender has access, or asks for what is kept of them, which costs others nothing."""
        if await self._access.admits(message):
            return True
        found = self._commands.find(event)
        if found is None or not found.command.own_data:
            return False
        now, wish = clock.monotonic(), (f"{event.channel.platform}:{message.sender.id}", _wish(found))
        self._wished = {each: at for each, at in self._wished.items() if at > now - _WISH_GAP_S}
        if wish in self._wished:
            return False
        self._wished[wish] = now
        return await self._people.knows(event.channel.platform, message.sender.id)

    async def _withdraw(self, message: Message) -> None:
        """In a group one stops what one wants oneself; whose app waits for an answer hears of it."""
        waiting = await self._lanes.waiting(message.channel, LONGEST)
        own = [entry for entry in waiting if asker_of(entry.value) == message.sender.id]
        for entry in await self._lanes.withdraw(message.channel, own):
            event = entry.value
            if isinstance(event, Message) and event.waits:
                self._tell(event, "stopped")

    async def _heeds(self, message: Message) -> bool:
        """Whether a message may be for Parley; of a voice note that is known when it was heard."""
        if message.addressed or (message.bot_names and any(media.kind == "audio" for media in message.media)):
            return True
        return (await self._channels.preferences(message.channel)).answers == "everything"

    async def _knock(self, message: Message) -> None:
        """A stranger is told how to come in, until they were told."""
        answer = await self._access.knock(message)
        if answer is not None:
            told, who = lambda: self._access.told(answer), answer.stranger.who
            self._tell(message, answer.says.key, told, who, **answer.says.params)

    def _refuse(self, message: Message, error: UserError) -> None:
        """One sentence, at most once a minute in a channel; where the sender waits for it, each time."""
        now = clock.monotonic()
        if not message.waits:
            self._noticed = {channel: at for channel, at in self._noticed.items() if at > now - _NOTICE_GAP_S}
            if message.channel in self._noticed:
                return
            self._noticed[message.channel] = now
        self._tell(message, error.key, **error.params)

    async def _is_too_much(self, event: Message | Edit) -> bool:
        """Whether it goes beyond a quota, which is said once until that ends."""
        message = event.message if isinstance(event, Edit) else event
        found = self._commands.find(message)
        if found and (found.command.own_data or found.command.stops) and not self._commands.stops_all(message):
            return False
        exceeded = await self._quotas.exceeded(event, set(_measures(event, message, found)))
        if exceeded is None:
            return False
        # A voice note in a group that only may be for Parley gets no answer.
        if message.waits or (exceeded.news and (message.addressed or not message.bot_names)):
            params = self._phrased(exceeded, self._language(message))
            self._tell(message, f"quota_{exceeded.quota.measure}", **params)
        return True

    def _phrased(self, exceeded: Exceeded, language: str) -> dict[str, object]:
        unit, size = next((unit, size) for unit, size in _UNITS if exceeded.ends_s >= 1.5 * size or size == 1)
        wait = self._words.say(f"wait_{unit}", language, count=ceil(exceeded.ends_s / size))
        whom = self._words.say(f"quota_of_{exceeded.quota.scope}", language)
        return {"limit": exceeded.quota.limit, "whom": whom, "wait": wait}

    def _language(self, message: Message) -> str:
        return message.sender.language or language_of(message.text)

    def _tell(self, message: Message, key: str, told: Told | None = None, to: str = "", /, **params: object) -> None:
        """Why a message is not taken, in its sender's language; `to` whom it is meant for, wherever they ask."""
        language = self._language(message)
        notice = parts.notice(message, self._words.say(key, language, **params), language)
        self._notices.tell(notice, key, told, to=to, each=message.waits)


def _wish(found: ParsedCommand[Any]) -> str:
    """What of a few things a command asks for, whatever else is written behind it."""
    name, argument = found.command.name, found.argument
    return f"{name} {argument}" if argument in found.command.choices else name


def _measures(event: Message | Edit, message: Message, found: ParsedCommand[Any] | None) -> Iterator[Measure]:
    """What a message takes from."""
    if isinstance(event, Edit) or clock.now() - message.sent_at < _LATE_S:
        yield "messages"
    if not is_command(message) or (found and found.command.generates):
        yield "tokens"
    quoted = message.quote.media if message.quote and found and found.command.quoting else ()
    if any(media.kind == "audio" for media in (*message.media, *quoted)):
        yield "voice"
