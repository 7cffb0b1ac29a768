"""A moment of a conversation."""

from core.thinking.moment import Moment
from core.values.dialogue import Dialogue
from core.values.turn import Turn


def moment(text: str, *told: str, language: str = "en", owner: bool = False, answer_in: str = "") -> Moment:
    turns = tuple(Turn(str(at), 0.0, "Ann", said, "ok", "en", "m", "plain", person="1") for at, said in enumerate(told))
    return Moment(text, language, Dialogue(turns=turns), 0.0, person="1", owner=owner, answer_in=answer_in)
