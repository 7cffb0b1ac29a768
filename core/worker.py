"""The only loop: claim a lane, answer its head, commit, deliver; where thinking and keeping meet.

Of one channel at most one event is worked on at a time, of all channels as many as there are workers.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Literal, Protocol

from core import dialogue as dialogues
from core import outgoing, reading
from core.delivery import Delivery, Showing
from core.dialogue import Dialogue
from core.doorbell import Doorbell
from core.engine import Engine
from core.errors import PermanentError, RetryableError, UserError
from core.feedback import Feedback
from core.hearing import MAX_AUDIO_S
from core.lanes import LEASE_S, Claim, Fenced, Lanes
from core.message import Message, Part, PlatformName, Reaction, Reply, decode_event, decode_part
from core.platform import Platform
from core.telemetry import TURNS, log, timed

_LOG = log("worker")
_WORKERS = 16
"""Turns at once: they mostly wait for the network, the ears' thread or the model's."""


class Words(Protocol):
    """What Parley says itself."""

    def say(self, key: str, language: str, **params: object) -> str:
        """The phrase of this key with its blanks filled, in the nearest language there is."""
        ...


class Worker:
    """Answers everything that the lanes of this process's platforms hold."""

    def __init__(
        self,
        lanes: Lanes,
        doorbell: Doorbell,
        engine: Engine,
        feedback: Feedback,
        platforms: Mapping[PlatformName, Platform],
        words: Words,
    ) -> None:
        self._lanes = lanes
        self._doorbell = doorbell
        self._engine = engine
        self._feedback = feedback
        self._platforms = platforms
        self._words = words
        self._delivery = Delivery(lanes, platforms)

    async def run(self) -> None:
        """Work until cancelled. A lane that is left in the middle comes back when its lease ends."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._doorbell.listen())
            for _ in range(_WORKERS):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            part, platform = await self._doorbell.next()
            try:
                with timed("claim"):
                    claim = await self._lanes.claim(part, platform)
                if claim is None:
                    continue
                if claim.another:
                    await self._doorbell.ring(part, platform)
                if await self._serve(claim):
                    await self._doorbell.ring(part, platform)
            except RetryableError as error:
                _LOG.warning("%s", error)
                await asyncio.sleep(error.after_s)

    async def _serve(self, claim: Claim) -> bool:
        try:
            async with self._renewing(claim):
                return await self._step(claim)
        except Fenced as error:
            _LOG.warning("%s", error)
            return False
        except RetryableError as error:
            _LOG.warning("%s: again in %.1f s: %s", claim.channel, error.after_s, error)
            await self._lanes.free(claim, error.after_s)
            return False

    @contextlib.asynccontextmanager
    async def _renewing(self, claim: Claim) -> AsyncGenerator[None, None]:
        async def renew() -> None:
            while True:
                await asyncio.sleep(LEASE_S / 3)
                try:
                    await self._lanes.renew(claim)
                except RetryableError as error:
                    _LOG.warning("%s: lease not renewed: %s", claim.channel, error)
                except Fenced as error:
                    _LOG.warning("%s: what is being made will be void", error)
                    return

        renewal = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewal.cancel()
            await asyncio.wait({renewal})

    async def _step(self, claim: Claim) -> bool:
        """Do the next thing of a lane: send what is unsent, else answer its head. Returns whether more waits."""
        if claim.unsent:
            try:
                return await self._delivery.deliver(claim, [decode_part(raw) for raw in claim.unsent])
            except PermanentError as error:
                return await self._bury(claim, "out", error)
        if not claim.head:
            return await self._lanes.free(claim)
        try:
            event = decode_event(claim.head)
        except PermanentError as error:
            return await self._bury(claim, "in", error)
        try:
            dialogue = dialogues.decode(claim.memory)
        except PermanentError as error:
            return await self._bury(claim, "dlg", error)
        if isinstance(event, Reaction):
            return await self._record(claim, event)
        return await self._converse(claim, event, dialogue)

    async def _bury(self, claim: Claim, kind: Literal["in", "out", "dlg"], error: PermanentError) -> bool:
        _LOG.error("%s: set aside: %s", claim.channel, error)
        return await self._lanes.bury(claim, kind)

    async def _record(self, claim: Claim, reaction: Reaction) -> bool:
        if not await self._feedback.react(reaction):
            _LOG.info("%s: a reaction on a message that is no answer of ours", claim.channel)
        return await self._lanes.commit(claim, None, ())

    async def _converse(self, claim: Claim, message: Message, dialogue: Dialogue) -> bool:
        async with self._delivery.showing(message) as showing:
            kept, parts = await self._answer(message, dialogue, showing)
            with timed("commit"):
                more = await self._lanes.commit(claim, kept, parts)
        return await self._delivery.deliver(claim, parts) if parts else more

    async def _answer(
        self, message: Message, dialogue: Dialogue, showing: Showing
    ) -> tuple[Dialogue | None, tuple[Part, ...]]:
        """The dialogue after this message (None: unchanged) and what to send."""
        platform = message.channel.platform
        try:
            if asked := reading.command(message.text):
                return self._command(asked[0], message)
            reply = await self._think(message, dialogue, showing)
        except UserError as error:
            TURNS.labels(platform, error.key).inc()
            return None, (self._notice(message, error.key, **error.params),)
        except (RetryableError, asyncio.CancelledError):
            raise
        except Exception:
            # The one place for what nobody foresaw: the person hears of it, the lane goes on, the log has the rest.
            _LOG.exception("%s: turn %s failed", message.channel, message.id)
            TURNS.labels(platform, "failed").inc()
            return None, (self._notice(message, "went_wrong"),)
        TURNS.labels(platform, "answered").inc()
        limits = self._platforms[platform].limits
        return dialogues.append(dialogue, reply.turn), outgoing.parts_of(reply, message, limits)

    async def _think(self, message: Message, dialogue: Dialogue, showing: Showing) -> Reply:
        audio = await self._fetch(message)
        async with contextlib.aclosing(self._engine.answer(message, audio, dialogue)) as steps:
            async for step in steps:
                if isinstance(step, Reply):
                    return step
                showing.draft(step)
        raise UserError("no_answer")

    async def _fetch(self, message: Message) -> bytes | None:
        """The message's voice note or audio file; UserError for files that Parley does not understand."""
        platform = self._platforms[message.channel.platform]
        audio = next((media for media in message.media if media.kind == "audio"), None)
        if audio is None:
            if message.media:
                raise UserError("image_not_understood" if message.media[0].kind == "image" else "file_not_understood")
            return None
        if audio.duration_s is not None and audio.duration_s > MAX_AUDIO_S:
            raise UserError("audio_too_long", limit_minutes=MAX_AUDIO_S // 60)
        cap_bytes = platform.limits.media_bytes
        if audio.size_bytes is not None and audio.size_bytes > cap_bytes:
            raise UserError("file_too_big", limit_mb=cap_bytes // 2**20)
        try:
            return await platform.fetch(audio, cap_bytes)
        except PermanentError as error:
            _LOG.warning("%s: a file is gone: %s", message.channel, error)
            raise UserError("file_gone") from error

    def _command(self, name: str, message: Message) -> tuple[Dialogue | None, tuple[Part, ...]]:
        key = {"start": "welcome", "help": "welcome", "new": "new_conversation"}.get(name)
        if key is None:
            raise UserError("unknown_command")
        language = self._language(message)
        said = Part(message.id, 0, message.channel, "text", self._words.say(key, language), reply_to=message.ref)
        return Dialogue() if name == "new" else None, (said,)

    def _notice(self, message: Message, key: str, **params: object) -> Part:
        language = self._language(message)
        return outgoing.notice(message, self._words.say(key, language, **params), language)

    def _language(self, message: Message) -> str:
        return message.sender.language or reading.language_of(message.text)
