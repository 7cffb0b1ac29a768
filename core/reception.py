"""The front desk: stores what a platform heard, or tells its sender why it was not taken."""

from collections.abc import Mapping

from core import clock, outgoing, reading
from core.access import Access
from core.channels import Channels
from core.errors import AssistantError, UserError
from core.lanes import Lanes
from core.message import ChannelKey, Edit, Event, Message, Move, PlatformName, Reaction
from core.platform import Platform, Words
from core.telemetry import log, timed

_LOG = log("reception")
_NOTICE_GAP_S = 60.0


class Reception:
    """What every platform hands its events to."""

    def __init__(
        self,
        lanes: Lanes,
        channels: Channels,
        access: Access,
        platforms: Mapping[PlatformName, Platform],
        words: Words,
    ) -> None:
        self._lanes = lanes
        self._channels = channels
        self._access = access
        self._platforms = platforms
        self._words = words
        self._noticed: dict[ChannelKey, float] = {}

    async def accept(self, event: Event) -> bool:
        """Store one event; False when it is known, not for Parley, a stranger's, or its lane is full.

        RetryableError when it could not be stored.
        """
        message = event.message if isinstance(event, Edit) else event
        if isinstance(message, Message) and not await self._heeds(message):
            return False
        if isinstance(message, Message | Reaction) and not await self._access.admits(message):
            if isinstance(event, Message) and event.addressed and (told := await self._access.knock(event)):
                await self._tell(event, told)
            return False
        if isinstance(event, Move):
            await self._access.moved(event)
        stop = isinstance(event, Message) and (reading.command(event.text) or ("",))[0] == "stop"
        try:
            with timed("accept"):
                return await self._lanes.accept(event, stop=stop)
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
        now = clock.monotonic()
        if not message.waits:
            self._noticed = {channel: at for channel, at in self._noticed.items() if at > now - _NOTICE_GAP_S}
            if message.channel in self._noticed:
                return
            self._noticed[message.channel] = now
        await self._tell(message, error)

    async def _tell(self, message: Message, error: UserError) -> None:
        """Why a message is not taken, in its sender's language; best effort."""
        platform = self._platforms[message.channel.platform]
        language = message.sender.language or reading.language_of(message.text)
        notice = outgoing.notice(message, self._words.say(error.key, language, **error.params), language)
        try:
            await platform.send(notice)
        except AssistantError as trouble:
            _LOG.warning("%s: why a message is not taken could not be told: %s", message.channel, trouble)
