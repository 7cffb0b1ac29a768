"""The memory of one channel: a summary of what is long ago and the recent turns, bounded in bytes.

Pure. The dialogue is written anew at each commit, so it stays small: the oldest turns leave first.
"""

import heapq
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from core.values.codec import from_json, to_json
from core.values.turn import Turn

MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Recent turns, oldest first, and a summary of all up to and with the turn `covered`.

    The summary tells of the persons in `told_by` and of what was said from `since` on (seconds since the epoch, 0: not
    known). `edition` counts how often something was taken out, so that a summary of what was there before is void.
    """

    summary: str = ""
    turns: tuple[Turn, ...] = ()
    covered: str = ""
    since: float = 0.0
    told_by: tuple[str, ...] = ()
    edition: int = 0
    version: int = 1


_DIALOGUE: TypeAdapter[Dialogue] = TypeAdapter(Dialogue)


def append(dialogue: Dialogue, turn: Turn) -> Dialogue:
    """The dialogue with one more turn, its oldest turns dropped until it fits MAX_BYTES.

    A turn with the id of an earlier one takes that one's place, so that a replayed turn is remembered once, and the
    place of those that it names as its `earlier` ones. The newest turn always stays.
    """
    turns = (*(kept for kept in dialogue.turns if kept.id not in (turn.id, *turn.earlier)), turn)
    return _bounded(replace(dialogue, turns=turns))


def merged(one: Dialogue, other: Dialogue) -> Dialogue:
    """Two dialogues of one channel as one, by time, within MAX_BYTES; what a summary tells of stands before the rest.

    Each one's turns keep their order. A summary that is in the making for both is void.
    """
    told = [turn for each in (one, other) for turn in each.turns[: len(each.turns) - len(uncovered(each))]]
    rest = list(heapq.merge(uncovered(one), uncovered(other), key=lambda turn: turn.at))
    unique = {turn.id: turn for turn in (*told, *rest)}
    both = bool(one.turns and other.turns)
    return _bounded(
        Dialogue(
            summary="\n\n".join(each.summary for each in (one, other) if each.summary),
            turns=tuple(unique.values()),
            covered=told[-1].id if told else "",
            since=min((each.since for each in (one, other) if each.since), default=0.0),
            told_by=tuple(dict.fromkeys((*one.told_by, *other.told_by))),
            edition=max(one.edition, other.edition) + both,
        )
    )


def _bounded(dialogue: Dialogue) -> Dialogue:
    if len(encode(dialogue)) <= MAX_BYTES:
        return dialogue
    turns = dialogue.turns
    sizes = [len(encode(Dialogue(turns=(each,)))) for each in turns]
    room = MAX_BYTES - len(dialogue.summary.encode(errors="replace"))
    first = 0
    while first < len(turns) - 1 and sum(sizes[first:]) > room:
        first += 1
    return replace(dialogue, turns=turns[first:])


def uncovered(dialogue: Dialogue) -> tuple[Turn, ...]:
    """The turns that the summary does not tell of."""
    ids = [turn.id for turn in dialogue.turns]
    return dialogue.turns[ids.index(dialogue.covered) + 1 :] if dialogue.covered in ids else dialogue.turns


def summarised(
    dialogue: Dialogue, summary: str, upto: str, *, since: float = 0.0, told_by: tuple[str, ...] = ()
) -> Dialogue:
    """The dialogue with a summary of its turns up to `upto`; unchanged when that turn is no more."""
    if all(turn.id != upto for turn in dialogue.turns):
        return dialogue
    return replace(dialogue, summary=summary, covered=upto, since=since, told_by=told_by)


def replaced(dialogue: Dialogue, turn: Turn) -> Dialogue:
    """The dialogue with another turn in the place of the one that has its id."""
    turns = tuple(turn if kept.id == turn.id else kept for kept in dialogue.turns)
    return replace(dialogue, turns=turns, edition=dialogue.edition + 1)


def without(dialogue: Dialogue, refs: Collection[str]) -> Dialogue:
    """The dialogue without the turns that answered these messages, and without a summary that tells of them."""
    return _only(dialogue, lambda turn: turn.ref not in refs)


def without_last(dialogue: Dialogue) -> Dialogue:
    """The dialogue without its last turn, and without a summary that tells of it."""
    last = dialogue.turns[-1:]
    return _only(dialogue, lambda turn: turn not in last)


def without_person(dialogue: Dialogue, person: str) -> Dialogue:
    """The dialogue without what a person said and what answered them, and without a summary that tells of them."""
    return _only(dialogue, lambda turn: turn.person != person, void=person in dialogue.told_by)


def newer(dialogue: Dialogue, than: float) -> Dialogue:
    """The dialogue without what is older (seconds since the epoch), and without a summary that tells of that."""
    since = dialogue.since or (dialogue.turns[0].at if dialogue.turns else 0.0)
    return _only(dialogue, lambda turn: turn.at >= than, void=bool(dialogue.summary) and since < than)


def anew(dialogue: Dialogue) -> Dialogue:
    """The empty dialogue that comes after this one."""
    return Dialogue(edition=dialogue.edition + 1)


def _only(dialogue: Dialogue, keeps: Callable[[Turn], bool], *, void: bool = False) -> Dialogue:
    """The dialogue with some of its turns; `void` when its summary goes in any case."""
    kept = replace(dialogue, turns=tuple(turn for turn in dialogue.turns if keeps(turn)))
    if void or len(dialogue.turns) - len(uncovered(dialogue)) != len(kept.turns) - len(uncovered(kept)):
        kept = replace(kept, summary="", covered="", since=0.0, told_by=())
    return replace(kept, edition=dialogue.edition + 1) if kept != dialogue else dialogue


def encode(dialogue: Dialogue) -> bytes:
    """JSON of a dialogue, without what is None: it is written anew at each commit."""
    return to_json(_DIALOGUE, dialogue, sparse=True)


def decode(raw: bytes) -> Dialogue:
    """The dialogue of `encode`, an empty one for b""; PermanentError when it is not one."""
    if not raw:
        return Dialogue()
    return from_json(_DIALOGUE, raw, "a dialogue")
