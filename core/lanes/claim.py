"""What whoever claims a lane is told of it, and what they are told when it is theirs no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import AssistantError
from core.telemetry import FENCED
from core.values.channel import ChannelKey


class Fenced(AssistantError):
    """Another worker holds the lane: this one's work on it is void."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One lane, ours until the lease runs out.

    The event at its head (b"" when only parts wait), its dialogue and preferences (b"" when new) and unsent parts are
    as Redis keeps them. `another` tells that its partition has one more lane due. Since the lane last got on, `tries`
    of it failed, and `deaths` owners never gave it back. `stop` is the id of the event that stops all before it;
    `sending` the nonce of a part that a dead owner was sending; `draft` the turn and platform id of an answer that it
    left growing, `heard` a turn and what its voice note was found to say; `gone` whether the last part found nobody.
    """

    channel: ChannelKey
    fence: int
    head: bytes
    memory: bytes
    preferences: bytes
    another: bool
    tries: int
    deaths: int
    stop: str
    sending: str
    draft: tuple[str, str]
    heard: tuple[str, str]
    gone: bool
    unsent: tuple[bytes, ...]

    @classmethod
    def of(cls, found: Sequence[Any]) -> "Claim":
        """What the script `claim` returned."""
        channel, fence, head, memory, preferences, another, tries, deaths, *rest = found
        stop, sending, draft, heard, gone, *unsent = rest
        return cls(
            channel=ChannelKey.parse(channel.decode()),
            fence=fence,
            head=head,
            memory=memory,
            preferences=preferences,
            another=bool(another),
            tries=tries,
            deaths=deaths,
            stop=stop.decode(),
            sending=sending.decode(),
            draft=of_turn(draft),
            heard=of_turn(heard),
            gone=bool(gone),
            unsent=tuple(unsent),
        )


def lost(claim: Claim) -> Fenced:
    """What to raise when somebody else has the lane by now; it is counted."""
    FENCED.inc()
    return Fenced(f"{claim.channel}: fence {claim.fence} is stale")


def of_turn(noted: bytes) -> tuple[str, str]:
    """A note of a lane: the turn that it is about, and the rest."""
    turn, _, what = noted.decode().partition(" ")
    return turn, what
