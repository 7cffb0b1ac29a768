"""Parts out, in order, each marked as sent; and what people see while they wait: typing and drafts."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace

from core import feedback
from core.errors import AssistantError, ChannelGone, ChannelMoved, PermanentError, RetryableError, TooFast, Uncertain
from core.lanes import Claim, Lanes
from core.message import ChannelKey, Draft, Message, Part, PlatformName
from core.pacing import Pacing
from core.platform import Platform
from core.telemetry import PERHAPS_TWICE, log, timed

_LOG = log("delivery")


class Delivery:
    """Sends to every platform that this process serves."""

    def __init__(self, lanes: Lanes, pacing: Pacing, platforms: Mapping[PlatformName, Platform]) -> None:
        self._lanes = lanes
        self._pacing = pacing
        self._platforms = platforms

    async def deliver(self, claim: Claim, parts: Sequence[Part]) -> bool:
        """Send the parts of one lane's outbox, first to last; returns whether more waits in the lane.

        A part that can never arrive is set aside. RetryableError leaves it and the rest in the outbox.
        """
        more, gone = False, False
        for part in parts:
            try:
                if gone:
                    raise ChannelGone("the part before it found nobody")
                with timed("send"):
                    ref = await self._send(claim, part)
            except ChannelMoved:
                raise
            except PermanentError as error:
                gone = isinstance(error, ChannelGone)
                _LOG.error("%s: part %s can never arrive: %s", part.channel, part.nonce, error)
                more = await self._lanes.bury(claim, "out")
                continue
            with timed("sent"):
                more = await self._lanes.sent(claim, part, ref, feedback.record(part))
        return more

    async def _send(self, claim: Claim, part: Part) -> str:
        """The platform id of the part, "" when there is none or it is not known.

        Where a platform would show the same part twice, a voice note that may be on its way is not sent again; a text
        is, because to show it twice is better than not at all.
        """
        platform = self._platforms[part.channel.platform]
        once = platform.limits.idempotent or bool(part.replaces)
        if not once and claim.sending == part.nonce:
            return self._perhaps_sent(part)
        budgets = platform.limits.budgets(part.channel)
        await self._pacing.wait_for_turn(part.channel, budgets)
        if not once and part.kind == "voice":
            await self._lanes.note_sending(claim, part.nonce)
        try:
            return await platform.send(part)
        except Uncertain:
            if once or part.kind != "voice":
                PERHAPS_TWICE.labels(part.channel.platform, part.kind).inc()
                raise
            return self._perhaps_sent(part)
        except RetryableError as error:
            if isinstance(error, TooFast):
                await self._pacing.hold(part.channel, budgets, error.after_s)
            if not once and part.kind == "voice":
                await self._lanes.note_sending(claim, "")
            raise

    def _perhaps_sent(self, part: Part) -> str:
        PERHAPS_TWICE.labels(part.channel.platform, part.kind).inc()
        _LOG.warning("%s: part %s may have arrived before and is not sent again", part.channel, part.nonce)
        return ""

    @contextlib.asynccontextmanager
    async def showing(self, claim: Claim, message: Message, *, drafts: bool = True) -> AsyncGenerator["Showing", None]:
        """Show that `message` is being answered for as long as the block runs; best effort."""
        showing = Showing(self._lanes, self._pacing, self._platforms[message.channel.platform], claim, message)
        tasks = [asyncio.create_task(showing.type())]
        if drafts:
            tasks.append(asyncio.create_task(showing.draw()))
        try:
            yield showing
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class Showing:
    """The typing sign and the growing answer of one turn. Only the newest draft is sent; older ones are passed over."""

    def __init__(self, lanes: Lanes, pacing: Pacing, platform: Platform, claim: Claim, message: Message) -> None:
        self._lanes = lanes
        self._pacing = pacing
        self._platform = platform
        self._claim = claim
        self._message = message
        self._newest: Draft | None = None
        self._changed = asyncio.Event()
        self._drawing = asyncio.Lock()
        turn, ref = claim.draft
        self._ref = ref if turn == message.id else ""

    def draft(self, draft: Draft) -> None:
        """The answer so far."""
        self._newest = draft
        self._changed.set()

    async def finished(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """The parts of the answer, the first taking the place of the draft that people see; no draft follows."""
        await self._drawing.acquire()
        if not self._ref:
            return parts
        if not parts:
            return (Part(self._message.id, 0, self._message.channel, "removal", replaces=self._ref),)
        return (replace(parts[0], replaces=self._ref), *parts[1:])

    async def type(self) -> None:
        """Repeat the typing sign until cancelled."""
        channel: ChannelKey = self._message.channel
        while True:
            try:
                await self._platform.typing(channel)
            except (RetryableError, PermanentError) as error:
                _LOG.info("%s: no typing sign: %s", channel, error)
                await asyncio.sleep(getattr(error, "after_s", 0.0))
            await asyncio.sleep(self._platform.limits.typing_every_s)

    async def draw(self) -> None:
        """Send drafts until cancelled, where the platform shows them; one that meets a limit pauses for its time."""
        gap_s = self._platform.limits.draft_gap_s
        if gap_s is None:
            return
        shown: Draft | None = None
        while True:
            fading = await self._next_or_stale()
            draft = self._newest
            if draft is None or (draft == shown and not fading):
                continue
            pause_s = gap_s
            async with self._drawing:
                try:
                    await self._draw(draft)
                    shown = draft
                except RetryableError as error:
                    pause_s = max(gap_s, error.after_s)
                    self._changed.set()
                except AssistantError as error:
                    _LOG.info("%s: no drafts for this answer: %s", self._message.channel, error)
                    return
            await asyncio.sleep(pause_s)

    async def _next_or_stale(self) -> bool:
        """Wait for a newer draft; True when the one that is shown has to be shown again before it fades."""
        try:
            async with asyncio.timeout(self._platform.limits.draft_fades_s):
                await self._changed.wait()
        except TimeoutError:
            return True
        self._changed.clear()
        return False

    async def _draw(self, draft: Draft) -> None:
        message = self._message
        reply_to = "" if self._ref else message.ref
        part = Part(
            message.id,
            0,
            message.channel,
            "draft",
            draft.text,
            heard=draft.heard,
            reply_to=reply_to,
            replaces=self._ref,
        )
        budgets = self._platform.limits.budgets(message.channel)
        if not await self._pacing.has_room(message.channel, budgets):
            raise RetryableError("answers go first")
        ref = await self._platform.send(part)
        if ref and ref != self._ref:
            self._ref = ref
            await self._lanes.note_draft(self._claim, message.id, ref)
