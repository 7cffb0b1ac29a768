"""One claimed lane, its next step: send what is unsent, else answer the head, commit, deliver.

Where the thinking half and the keeping half of the house meet. Called by the worker.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Literal

from core import dialogue as dialogues
from core import outgoing, reading
from core.delivery import Delivery, Showing
from core.dialogue import Dialogue
from core.engine import Engine
from core.errors import ChannelMoved, PermanentError, RetryableError, UserError
from core.feedback import Feedback
from core.hearing import MAX_AUDIO_S
from core.lanes import Claim, Lanes
from core.message import (
    Deletion,
    Draft,
    Edit,
    Event,
    Message,
    Move,
    Part,
    PlatformName,
    Reaction,
    Reply,
    decode_event,
    decode_part,
)
from core.pacing import Pacing
from core.platform import Platform, Words
from core.telemetry import TURNS, log, timed
from core.upkeep import Upkeep

_LOG = log("turns")
_TRIES = 3
"""Of a message whose answer fails for a reason that nobody foresaw."""
_PATIENCE = 7
"""Tries of a message that a part of the house cannot serve now: about 30 s."""
_DEATHS = 10
"""Of the owners of a lane that does not get on: then its first part or event is set aside."""
_ALBUM_S, _ALBUM_MOST = 0.7, 10  # Telegram: an album has 2 to 10 items (core.telegram.org/bots/api#sendmediagroup)
_COMMANDS = {"start": "welcome", "help": "welcome", "new": "new_conversation", "stop": "stopped"}
"""Each command and the phrase that answers it."""


class Turns:
    """What is done with each kind of event."""

    def __init__(
        self,
        lanes: Lanes,
        engine: Engine,
        feedback: Feedback,
        upkeep: Upkeep,
        pacing: Pacing,
        platforms: Mapping[PlatformName, Platform],
        words: Words,
    ) -> None:
        self._lanes = lanes
        self._engine = engine
        self._feedback = feedback
        self._upkeep = upkeep
        self._platforms = platforms
        self._words = words
        self._delivery = Delivery(lanes, pacing, platforms)

    async def step(self, claim: Claim) -> bool:
        """Send what is unsent, else answer the head. Returns whether more waits."""
        try:
            return await self._step(claim)
        except ChannelMoved as moved:
            await self._upkeep.move(claim.channel, replace(claim.channel, space=moved.space))
            return False

    async def _step(self, claim: Claim) -> bool:
        if claim.unsent:
            if claim.deaths >= _DEATHS:
                return await self._bury(claim, "out", PermanentError("all who tried to send it came to grief"))
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
        if claim.stop and event.id != claim.stop:
            return await self._pass_over(claim, event)
        if claim.gone and isinstance(event, Message | Edit) and not await self._delivery.reachable(claim.channel):
            _LOG.warning("%s: event %s set aside: nobody could be answered there", claim.channel, event.id)
            TURNS.labels(claim.channel.platform, "gone").inc()
            return await self._lanes.bury(claim, "in", gone=True)
        if claim.deaths >= _DEATHS:
            return await self._give_up(claim, event, "all who tried it came to grief")
        match event:
            case Message():
                return await self._converse(claim, event, dialogue)
            case Reaction():
                return await self._record(claim, event)
            case Edit():
                return await self._converse_again(claim, event, dialogue)
            case Deletion():
                return await self._lanes.commit(claim, dialogues.without(dialogue, event.targets), (), last=event.id)
            case Move():
                await self._upkeep.move(claim.channel, event.to)
                return False

    async def _bury(self, claim: Claim, kind: Literal["in", "out", "dlg"], error: PermanentError) -> bool:
        _LOG.error("%s: set aside: %s", claim.channel, error)
        return await self._lanes.bury(claim, kind)

    async def _give_up(self, claim: Claim, event: Event, why: str) -> bool:
        """Set the head aside for the owner to look at, and tell its sender."""
        _LOG.error("%s: event %s set aside: %s", claim.channel, event.id, why)
        TURNS.labels(claim.channel.platform, "failed").inc()
        message = event.message if isinstance(event, Edit) else event
        apology = (self._notice(message, "went_wrong"),) if isinstance(message, Message) else ()
        return await self._lanes.bury(claim, "in", apology)

    async def _pass_over(self, claim: Claim, event: Event) -> bool:
        """Somebody stopped what waits before their word. A reaction still counts."""
        if isinstance(event, Reaction):
            return await self._record(claim, event)
        waits = isinstance(event, Message) and self._platforms[claim.channel.platform].limits.waits
        parts = (self._notice(event, "stopped"),) if waits and isinstance(event, Message) else ()
        return await self._lanes.commit(claim, None, parts, last=event.id)

    async def _record(self, claim: Claim, reaction: Reaction) -> bool:
        # On Telegram a reaction does not say its topic, so it may overtake the answer that it is for.
        if not await self._feedback.react(reaction) and await self._lanes.park(reaction):
            await self._feedback.react(reaction)
        return await self._lanes.commit(claim, None, (), last=reaction.id)

    async def _converse(self, claim: Claim, first: Message, dialogue: Dialogue) -> bool:
        message, events, last = await self._album(first) if first.album else (first, 1, first.id)
        async with self._delivery.showing(claim, message) as showing:
            answered = await self._answer(claim, message, dialogue, showing)
            if answered is None:
                return await self._give_up(claim, first, "an error that nobody foresaw")
            kept, parts = answered
            parts = await showing.finished(parts)
            with timed("commit"):
                more = await self._commit(claim, kept, parts, last, events)
        return await self._delivery.deliver(claim, parts) if parts else more

    async def _commit(
        self, claim: Claim, dialogue: Dialogue | None, parts: tuple[Part, ...], last: str, events: int = 1
    ) -> bool:
        sending = self._delivery.mark_of(parts)
        return await self._lanes.commit(claim, dialogue, parts, last=last, events=events, sending=sending)

    async def _album(self, first: Message) -> tuple[Message, int, str]:
        """The messages of one album as one, how many they are, and the last one's id. They arrive one by one."""
        await asyncio.sleep(_ALBUM_S)
        raws = await self._lanes.waiting(first.channel, _ALBUM_MOST)
        events = [decode_event(raw) for raw in raws]
        together = list(takewhile(lambda event: isinstance(event, Message) and event.album == first.album, events[1:]))
        members = [first, *(event for event in together if isinstance(event, Message))]
        text = "\n".join(member.text for member in members if member.text)
        media = tuple(media for member in members for media in member.media)
        return replace(first, text=text, media=media), len(members), members[-1].id

    async def _converse_again(self, claim: Claim, edit: Edit, dialogue: Dialogue) -> bool:
        """Answer an edited message again in the place of its turn, and edit the answer that people see."""
        turn = next((turn for turn in dialogue.turns if turn.ref and turn.ref == edit.message.ref), None)
        said = reading.clean(edit.message.text, edit.message.mentions)
        if turn is None or turn.heard or said == turn.said:
            return await self._lanes.commit(claim, None, (), last=edit.id)
        message = replace(edit.message, id=turn.id)
        before = replace(dialogue, turns=dialogue.turns[: dialogue.turns.index(turn)])
        async with self._delivery.showing(claim, message, drafts=False) as showing:
            answered = await self._answer(claim, message, before, showing)
        if answered is None:
            return await self._give_up(claim, edit, "an error that nobody foresaw")
        kept, parts = answered
        if kept is None or not kept.turns or kept.turns[-1].id != turn.id:
            return await self._lanes.commit(claim, None, parts, last=edit.id)
        shown = await self._lanes.shown(claim.channel, turn.id)
        parts = outgoing.in_place(parts, shown)
        more = await self._commit(claim, dialogues.replaced(dialogue, kept.turns[-1]), parts, edit.id)
        return await self._delivery.deliver(claim, parts) if parts else more

    async def _answer(
        self, claim: Claim, message: Message, dialogue: Dialogue, showing: Showing
    ) -> tuple[Dialogue | None, tuple[Part, ...]] | None:
        """The dialogue after this message (None: unchanged) and what to send; None when trying is of no use."""
        platform = message.channel.platform
        try:
            if asked := reading.command(message.text):
                return self._command(asked[0], message)
            reply = await self._think(message, dialogue, showing)
        except UserError as error:
            TURNS.labels(platform, error.key).inc()
            return None, (self._notice(message, error.key, **error.params),)
        except RetryableError as error:
            if claim.tries + 1 < _PATIENCE:
                raise
            _LOG.error("%s: turn %s given up: %s", message.channel, message.id, error)
            TURNS.labels(platform, "unavailable").inc()
            return None, (self._notice(message, "unavailable"),)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # The one place for what nobody foresaw: the person hears of it, the lane goes on, the log has the rest.
            _LOG.exception("%s: turn %s failed", message.channel, message.id)
            if claim.tries + 1 < _TRIES:
                raise RetryableError(f"{type(error).__name__} in turn {message.id}", 0.0) from error
            return None
        TURNS.labels(platform, "answered").inc()
        limits = self._platforms[platform].limits
        return dialogues.append(dialogue, reply.turn), outgoing.parts_of(reply, message, limits)

    async def _think(self, message: Message, dialogue: Dialogue, showing: Showing) -> Reply:
        audio = await self._fetch(message)
        speak = audio is not None and await self._lanes.takes_voice(message.channel)
        async with contextlib.aclosing(self._engine.answer(message, audio, dialogue, speak=speak)) as steps:
            async for step in steps:
                match step:
                    case Reply():
                        return step
                    case Draft():
                        showing.draft(step)
                    case sign:
                        showing.sign(sign)
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
        key = _COMMANDS.get(name)
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
