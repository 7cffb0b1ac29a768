"""What people see while they wait: the typing sign and the growing answer."""

import asyncio
from dataclasses import replace

from core import clock
from core.delivery.pacing import Pacing
from core.delivery.parts import over_draft
from core.errors import AssistantError, PermanentError, RetryableError
from core.lanes.claim import Claim
from core.lanes.lanes import Lanes
from core.platform import Platform
from core.telemetry import log
from core.text import cleaning
from core.values.channel import ChannelKey
from core.values.events import Message
from core.values.parts import DraftPart, Part
from core.values.turn import Activity, Draft

_LOG = log("delivery")

_INDICATE_AFTER_S = 0.1
"""A sign that is cancelled on its way costs its connection, and one beside the answer costs a call."""


class Indicator:
    """A sign in a channel that something is being made there."""

    def __init__(self, platform: Platform, channel: ChannelKey, activity: Activity = "typing") -> None:
        self._platform = platform
        self._channel = channel
        self._activity: Activity = activity
        self._quiet_until = 0.0

    async def show(self) -> None:
        """Repeat the sign until cancelled. What comes at once needs none."""
        await asyncio.sleep(_INDICATE_AFTER_S)
        while True:
            await self._pause()
            try:
                await self._platform.typing(self._channel, self._activity)
            except RetryableError as error:
                _LOG.info("%s: no sign: %s", self._channel, error)
                self._keep_quiet(error)
            except PermanentError as error:
                _LOG.info("%s: no sign: %s", self._channel, error)
            await asyncio.sleep(self._platform.limits.typing_every_s)

    async def _pause(self) -> None:
        while True:
            left_s = self._quiet_until - clock.monotonic()
            if left_s <= 0:
                return
            await asyncio.sleep(left_s)

    def _keep_quiet(self, error: RetryableError) -> None:
        """A platform that asks for a pause means the whole channel: neither signs nor drafts go there meanwhile."""
        self._quiet_until = max(self._quiet_until, clock.monotonic() + error.after_s)


class Showing(Indicator):
    """The typing sign and the growing answer of one turn. Only the newest draft is sent; older ones are passed over."""

    def __init__(self, lanes: Lanes, pacing: Pacing, platform: Platform, claim: Claim, message: Message) -> None:
        super().__init__(platform, message.channel)
        self._lanes = lanes
        self._pacing = pacing
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
        return over_draft(parts, self._message.id, self._message.channel, self._ref)

    async def draw(self) -> None:
        """Send drafts until cancelled, where the platform shows them; one that meets a limit pauses for its time."""
        gap_s = self._platform.limits.draft_gap_s
        if gap_s is None:
            return
        shown: Draft | None = None
        while True:
            fading = await self._next_or_stale()
            await self._pause()
            if self._newest is None:
                continue
            draft = replace(self._newest, text=cleaning.presentable(self._newest.text))
            nothing = not (draft.text or draft.transcript)
            if nothing or (draft == shown and not fading):
                continue
            async with self._drawing:
                try:
                    await self._draw(draft)
                    shown = draft
                except RetryableError as error:
                    self._keep_quiet(error)
                    self._changed.set()
                except AssistantError as error:
                    _LOG.info("%s: no drafts for this answer: %s", self._message.channel, error)
                    return
            await asyncio.sleep(gap_s)

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
        part = DraftPart(
            message.id,
            0,
            message.channel,
            draft.text,
            transcript=draft.transcript,
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
