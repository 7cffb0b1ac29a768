"""What was told in this chat, by whomever, quoted with who told it. In front of the built-in model alone.

For questions that are not about oneself, which `recalling` answers: "When does the plumber come?", "Who brings the
salad?". As there, nothing is worded anew.
"""

import re
from collections.abc import Iterator

from core.thinking import recalling, topics, wording
from core.thinking.moment import Moment

_ASKED = re.compile(
    r"(?:^|\. )(?:(?:hey|hi|hello|ok|so|and|but|now|well|um|uh|er|please|does anybody know|anybody know) )*"
    rf"(?:{recalling.OF_WHAT}|is|are|was|were|does|did|has|have|what time)\b"
)
_ASKED_ZH = re.compile("谁|哪|几|多少|多久|多大|什么(?!意思)|[吗呢]$")
_REMEMBER = re.compile(
    r"\b(?:do|can|could|would) you (?:please )?(?:still )?(?:remember|know|recall|tell me|tell us) |"
    "[你您](?:还)?(?:知道|记得)(?:吗)?"
)
_MEANS_PARLEY = re.compile(r"\b(?:you|your|yours|yourself|parley)\b|[你您]")
_MEANS_PERSON = re.compile(r"\b(?:i|my|mine|me|myself)\b|我(?!们)")
"""Of whom nobody else's words tell."""
_POINTS = re.compile(r"\b(?:when|where|which|what time|again)\b")
_SEEKS = re.compile(
    r"\b(?:want to know|wonder|wondering|looking for|need (?:help|an? (?:idea|name|advice)))\b|想知道|想找|想问"
)
"""Tells that something is not known."""
_LEAST_TOPICS, _LEAST_HAN = 2, 3
_NAME_CHARS = 32


def answer(moment: Moment) -> str:
    """The newest statement that has most of what a question asks of, quoted; "" where there is none."""
    plain = _REMEMBER.sub("", wording.folded(moment.text))
    if not _is_asked(plain) or _MEANS_PARLEY.search(plain) or recalling.NO_RECALL.search(plain):
        return ""
    by, best, most = "", "", 0.0
    of_person = _MEANS_PERSON.search(plain) is not None
    for speaker, told in (each for each in _told(moment) if not (of_person and each[0])):
        share = topics.shared(plain, f"{speaker} {told}")
        if share > most and _has_enough(plain, f"{speaker} {told}"):
            by, best, most = speaker, told, share
    if most < topics.ENOUGH:
        return ""
    return _quoted(by, best, moment) if by else recalling.as_told(best, moment)


def _is_asked(plain: str) -> bool:
    return (_ASKED_ZH if wording.has_han(plain) else _ASKED).search(plain) is not None


def _has_enough(question: str, told: str) -> bool:
    """Whether they share more than one thing, or one of which a time, place or choice is asked."""
    if wording.has_han(question):
        return len({char for char in question if wording.has_han(char)} & set(told)) >= _LEAST_HAN
    common = topics.of(question) & topics.of(told)
    return len(common) >= (1 if _POINTS.search(question) else _LEAST_TOPICS)


def _told(moment: Moment) -> Iterator[tuple[str, str]]:
    """Who ("" for the person who asks) told what, the newest first, what the summary tells last."""
    for turn in reversed(moment.dialogue.turns):
        if turn.forwarded is None:
            by = "" if turn.person in ("", moment.person) else " ".join(turn.speaker.split())[:_NAME_CHARS]
            told = [each for each in recalling.statements(turn.said) if not _SEEKS.search(wording.folded(each))]
            yield from ((by, each) for each in reversed(told))
    yield from (("", told) for told in reversed(list(recalling.statements(moment.dialogue.summary))))


def _quoted(by: str, told: str, moment: Moment) -> str:
    told = told.strip().rstrip(".。")
    return f"{by}说过：“{told}”。" if moment.chinese else f"{by} said: “{told}”."
