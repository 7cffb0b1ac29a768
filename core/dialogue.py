"""The memory of one channel: a summary of what is long ago and the recent turns, bounded in bytes.

Pure. The dialogue is written anew at each commit, so it stays small: the oldest turns leave first.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from core.errors import PermanentError
from core.message import Turn, to_json

MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Recent turns, oldest first, and a summary of all up to and with the turn `covered`."""

    summary: str = ""
    turns: tuple[Turn, ...] = ()
    covered: str = ""
    version: int = 1


_DIALOGUE: TypeAdapter[Dialogue] = TypeAdapter(Dialogue)


def append(dialogue: Dialogue, turn: Turn) -> Dialogue:
    """The dialogue with one more turn, its oldest turns dropped until it fits MAX_BYTES.

    A turn with the id of an earlier one takes that one's place, so that a replayed turn is remembered once. The newest
    turn always stays.
    """
    turns = (*(kept for kept in dialogue.turns if kept.id != turn.id), turn)
    sizes = [len(to_json(_DIALOGUE, Dialogue(turns=(each,)))) for each in turns]
    room = MAX_BYTES - len(dialogue.summary.encode(errors="replace"))
    first = 0
    while first < len(turns) - 1 and sum(sizes[first:]) > room:
        first += 1
    return replace(dialogue, turns=turns[first:])


def uncovered(dialogue: Dialogue) -> tuple[Turn, ...]:
    """The turns that the summary does not tell of."""
    ids = [turn.id for turn in dialogue.turns]
    return dialogue.turns[ids.index(dialogue.covered) + 1 :] if dialogue.covered in ids else dialogue.turns


def summarised(dialogue: Dialogue, summary: str, upto: str) -> Dialogue:
    """The dialogue with a summary of its turns up to `upto`; unchanged when that turn is no more."""
    if all(turn.id != upto for turn in dialogue.turns):
        return dialogue
    return replace(dialogue, summary=summary, covered=upto)


def replaced(dialogue: Dialogue, turn: Turn) -> Dialogue:
    """The dialogue with another turn in the place of the one that has its id."""
    return replace(dialogue, turns=tuple(turn if kept.id == turn.id else kept for kept in dialogue.turns))


def without(dialogue: Dialogue, refs: Collection[str]) -> Dialogue:
    """The dialogue without the turns that answered these messages, and without a summary that tells of them."""
    kept = replace(dialogue, turns=tuple(turn for turn in dialogue.turns if turn.ref not in refs))
    told = len(dialogue.turns) - len(uncovered(dialogue)) != len(kept.turns) - len(uncovered(kept))
    return replace(kept, summary="", covered="") if told else kept


def encode(dialogue: Dialogue) -> bytes:
    """JSON of a dialogue."""
    return to_json(_DIALOGUE, dialogue)


def decode(raw: bytes) -> Dialogue:
    """The dialogue of `encode`, an empty one for b""; PermanentError when it is not one."""
    if not raw:
        return Dialogue()
    try:
        return _DIALOGUE.validate_json(raw)
    except ValidationError as error:
        raise PermanentError(f"an unreadable dialogue: {error.error_count()} errors") from error
