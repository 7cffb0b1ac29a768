"""Parts out, in order, each marked as sent; and what people see while they wait: typing and drafts."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence

from core import feedback
from core.errors import PermanentError, RetryableError
from core.lanes import Claim, Lanes
from core.message import ChannelKey, Draft, Message, Part, PlatformName
from core.platform import Platform
from core.telemetry import log, timed

_LOG = log("delivery")
_DRAFT_GAP_S = 0.05


class Delivery:
    """Sends to every platform that this process serves."""

    def __init__(self, lanes: Lanes, platforms: Mapping[PlatformName, Platform]) -> None:
        self._lanes = lanes
        self._platforms = platforms

    async def deliver(self, claim: Claim, parts: Sequence[Part]) -> bool:
        """Send the parts of one lane's outbox, first to last; returns whether more waits in the lane.

        A part that can never arrive is logged and passed over. RetryableError leaves it and the rest in the outbox.
        """
        more = False
        for part in parts:
            with timed("send"):
                ref = await self._send(part)
            with timed("sent"):
                more = await self._lanes.sent(claim, ref, feedback.record(part))
        return more

    async def _send(self, part: Part) -> str:
        try:
            return await self._platforms[part.channel.platform].send(part)
        except PermanentError as error:
            _LOG.error("%s: part %s can never arrive: %s", part.channel, part.nonce, error)
            return ""

    @contextlib.asynccontextmanager
    async def showing(self, message: Message) -> AsyncGenerator["Showing", None]:
        """Show that `message` is being answered for as long as the block runs; best effort."""
        showing = Showing(self._platforms[message.channel.platform], message)
        tasks = [asyncio.create_task(showing.type()), asyncio.create_task(showing.draw())]
        try:
            yield showing
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class Showing:
    """The typing sign and the growing answer of one turn. Only the newest draft is sent; older ones are passed over."""

    def __init__(self, platform: Platform, message: Message) -> None:
        self._platform = platform
        self._message = message
        self._newest: Draft | None = None
        self._changed = asyncio.Event()

    def draft(self, draft: Draft) -> None:
        """The answer so far."""
        self._newest = draft
        self._changed.set()

    async def type(self) -> None:
        """Repeat the typing sign until cancelled."""
        channel: ChannelKey = self._message.channel
        while True:
            try:
                await self._platform.typing(channel)
            except (RetryableError, PermanentError) as error:
                _LOG.info("%s: no typing sign: %s", channel, error)
            await asyncio.sleep(self._platform.limits.typing_every_s)

    async def draw(self) -> None:
        """Send drafts until cancelled, where the platform shows them."""
        if not self._platform.limits.drafts:
            return
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._newest is not None:
                part = Part(
                    self._message.id, 0, self._message.channel, "draft", self._newest.text, heard=self._newest.heard
                )
                try:
                    await self._platform.send(part)
                except (RetryableError, PermanentError) as error:
                    _LOG.info("%s: no drafts for this answer: %s", part.channel, error)
                    return
            await asyncio.sleep(_DRAFT_GAP_S)
