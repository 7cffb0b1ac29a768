"""One claimed lane, its next step: send what is unsent, else answer the head, commit, deliver.

Where the thinking half and the keeping half of the house meet. Called by the worker.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from core.delivery.delivery import Delivery
from core.delivery.live import Showing
from core.delivery.pacing import Pacing
from core.delivery.parts import in_place, over_draft
from core.errors import ChannelMoved, PermanentError
from core.feedback.ratings import Feedback
from core.lanes.admin import Upkeep
from core.lanes.claim import Claim
from core.lanes.lanes import DeadKind, Lanes
from core.platform import Platform
from core.privacy.cache_invalidation import Invalidation
from core.telemetry import TURNS, log, timed
from core.text import cleaning
from core.thinking.engine import is_for_parley
from core.turns.answering import Answering
from core.turns.commands import COMMANDS
from core.turns.replying import Replying
from core.turns.scene import Scene
from core.turns.summaries import Summaries
from core.values import dialogue as dialogues
from core.values.channel import PlatformName
from core.values.dialogue import Dialogue
from core.values.events import Deletion, Edit, Event, Message, Move, Reaction, Summary, message_in
from core.values.parts import Part
from core.values.preferences import Preferences

_LOG = log("turns")
_CRASHES = 10
"""Of workers over a lane that does not get on: then its first part or event is given up."""
_ALBUM_S, _ALBUM_MOST = 0.7, 10  # Telegram: an album has 2 to 10 items (core.telegram.org/bots/api#sendmediagroup)


class Turns:
    """What is done with each kind of event."""

    def __init__(
        self,
        lanes: Lanes,
        answering: Answering,
        replying: Replying,
        feedback: Feedback,
        upkeep: Upkeep,
        pacing: Pacing,
        platforms: Mapping[PlatformName, Platform],
        summaries: Summaries,
        invalidation: Invalidation,
    ) -> None:
        self._lanes = lanes
        self._answering = answering
        self._replying = replying
        self._feedback = feedback
        self._upkeep = upkeep
        self._summaries = summaries
        self._invalidation = invalidation
        self._delivery = Delivery(lanes, pacing, platforms, replying.say)

    async def step(self, claim: Claim) -> bool:
        """Send what is unsent, else answer the head. Returns whether more waits."""
        try:
            return await self._step(claim)
        except ChannelMoved as moved:
            await self._upkeep.move(claim, replace(claim.channel, space=moved.space))
            return False

    async def _step(self, claim: Claim) -> bool:
        if claim.unsent:
            if claim.crashes >= _CRASHES:
                return await self._dead_letter(
                    claim, "out", PermanentError("every worker that tried to send it failed")
                )
            return await self._delivery.deliver(claim, claim.parts())
        if not claim.head:
            return await self._lanes.free(claim)
        try:
            event = claim.event()
        except PermanentError as error:
            return await self._dead_letter(claim, "in", error)
        try:
            dialogue = claim.dialogue()
        except PermanentError as error:
            return await self._dead_letter(claim, "dlg", error)
        try:
            scene = Scene(claim, dialogue, claim.preferences())
        except PermanentError as error:
            return await self._dead_letter(claim, "prefs", error)
        heeded = isinstance(event, Message | Edit) and not COMMANDS.goes_first(event)
        if claim.stop and event.id != claim.stop and heeded:
            return await self._pass_over(claim, event)
        if claim.gone and heeded and not await self._delivery.reachable(claim.channel):
            _LOG.warning("%s: gave up on event %s: nobody could be answered there", claim.channel, event.id)
            TURNS.labels(claim.channel.platform, "gone").inc()
            return await self._lanes.dead_letter(claim, "in", gone=True, turn=event.id)
        if claim.crashes >= _CRASHES:
            return await self._give_up(claim, event, "every worker that tried it failed")
        match event:
            case Message():
                return await self._converse(scene, event)
            case Reaction():
                return await self._record(claim, event)
            case Edit():
                return await self._converse_again(scene, event)
            case Deletion():
                return await self._commit(scene, dialogues.without(dialogue, event.targets), (), event.id)
            case Summary():
                return await self._summarise(scene, event)
            case Move() if event.to == claim.channel:
                return await self._lanes.commit(claim, None, (), last=event.id)
            case Move():
                await self._upkeep.move(claim, event.to)
                return False

    async def _dead_letter(self, claim: Claim, kind: DeadKind, error: PermanentError) -> bool:
        _LOG.error("%s: gave up on %s", claim.channel, error)
        return await self._lanes.dead_letter(claim, kind)

    async def _give_up(self, claim: Claim, event: Event, why: str, showing: Showing | None = None) -> bool:
        """Give up on the head, kept for the operator, and tell its sender, in the place of what had begun to grow."""
        _LOG.error("%s: gave up on event %s: %s", claim.channel, event.id, why)
        TURNS.labels(claim.channel.platform, "failed").inc()
        message, apology = message_in(event), tuple[Part, ...]()
        if message is not None:
            apology = (self._replying.notice(message, "went_wrong", Preferences()),)
        if showing is not None:
            apology = await showing.finished(apology)
        elif claim.draft[0] == event.id:
            apology = over_draft(apology, event.id, claim.channel, claim.draft[1])
        return await self._lanes.dead_letter(claim, "in", apology, turn=event.id)

    async def _pass_over(self, claim: Claim, event: Event) -> bool:
        """Somebody stopped what people said before their word."""
        parts: tuple[Part, ...] = ()
        if isinstance(event, Message) and event.waits:
            parts = (self._replying.notice(event, "stopped", Preferences()),)
        return await self._told(claim, parts, event.id)

    async def _told(self, claim: Claim, parts: tuple[Part, ...], last: str) -> bool:
        """Answer the head with these parts, or with none, and leave the dialogue as it is."""
        more = await self._lanes.commit(claim, None, parts, last=last, sending=self._delivery.mark_of(parts))
        return await self._delivery.deliver(claim, parts) if parts else more

    async def _record(self, claim: Claim, reaction: Reaction) -> bool:
        # One that overtook its answer came when that was recorded, or has waited long enough for it.
        try:
            await self._feedback.react(reaction)
        except PermanentError as error:
            return await self._dead_letter(claim, "in", error)
        return await self._lanes.commit(claim, None, (), last=reaction.id)

    async def _converse(self, scene: Scene, first: Message) -> bool:
        claim = scene.claim
        message, events, last = await self._album(claim, first) if first.album else (first, 1, first.id)
        async with self._delivery.showing(claim, message, signs=is_for_parley(message, scene.preferences)) as showing:
            answered = await self._answering.answer(scene, message, showing)
            if answered is None:
                return await self._give_up(claim, first, "an error that nobody foresaw", showing)
            kept, parts = answered.dialogue, answered.parts
            parts = await showing.finished(parts)
            with timed("commit"):
                more = await self._commit(scene, kept, parts, last, events, message.id)
        if kept is not None:
            self._summaries.consider(message.channel, kept, scene.preferences)
        return await self._delivery.deliver(claim, parts) if parts else more

    async def _commit(
        self,
        scene: Scene,
        dialogue: Dialogue | None,
        parts: tuple[Part, ...],
        last: str,
        events: int = 1,
        turn: str = "",
    ) -> bool:
        sending = self._delivery.mark_of(parts)
        more = await self._lanes.commit(
            scene.claim, dialogue, parts, last=last, events=events, turn=turn, sending=sending
        )
        if dialogue is not None and dialogue.edition != scene.dialogue.edition:
            await self._invalidation.tell(scene.claim.channel)
        return more

    async def _summarise(self, scene: Scene, made: Summary) -> bool:
        kept = scene.dialogue
        if made.edition == kept.edition:
            kept = dialogues.summarised(kept, made.text, made.upto, since=made.since, told_by=made.told_by)
        return await self._lanes.commit(scene.claim, kept, (), last=made.id)

    async def _album(self, claim: Claim, first: Message) -> tuple[Message, int, str]:
        """The messages of one album as one, how many they are, and the last one's id. They arrive one by one."""
        await asyncio.sleep(_ALBUM_S)
        members = [first]
        for entry in (await self._lanes.waiting(first.channel, _ALBUM_MOST))[1:]:
            event = entry.value
            if isinstance(event, PermanentError):
                _LOG.error("%s: gave up on %s", first.channel, event)
                await self._lanes.dead_letter_entry(claim, entry)
                continue
            if not isinstance(event, Message) or event.album != first.album:
                break
            members.append(event)
        text = "\n".join(member.text for member in members if member.text)
        media = tuple(media for member in members for media in member.media)
        return replace(first, text=text, media=media), len(members), members[-1].id

    async def _converse_again(self, scene: Scene, edit: Edit) -> bool:
        """Answer an edited message again in the place of its turn, and edit the answer that people see."""
        claim, dialogue = scene.claim, scene.dialogue
        turn = next((turn for turn in dialogue.turns if turn.ref and turn.ref == edit.message.ref), None)
        said = cleaning.clean(edit.message.text, edit.message.mentions)
        if turn is None or turn.is_transcript or said == turn.said:
            return await self._lanes.commit(claim, None, (), last=edit.id)
        message = replace(edit.message, id=turn.id)
        before = replace(scene, dialogue=replace(dialogue, turns=dialogue.turns[: dialogue.turns.index(turn)]))
        async with self._delivery.showing(claim, message, drafts=False) as showing:
            answered = await self._answering.answer(before, message, showing)
        if answered is None:
            return await self._give_up(claim, edit, "an error that nobody foresaw")
        kept, parts = answered.dialogue, answered.parts
        if kept is None or not kept.turns or kept.turns[-1].id != turn.id:
            return await self._told(claim, parts, edit.id)
        shown = await self._lanes.shown(claim.channel, turn.id)
        parts = in_place(parts, shown)
        more = await self._commit(scene, dialogues.replaced(dialogue, kept.turns[-1]), parts, edit.id)
        return await self._delivery.deliver(claim, parts) if parts else more
