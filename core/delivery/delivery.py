"""Parts out, in order, each marked as sent.

The text of an answer goes as soon as it is whole. The voice note that it owes waits behind it in the outbox and is made
when its turn comes: a voice that is slow or hangs holds no text up, and who dies over it leaves it to the next owner.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from hashlib import sha256

from core.delivery.live import Indicator, Showing
from core.delivery.pacing import Pacing
from core.errors import (
    ChannelGone,
    ChannelMoved,
    PermanentError,
    RetryableError,
    TooFast,
    Uncertain,
    VoiceForbidden,
)
from core.feedback import ratings
from core.lanes.claim import Claim
from core.lanes.lanes import Lanes
from core.platform import Platform
from core.telemetry import PERHAPS_TWICE, VOICE_FAILURES, log, timed
from core.values.attachments import VoiceNote
from core.values.channel import ChannelKey, PlatformName
from core.values.events import Message
from core.values.parts import (
    FilePart,
    NoticePart,
    OwedVoicePart,
    Part,
    RemovalPart,
    TextPart,
    VoicePart,
)

_LOG = log("delivery")
_LAST_MARK_S = 1.0
_MOST_ARRIVED = 1000


Say = Callable[[OwedVoicePart], Awaitable[VoiceNote | None]]
"""Makes the voice note that a part owes; None when it cannot be made."""


class Delivery:
    """Sends to every platform that this process serves."""

    def __init__(self, lanes: Lanes, pacing: Pacing, platforms: Mapping[PlatformName, Platform], say: Say) -> None:
        self._lanes = lanes
        self._pacing = pacing
        self._platforms = platforms
        self._say = say
        self._arrived: dict[ChannelKey, tuple[bytes, str]] = {}
        """The part of a channel that was sent when Redis was away, as a digest, and its id: it is recorded later, not
        sent again. Another process may record it, so what nobody asks for goes in the end."""

    async def deliver(self, claim: Claim, parts: Sequence[Part | PermanentError]) -> bool:
        """Send the parts of one lane's outbox, first to last; returns whether more waits in the lane.

        A part that can never arrive, or that nobody can read, is given up. RetryableError leaves it and the rest in
        the outbox.
        """
        more, gone = False, False
        arrived = self._arrived.pop(claim.channel, None)
        for part, *rest in (parts[at:] for at in range(len(parts))):
            try:
                if gone:
                    raise ChannelGone("the part before it found nobody")
                if isinstance(part, PermanentError):
                    raise part
                if arrived is not None and arrived[0] == _digest(part):
                    ref = arrived[1]
                else:
                    with timed("send"):
                        ref = await self._send(claim, part)
                arrived = None
            except ChannelMoved:
                raise
            except PermanentError as error:
                gone = isinstance(error, ChannelGone)
                name = "" if isinstance(part, PermanentError) else part.nonce
                _LOG.error("%s: part %s can never arrive: %s", claim.channel, name, error)
                more = await self._lanes.dead_letter(claim, "out", gone=gone, keep=bool(rest))
                continue
            with timed("sent"):
                more = await self._mark(claim, part, ref, rest)
        return more

    async def _mark(self, claim: Claim, part: Part, ref: str, rest: Sequence[Part | PermanentError]) -> bool:
        """A part that arrived is marked, also when its owner is told to stop just then; returns whether more waits."""
        record, sending = ratings.record(part, self._lanes.codec), self.mark_of(rest)
        marking = asyncio.create_task(self._lanes.sent(claim, part, ref, record, sending=sending))
        try:
            return await asyncio.shield(marking)
        except asyncio.CancelledError:
            await asyncio.wait({marking}, timeout=_LAST_MARK_S)
            raise
        except RetryableError:
            while len(self._arrived) >= _MOST_ARRIVED:
                del self._arrived[next(iter(self._arrived))]
            self._arrived[claim.channel] = _digest(part), ref
            raise

    def mark_of(self, parts: Sequence[Part | PermanentError]) -> str:
        """The nonce to keep as being sent, with the write that comes before these parts; "" for none.

        A text whose owner dies may be on its way, and is sent again all the same. A voice note is marked only at the
        moment it is sent, because a marked one is not.
        """
        first = next(iter(parts), None)
        match first:
            case TextPart() | NoticePart() | FilePart() | RemovalPart():
                return "" if self._seen_once(first) else first.nonce
            case VoicePart() | OwedVoicePart() | PermanentError() | None:
                return ""

    def _seen_once(self, part: Part) -> bool:
        match part:
            case TextPart() | NoticePart() | RemovalPart() if part.replaces:
                return True
            case _:
                return self._platforms[part.channel.platform].limits.idempotent

    async def reachable(self, channel: ChannelKey) -> bool:
        """Whether a channel whose last part found nobody takes something again: asked with a typing sign."""
        try:
            await self._platforms[channel.platform].typing(channel)
        except ChannelGone:
            return False
        except (RetryableError, PermanentError) as error:
            _LOG.info("%s: not known whether anybody reads there: %s", channel, error)
        return True

    async def _send(self, claim: Claim, part: Part) -> str:
        """The platform id of the part, "" when there is none or it is not known.

        Where a platform would show the same part twice, a voice note that may be on its way is not sent again; a text
        is, because to show it twice is better than not at all.
        """
        platform = self._platforms[part.channel.platform]
        once, voice = self._seen_once(part), part.kind == "voice"
        if not once and claim.sending == part.nonce:
            _flag(part)
            if voice:
                return ""
        sendable = await self._made(part) if isinstance(part, OwedVoicePart) else part
        if sendable is None:
            return ""
        budgets = platform.limits.budgets(part.channel)
        await self._pacing.wait_for_turn(part.channel, budgets)
        if voice:  # from here on no /stop takes it back
            await self._lanes.note_sending(claim, part.nonce)
        try:
            return await platform.send(sendable)
        except VoiceForbidden as error:
            VOICE_FAILURES.inc()
            _LOG.info("%s; the text of turn %s has arrived", error, part.turn)
            await self._lanes.forbid_voice(part.channel)
            return ""
        except Uncertain:
            if not once and voice:
                _flag(part)
                return ""
            if not once:
                await self._lanes.note_sending(claim, part.nonce)
            raise
        except RetryableError as error:
            if isinstance(error, TooFast):
                await self._pacing.hold(part.channel, budgets, error.after_s)
            if voice or not once:
                await self._lanes.note_sending(claim, "")
            raise

    async def _made(self, part: OwedVoicePart) -> VoicePart | None:
        """With the voice note that it owes; None when it cannot be made, or somebody said stop before it was begun."""
        if await self._lanes.stopped(part.channel):
            return None
        indicator = Indicator(self._platforms[part.channel.platform], part.channel, "recording")
        showing = asyncio.create_task(indicator.show())
        try:
            voice = await self._say(part)
            return None if voice is None else part.made(voice)
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def showing(
        self, claim: Claim, message: Message, *, signs: bool = True, drafts: bool = True
    ) -> AsyncGenerator["Showing", None]:
        """Show that `message` is being answered for as long as the block runs; best effort.

        Without `signs` nobody sees it before the answer has a first word.
        """
        showing = Showing(self._lanes, self._pacing, self._platforms[message.channel.platform], claim, message)
        tasks = [asyncio.create_task(showing.show())] if signs else []
        if drafts:
            tasks.append(asyncio.create_task(showing.draw()))
        try:
            yield showing
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _digest(part: Part) -> bytes:
    return sha256(repr(part).encode(errors="replace")).digest()


def _flag(part: Part) -> None:
    PERHAPS_TWICE.labels(part.channel.platform, part.kind).inc()
    outcome = "is not sent again" if part.kind == "voice" else "may be shown twice"
    _LOG.warning("%s: part %s may have arrived before and %s", part.channel, part.nonce, outcome)
