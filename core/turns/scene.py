"""Where a turn happens, and what comes of it."""

from dataclasses import dataclass

from core.lanes.claim import Claim
from core.values.dialogue import Dialogue
from core.values.parts import Part
from core.values.preferences import Preferences


@dataclass(frozen=True, slots=True)
class Scene:
    """What a claim brought, read."""

    claim: Claim
    dialogue: Dialogue
    preferences: Preferences


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a message leads to: the dialogue afterwards (None: unchanged) and what to send."""

    dialogue: Dialogue | None
    parts: tuple[Part, ...]
