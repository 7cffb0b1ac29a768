"""Lanes: one channel's accepted events, unsent parts, dialogue and fence, in Redis.

        accept             claim               commit                sent (each part)
  event ──────► in: ready ──────► one worker ──────► dlg:, out: ready ──────► nothing left

A claim pushes the lane's time one lease ahead and takes a new fence number, so that a dead worker's lane comes back by
itself and a slow worker's late write is refused. A crash before `commit` answers the event again; after it, only the
parts that were not marked `sent` go out again, and the model is not asked twice.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from redis.commands.core import AsyncScript

from core import dialogue as dialogues
from core import keys
from core.dialogue import Dialogue
from core.errors import AssistantError
from core.message import (
    ChannelKey,
    Message,
    Part,
    PlatformName,
    Reaction,
    encode_event,
    encode_part,
)
from core.store import Store, translated
from core.telemetry import FENCED

LEASE_S = 6.0


class Fenced(AssistantError):
    """Another worker holds the lane: this one's work on it is void."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One lane, ours until the lease runs out.

    The event at its head (b"" when only parts wait), its dialogue (b"" when new) and unsent parts are as Redis keeps
    them. `another` tells that its partition has one more lane due.
    """

    channel: ChannelKey
    fence: int
    head: bytes
    memory: bytes
    unsent: tuple[bytes, ...]
    another: bool


class Lanes:
    """The scripts of lanes.lua with types; each method is one round trip and raises RetryableError without Redis."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._script = {name: store.redis.register_script(text) for name, text in _sections().items()}

    async def accept(self, event: Message | Reaction) -> bool:
        """Store an event at the end of its channel's lane; False when its id was accepted before."""
        channel, part = event.channel, keys.partition(event.channel)
        return 1 == await self._call(
            "accept",
            [keys.seen(channel, event.id), keys.of_channel("in", channel), keys.ready(part, channel.platform)],
            [str(channel), encode_event(event), keys.SEEN_S, keys.WAKE, f"{part} {channel.platform}"],
        )

    async def claim(self, part: int, platform: PlatformName) -> Claim | None:
        """The lane of this partition and platform that waits longest, and all that a worker needs of it; None: none."""
        found = await self._call("claim", [keys.ready(part, platform)], [keys.prefix(part), int(LEASE_S * 1000)])
        if found is None:
            return None
        channel, fence, head, memory, another, *unsent = found
        return Claim(ChannelKey.parse(channel.decode()), fence, head, memory, tuple(unsent), bool(another))

    async def renew(self, claim: Claim) -> None:
        """Hold the lane for one more lease; Fenced when it is lost."""
        fence, ready = self._keys(claim, "fence"), self._ready(claim)
        if not await self._call("renew", [*fence, ready], [str(claim.channel), claim.fence, int(LEASE_S * 1000)]):
            raise self._lost(claim)

    async def commit(self, claim: Claim, dialogue: Dialogue | None, parts: Sequence[Part]) -> bool:
        """The head is answered: keep the dialogue (None: unchanged) and the parts to send, all or nothing.

        Returns whether anything waits in the lane. Fenced when it is lost.
        """
        fence, inbox, outbox, memory = self._keys(claim, "fence", "in", "out", "dlg")
        kept = dialogues.encode(dialogue) if dialogue is not None else b""
        return await self._fenced(
            "commit",
            claim,
            [fence, self._ready(claim), inbox, outbox, memory],
            [kept, *(encode_part(part) for part in parts)],
        )

    async def sent(self, claim: Claim, ref: str, record: bytes) -> bool:
        """The first unsent part arrived as `ref`; `record` is kept for reactions on it. Returns whether more waits."""
        ref_key = keys.ref(claim.channel, ref)
        arguments = [record if ref else b"", keys.REF_S]
        return await self._fenced("sent", claim, [*self._lane(claim), ref_key], arguments)

    async def free(self, claim: Claim, after_s: float = 0.0) -> bool:
        """Give the lane back, to be claimed again after `after_s` seconds. Returns whether more waits."""
        return await self._fenced("free", claim, self._lane(claim), [int(after_s * 1000)])

    async def bury(self, claim: Claim, kind: Literal["in", "out", "dlg"]) -> bool:
        """Set aside the first event, the first part or the dialogue, because it cannot be read."""
        dead, source = self._keys(claim, "dead", kind)
        return await self._fenced("bury", claim, [*self._lane(claim), dead, source], [])

    async def dialogue(self, channel: ChannelKey) -> Dialogue:
        """What a channel remembers."""
        with translated():
            raw: bytes | None = await self._redis.get(keys.of_channel("dlg", channel))  # pyright: ignore[reportAssignmentType]
        return dialogues.decode(raw or b"")

    def _lane(self, claim: Claim) -> list[str]:
        fence, inbox, outbox = self._keys(claim, "fence", "in", "out")
        return [fence, self._ready(claim), inbox, outbox]

    def _keys(self, claim: Claim, *kinds: str) -> tuple[str, ...]:
        return tuple(keys.of_channel(kind, claim.channel) for kind in kinds)

    def _ready(self, claim: Claim) -> str:
        return keys.ready(keys.partition(claim.channel), claim.channel.platform)

    async def _fenced(self, name: str, claim: Claim, lane: list[str], arguments: list[bytes | int]) -> bool:
        answer = await self._call(name, lane, [str(claim.channel), claim.fence, *arguments])
        if answer < 0:
            raise self._lost(claim)
        return answer == 1

    def _lost(self, claim: Claim) -> Fenced:
        FENCED.inc()
        return Fenced(f"{claim.channel}: fence {claim.fence} is stale")

    async def _call(self, name: str, lane: Sequence[str], arguments: Sequence[str | bytes | int]) -> Any:
        script: AsyncScript = self._script[name]
        with translated():
            return await script(keys=list(lane), args=list(arguments))


@cache
def _sections() -> dict[str, str]:
    text = (Path(__file__).parent / "lanes.lua").read_text("utf-8")
    _, *pairs = re.split(r"^--- (\w+)$", text, flags=re.MULTILINE)
    bodies = dict(zip(pairs[::2], pairs[1::2], strict=True))
    shared = bodies.pop("shared")
    return {name: shared + body for name, body in bodies.items()}
