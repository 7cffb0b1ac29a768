"""Lanes: one channel's accepted events, unsent parts and dialogue, in Redis.

        accept             claim               commit                sent (each part)
  event ──────► in: ready ──────► one worker ──────► dlg:, out: ready ──────► nothing left

A claim pushes the lane's time one lease ahead and takes a new fence number, so that a dead worker's lane comes back by
itself and a slow worker's late write is refused. A crash before `commit` answers the event again; after it, only the
parts that were not marked `sent` go out again, and the model is not asked twice.

What is due later (`schedule`, or a reaction that came before its part was recorded) lies beside the lane, in planned:
and later:, and whichever script comes by when it is due puts it at the lane's end.
"""

import secrets
from collections.abc import Sequence
from typing import Any, Literal

from redis.commands.core import AsyncScript

from core.errors import UserError
from core.lanes.claim import Claim, lost, to_note
from core.lanes.owed import owed_in
from core.lanes.reading import Reading
from core.lanes.scripts import scripts
from core.lanes.worker_id import new_name
from core.store import keys
from core.store.codec import DIALOGUE, EVENT, PART, Entry, home_of
from core.store.redis import Store, translated
from core.values.channel import ChannelKey, PlatformName
from core.values.dialogue import Dialogue
from core.values.events import Event, Message, Reaction, people_in
from core.values.parts import Part, RemovalPart

LEASE_S = 6.0
LONGEST = 100
"""Messages that wait in one lane; the next one is told how many are ahead of it."""
_URGENT = 10
"""Places beyond, for those who stop what waits or want to be forgotten."""
_DEAD_MAX = 100


Charge = Literal["attempts", "crashes", ""]
_COUNTED = {"attempts": "tries", "crashes": "deaths", "": ""}
"""Fields of a lane, under the names that they have since the first version."""
DeadKind = Literal["in", "out", "dlg", "prefs"]
"""Kinds of keys whose first or only value can be a dead letter."""


class Lanes(Reading):
    """The scripts of lanes.lua with types; each method is one round trip and raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.worker_id = new_name()
        self._script = {name: store.redis.register_script(text) for name, text in scripts().items()}

    async def accept(self, event: Event, *, stop: bool = False, first: bool = False) -> bool:
        """Store an event at the end of its channel's lane; False when its id was accepted before.

        UserError when so many messages wait there that this one is not taken. With `stop`, the turn that is running
        is void, and so is what waits before this event. With `first` it goes before all that waits, and the turn that
        is running begins again after it. A voice note that is still owed goes with a stop, and one that is owed to the
        sender of what goes first with that.
        """
        channel, part = event.channel, keys.partition(event.channel)
        longest = LONGEST + _URGENT * (stop or first) if isinstance(event, Message) else 0
        people, target = people_in(event), event.target if isinstance(event, Reaction) else ""
        ahead = await self._call(
            "accept",
            [
                keys.seen(channel, event.id),
                keys.of_channel("in", channel),
                keys.ready(part, channel.platform),
                *(keys.of_channel(kind, channel) for kind in ("lane", "out", "ids", "people", "planned")),
                keys.later(part, channel.platform),
                *(find(channel, target) for find in (keys.ref, keys.awaited)),
                *(keys.channels(part, channel.platform, person) for person in people),
            ],
            [
                str(channel),
                self.codec.seal(EVENT, home_of(channel), event),
                keys.SEEN_S,
                keys.WAKE,
                keys.bell(channel),
                longest,
                event.id if stop else "",
                int(first),
                event.sender.id if first and isinstance(event, Message) else "",
                event.id if isinstance(event, Message) else "",
                keys.REF_S,
                event.id if target else "",
                keys.AWAITED_S,
                *people,
            ],
        )
        if ahead == -2:
            raise UserError("busy", ahead=LONGEST)
        return ahead >= 0

    async def schedule(self, event: Event, at: float) -> bool:
        """Have an event come to its lane at a time (seconds since the epoch) and not before, as if accepted then.

        One with the id of another that is planned takes its place. False when that id has come already: it comes once.
        """
        channel, part = event.channel, keys.partition(event.channel)
        planned, people = keys.of_channel("planned", channel), keys.of_channel("people", channel)
        persons = people_in(event)
        theirs = [keys.channels(part, channel.platform, person) for person in persons]
        return 1 == await self._call(
            "schedule",
            [keys.seen(channel, event.id), planned, keys.later(part, channel.platform), people, *theirs],
            [
                str(channel),
                event.id,
                self.codec.seal(EVENT, home_of(channel), event),
                int(1000 * at),
                keys.LATER,
                keys.bell(channel),
                *persons,
            ],
        )

    async def cancel(self, channel: ChannelKey, id: str) -> bool:
        """Have a planned event not come; False when there is none of that id."""
        later = keys.later(keys.partition(channel), channel.platform)
        return 1 == await self._call("cancel", [keys.of_channel("planned", channel), later], [str(channel), id])

    async def withdraw(self, channel: ChannelKey, events: Sequence[Entry[Event]]) -> list[Entry[Event]]:
        """Take events out that nobody has answered yet, in their order; returns those that were still there."""
        ready = keys.ready(keys.partition(channel), channel.platform)
        places = [keys.of_channel("lane", channel), ready, keys.of_channel("in", channel)]
        raws = [event.raw for event in events]
        gone = await self._call("withdraw", places, [str(channel), keys.WAKE, keys.bell(channel), *raws])
        return [event for event in events if event.raw in gone]

    async def claim(self, part: int, platform: PlatformName) -> Claim | None:
        """The lane of this partition and platform that waits longest, and all that a worker needs of it; None: none."""
        arguments = [keys.prefix(part), int(LEASE_S * 1000), self.worker_id]
        found = await self._call("claim", [keys.ready(part, platform), keys.later(part, platform)], arguments)
        return None if found is None else Claim.of(found, self.codec)

    async def renew(self, claim: Claim) -> None:
        """Hold the lane for one more lease; Fenced when it is lost."""
        lane, ready = self._keys(claim, "lane"), self._ready(claim)
        if not await self._call("renew", [*lane, ready], [str(claim.channel), claim.fence, int(LEASE_S * 1000)]):
            raise lost(claim)

    async def note_sending(self, claim: Claim, nonce: str) -> None:
        """Keep that this part may be on its way from now on; Fenced when the lane is lost."""
        await self._fenced("note", claim, list(self._keys(claim, "lane")), ["sending", nonce])

    async def note_draft(self, claim: Claim, turn: str, ref: str) -> None:
        """Keep that the answer of this turn grows in that message; Fenced when the lane is lost."""
        await self._fenced("note", claim, list(self._keys(claim, "lane")), ["draft", f"{turn} {ref}"])

    async def note_heard(self, claim: Claim, turn: str, transcript: bytes) -> None:
        """Keep what was heard in the voice note of this turn, so that no try hears it again; Fenced when it is lost."""
        await self._fenced("note", claim, list(self._keys(claim, "lane")), ["heard", to_note(turn, transcript)])

    async def commit(
        self,
        claim: Claim,
        dialogue: Dialogue | None,
        parts: Sequence[Part],
        *,
        last: str,
        events: int = 1,
        turn: str = "",
        sending: str = "",
    ) -> bool:
        """The head is answered: keep the dialogue (None: unchanged) and the parts to send, all or nothing.

        `last` is the id of the last of the `events` that this answers, `turn` that of the answer where it is another;
        `sending` the nonce of a part that is on its way from now on. Returns whether anything waits in the lane. Fenced
        when it is lost.
        """
        lane, inbox, outbox, memory = self._keys(claim, "lane", "in", "out", "dlg")
        kept = self.codec.seal(DIALOGUE, home_of(claim.channel), dialogue) if dialogue is not None else b""
        sealed = self._sealed(claim, parts)
        raws = [entry.raw for entry in sealed]
        return await self._fenced(
            "commit",
            claim,
            [lane, self._ready(claim), inbox, outbox, memory],
            [kept, events, last, turn or last, sending, owed_in(sealed), *raws],
        )

    async def sent(self, claim: Claim, part: Part, ref: str, record: bytes, *, sending: str = "") -> bool:
        """The first unsent part arrived as `ref`; `record` is kept for reactions on it, `sending` is as in `commit`.

        Returns whether more waits.
        """
        channel = claim.channel
        id = part.replaces if isinstance(part, RemovalPart) else ref
        places = [find(channel, id) for find in (keys.parked, keys.awaited)]
        later = keys.later(keys.partition(channel), channel.platform)
        arguments = [record if ref else b"", keys.REF_S, id, part.kind, sending, part.turn]
        return await self._fenced(
            "sent",
            claim,
            [
                *self._lane(claim),
                keys.ref(channel, id),
                keys.shown(channel, part.turn),
                *places,
                later,
                keys.of_channel("ids", channel),
            ],
            [*arguments, keys.prefix(keys.partition(channel)), keys.WAKE, keys.bell(channel)],
        )

    async def free(self, claim: Claim, after_s: float = 0.0, *, charged: Charge = "") -> bool:
        """Give the lane back, to be claimed again after `after_s` seconds. Returns whether more waits."""
        return await self._fenced("free", claim, self._lane(claim), [int(after_s * 1000), _COUNTED[charged]])

    async def dead_letter(
        self,
        claim: Claim,
        kind: DeadKind,
        apology: Sequence[Part] = (),
        *,
        gone: bool = False,
        keep: bool = False,
        turn: str = "",
    ) -> bool:
        """Give up on the first event or part, or a dialogue or preferences: it cannot be read, answered or sent.

        With `gone` the lane is marked as one that nobody reads, until a part arrives in it; with `keep` it stays ours
        while parts are left. What was noted of `turn` is void.
        """
        dead, source = self._keys(claim, "dead", kind)
        arguments = [
            kind,
            _DEAD_MAX,
            int(gone),
            int(keep),
            turn,
            *(entry.raw for entry in self._sealed(claim, apology)),
        ]
        return await self._fenced("dead_letter", claim, [*self._lane(claim), dead, source], arguments)

    async def dead_letter_entry(self, claim: Claim, event: Entry[Event]) -> None:
        """Give up on an event behind the head, which nobody can read; the lane stays ours."""
        lane, inbox, dead = self._keys(claim, "lane", "in", "dead")
        await self._fenced("dead_letter_entry", claim, [lane, inbox, dead], [event.raw, _DEAD_MAX])

    async def replay(self, channel: ChannelKey) -> bool:
        """Put the oldest event or part that was given up back to work; False when there is none."""
        kinds = [keys.of_channel(kind, channel) for kind in ("dead", "in", "out")]
        ready = keys.ready(keys.partition(channel), channel.platform)
        return 1 == await self._call("replay", [*kinds, ready], [str(channel), keys.WAKE, keys.bell(channel)])

    def _sealed(self, claim: Claim, parts: Sequence[Part]) -> list[Entry[Part]]:
        return [Entry(self.codec.seal(PART, home_of(claim.channel), part), part) for part in parts]

    def _lane(self, claim: Claim) -> list[str]:
        lane, inbox, outbox = self._keys(claim, "lane", "in", "out")
        return [lane, self._ready(claim), inbox, outbox]

    def _keys(self, claim: Claim, *kinds: str) -> tuple[str, ...]:
        return tuple(keys.of_channel(kind, claim.channel) for kind in kinds)

    def _ready(self, claim: Claim) -> str:
        return keys.ready(keys.partition(claim.channel), claim.channel.platform)

    async def _fenced(self, name: str, claim: Claim, lane: list[str], arguments: Sequence[bytes | str | int]) -> bool:
        # redis-py sends a command again when its answer does not come, although it may have been done.
        call = secrets.token_hex(4)
        answer = await self._call(name, lane, [str(claim.channel), claim.fence, call, *arguments])
        if answer < 0:
            raise lost(claim)
        return answer == 1

    async def _call(self, name: str, lane: Sequence[str], arguments: Sequence[str | bytes | int]) -> Any:
        script: AsyncScript = self._script[name]
        with translated():
            return await script(keys=list(lane), args=list(arguments))
