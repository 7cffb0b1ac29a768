"""What was heard in a voice note, as its lane keeps it for the next try."""

from core.errors import PermanentError
from core.lanes.claim import Claim
from core.speech.transcription import Transcript
from core.store.codec import home_of, json_of
from core.telemetry import log
from core.values.events import Message

_LOG = log("transcripts")
_TRANSCRIPT = json_of(Transcript, "a transcript")


def kept(claim: Claim, transcript: Transcript) -> bytes:
    """A transcript as a claimed lane notes it."""
    return claim.codec.seal(_TRANSCRIPT, home_of(claim.channel), transcript)


def before(claim: Claim, message: Message) -> Transcript | None:
    """What an earlier try heard in the message's voice note; None when it is to be heard."""
    turn, transcript = claim.heard
    if turn != message.id:
        return None
    try:
        return claim.codec.open(_TRANSCRIPT, home_of(claim.channel), transcript)
    except PermanentError as error:
        _LOG.warning("%s: the voice note is heard again: %s", message.channel, error)
        return None
