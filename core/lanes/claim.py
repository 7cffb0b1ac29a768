"""What whoever claims a lane is told of it, and what they are told when it is theirs no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import AssistantError, PermanentError
from core.store.codec import DIALOGUE, EVENT, PART, PREFERENCES, Codec, home_of
from core.telemetry import FENCED
from core.values.channel import ChannelKey
from core.values.dialogue import Dialogue
from core.values.events import Event
from core.values.parts import Part
from core.values.preferences import Preferences


class Fenced(AssistantError):
    """Another worker holds the lane: this one's work on it is void."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One lane, ours until the lease runs out.

    The event at its head (b"" when only parts wait), its dialogue and preferences (b"" when new) and unsent parts are
    as Redis keeps them; the methods open them. `another` tells that its partition has one more lane due. Since the lane
    last got on, `attempts` of it failed, and `crashes` owners never gave it back. `stop` is the id of the event that
    stops all before it; `sending` the nonce of a part that a dead owner was sending; `draft` the turn and platform id
    of an answer that it left growing, `heard` a turn and what its voice note was found to say, sealed; `gone` whether
    the last part found nobody.
    """

    channel: ChannelKey
    fence: int
    head: bytes
    memory: bytes
    chosen: bytes
    another: bool
    attempts: int
    crashes: int
    stop: str
    sending: str
    draft: tuple[str, str]
    heard: tuple[str, bytes]
    gone: bool
    unsent: tuple[bytes, ...]
    codec: Codec

    @classmethod
    def of(cls, found: Sequence[Any], codec: Codec) -> "Claim":
        """What the script `claim` returned."""
        channel, fence, head, memory, chosen, another, attempts, crashes, *rest = found
        stop, sending, draft, heard, gone, *unsent = rest
        return cls(
            channel=ChannelKey.parse(channel.decode()),
            fence=fence,
            head=head,
            memory=memory,
            chosen=chosen,
            another=bool(another),
            attempts=attempts,
            crashes=crashes,
            stop=stop.decode(),
            sending=sending.decode(),
            draft=(of_turn(draft)[0], of_turn(draft)[1].decode()),
            heard=of_turn(heard),
            gone=bool(gone),
            unsent=tuple(unsent),
            codec=codec,
        )

    def event(self) -> Event:
        """The head; PermanentError when nobody can read it."""
        return self.codec.open(EVENT, home_of(self.channel), self.head)

    def dialogue(self) -> Dialogue:
        """What the channel remembers; PermanentError when nobody can read it."""
        return self.codec.open(DIALOGUE, home_of(self.channel), self.memory)

    def preferences(self) -> Preferences:
        """What the channel prefers; PermanentError when nobody can read it."""
        return self.codec.open(PREFERENCES, home_of(self.channel), self.chosen)

    def parts(self) -> list[Part | PermanentError]:
        """What is unsent: each part, or why nobody can read it, which costs only itself."""
        return [self.codec.read(PART, home_of(self.channel), raw).value for raw in self.unsent]


def lost(claim: Claim) -> Fenced:
    """What to raise when somebody else has the lane by now; it is counted."""
    FENCED.inc()
    return Fenced(f"{claim.channel}: fence {claim.fence} is stale")


def to_note(turn: str, what: bytes) -> bytes:
    """What a lane notes of a turn."""
    return turn.encode() + b" " + what


def of_turn(noted: bytes) -> tuple[str, bytes]:
    """A note of a lane: the turn that it is about, and the rest."""
    turn, _, what = noted.partition(b" ")
    return turn.decode(), what
