"""What was heard in a voice note, as its lane keeps it for the next try."""

from pydantic import TypeAdapter

from core.errors import PermanentError
from core.lanes.claim import Claim
from core.speech.transcription import Transcript
from core.telemetry import log
from core.values.codec import from_json, to_json
from core.values.events import Message

_LOG = log("heard")
_TRANSCRIPT = TypeAdapter(Transcript)


def kept(transcript: Transcript) -> str:
    """JSON of a transcript."""
    return to_json(_TRANSCRIPT, transcript).decode()


def before(claim: Claim, message: Message) -> Transcript | None:
    """What an earlier try heard in the message's voice note; None when it is to be heard."""
    turn, transcript = claim.heard
    if turn != message.id:
        return None
    try:
        return from_json(_TRANSCRIPT, transcript, "a transcript")
    except PermanentError as error:
        _LOG.warning("%s: the voice note is heard again: %s", message.channel, error)
        return None
