"""What a message is answered from, beside its own words, and how."""

from dataclasses import dataclass, field

from core.speech.hearing import Transcript
from core.values.dialogue import Dialogue
from core.values.passages import Passage
from core.values.preferences import Preferences


@dataclass(frozen=True, slots=True)
class Context:
    """The conversation so far, what its people chose, and what was found for the message.

    `audio` is the message's voice note in any container, or what was heard in it before. `speak`: whether voice notes
    can be sent there. `resample` asks for another answer than the likeliest. `owner`: Parley's owners alone read the
    answer, so that it may name settings.
    """

    dialogue: Dialogue = field(default_factory=Dialogue)
    preferences: Preferences = field(default_factory=Preferences)
    audio: bytes | Transcript | None = None
    passages: tuple[Passage, ...] = ()
    speak: bool = True
    resample: bool = False
    owner: bool = False
