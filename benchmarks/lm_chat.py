"""One conversation of twenty turns: what a turn costs when its channel's cache is kept, and when it is not."""

from collections.abc import Callable
from itertools import count

from benchmarks import report
from benchmarks.lm_parley import Parley
from benchmarks.weights import prompt

SYSTEM_TOKENS, SAID_TOKENS, ANSWER_TOKENS = 50, 40, 62
TURNS = 20
"""Turn 20 stands after 50 + 19 x (40 + 62) = 1,988 tokens of history."""

InTurn = Callable[..., list[float]]


def turns(parley: Parley, shape: str, in_turn: InTurn) -> dict[str, float]:
    """The first token of turn 1, of turn 20 with its cache kept, and of turn 20 computed again.

    At turn 1 too the system words are known, as they are in a house that has said something before: both turns
    compute the new words alone.
    """
    system = prompt(SYSTEM_TOKENS)
    parley.say([*system, *prompt(SAID_TOKENS)], 1, "somebody else", SYSTEM_TOKENS)
    history = list(system)
    for turn in range(1, TURNS):
        history += prompt(SAID_TOKENS + ANSWER_TOKENS, turn)  # reading an answer leaves what writing it leaves, sooner
        parley.say(history, 1, "chat", SYSTEM_TOKENS)

    def first() -> float:
        return parley.say([*system, *prompt(SAID_TOKENS, 1)], 1, "", SYSTEM_TOKENS)[0]

    messages = count(TURNS)

    def kept() -> float:
        said = prompt(SAID_TOKENS, next(messages))  # each time another, for what was said is kept as well
        return parley.say([*history, *said], 1, "chat", SYSTEM_TOKENS)[0]

    def again() -> float:
        return parley.say([*history, *prompt(SAID_TOKENS, TURNS)], 1, "", 0)[0]

    def cold() -> float:
        return parley.say([*system, *prompt(SAID_TOKENS, 1)], 1, "", 0)[0]

    one, twenty, recomputed, unknown = in_turn(first, kept, again, cold, best=min)
    rows = [
        ("turn 1 of a new Parley: system words and message", f"{unknown * 1000:.0f}", ""),
        ("turn 1: the message", f"{one * 1000:.0f}", "1"),
        (f"turn {TURNS} after {len(history):,} tokens, kept", f"{twenty * 1000:.0f}", f"{twenty / one:.2f}"),
        (f"turn {TURNS} computed again", f"{recomputed * 1000:.0f}", f"{recomputed / one:.2f}"),
    ]
    report.table((f"{shape} int8, first token after {SAID_TOKENS} new ones", "ms", "over turn 1"), rows)
    return {
        "ttft_turn20_over_turn1": twenty / one,
        "recompute_over_kept": recomputed / twenty,
        "ttft_turn1_ms": one * 1000,
        "ttft_turn20_ms": twenty * 1000,
    }
