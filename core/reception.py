"""The front desk: stores what a platform heard, or tells its sender why it was not taken."""

from collections.abc import Mapping
from dataclasses import replace

from core import clock, commands, outgoing, reading
from core.channels import Channels
from core.errors import AssistantError, UserError
from core.lanes import Lanes
from core.message import ChannelKey, Edit, Event, Message, PlatformName
from core.platform import Platform, Words
from core.telemetry import log, timed

_LOG = log("reception")
_NOTICE_GAP_S = 60.0


class Reception:
    """What every platform hands its events to."""

    def __init__(
        self, lanes: Lanes, channels: Channels, platforms: Mapping[PlatformName, Platform], words: Words
    ) -> None:
        self._lanes = lanes
        self._channels = channels
        self._platforms = platforms
        self._words = words
        self._noticed: dict[ChannelKey, float] = {}

    async def accept(self, event: Event) -> bool:
        """Store one event; False when it is known, not for Parley, or its lane is full.

        RetryableError when it could not be stored.
        """
        message = event.message if isinstance(event, Edit) else event
        if isinstance(message, Message) and not await self._heeds(message):
            return False
        first = commands.goes_first(event)
        if first and isinstance(event, Message):
            event = replace(event, quote=None, media=())  # what it answers is not to be kept once more
        stop = isinstance(event, Message) and (reading.command(event.text) or ("",))[0] == "stop"
        try:
            with timed("accept"):
                return await self._lanes.accept(event, stop=stop, first=first)
        except UserError as error:
            assert isinstance(event, Message)
            await self._refuse(event, error)
            return False

    async def _heeds(self, message: Message) -> bool:
        """Whether a message may be for Parley; of a voice note that is known when it was heard."""
        if message.addressed or (message.called and any(media.kind == "audio" for media in message.media)):
            return True
        return (await self._channels.preferences(message.channel)).answers == "everything"

    async def _refuse(self, message: Message, error: UserError) -> None:
        """One sentence, at most once a minute in a channel; where the sender waits for it, each time."""
        platform = self._platforms[message.channel.platform]
        now = clock.monotonic()
        if not message.waits:
            self._noticed = {channel: at for channel, at in self._noticed.items() if at > now - _NOTICE_GAP_S}
            if message.channel in self._noticed:
                return
            self._noticed[message.channel] = now
        language = message.sender.language or reading.language_of(message.text)
        notice = outgoing.notice(message, self._words.say(error.key, language, **error.params), language)
        try:
            await platform.send(notice)
        except AssistantError as trouble:
            _LOG.warning("%s: a full lane could not be told of: %s", message.channel, trouble)
