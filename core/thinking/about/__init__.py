"""What Parley knows of itself: a short page of questions and answers, one TOML file a language.

An `[[entry]]` is meant when each of its `all` expressions is found, and when the message says little that the page
has no word for: "how do I delete a file in Linux?" asks to delete, and is not about Parley. `answer` is for everybody;
where it would name settings, `owner` is what owners read instead.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from core.thinking import wording
from core.thinking.moment import Moment
from core.values.passages import Passage

LANGUAGES = ("en", "zh")
"""Base tags of those in which the page is written."""
_MOST_CHARS = 160
_KEY_WORDS = 8
_OWNER = "/owner"
_COMMAND = re.compile(r"(?<!\S)/[a-z]")
_POLITE = re.compile(
    r"^(?:(?:hey|hi|hello|ok|so|please|parley|sorry|excuse me|can you|could you|would you|do you know|tell me|"
    r"explain|"
    r"i want to know|i would like to know|just wondering|quick question) )*(?=how|what|where|who|which|when|"
    r"is|are|do|can|why|if|to)"
)
_OF_WORDS = re.compile(
    r"\bhow (?:do|would|can|to) (?:(?:you|i|we|one|people) )?(?:say|spell|pronounce)\b|怎么[说读念拼]"
)
"""Asks for words of a language, and not for that of the answers."""
_COMMON = set(
    "how what where who which when why is are was do does did can could would should will may might i me my "
    "mine we us our "
    "you your yours yourself it its this that these those a an the to of in on at for with from by about as "
    "and or but if not no any some all "
    "be been have has had get got make let need want know tell please there here now then so just also only still "
    "even ever really possible able way thing things something anything parley bot assistant hi hello hey "
    "thanks".split()
)
_COMMON_ZH = set(
    "我你您的了吗呢啊吧是有在会能可以怎么样什么哪里儿个不没把给让要想用请问一下到和这那谁多少还都如何为从就里帮告诉知道"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer, the questions that it was written for, and the expressions by which it is found."""

    asked: tuple[str, ...]
    all: tuple[re.Pattern[str], ...]
    answer: str
    owner: str


def found(moment: Moment) -> Passage | None:
    """The page's answer to a question about Parley, in the answer's language; None when it is none."""
    place = _best(moment.text)
    if place is None:
        return None
    language = "zh-Hans" if moment.chinese else "en"
    owner = moment.owner and bool(entries(language)[place].owner)
    return passages(language)[f"about/{language}/{_key(place)}{_OWNER if owner else ''}"]


@cache
def passages(language: str) -> Mapping[str, Passage]:
    """The answers of the page by their ids, which stay the same while the English question does."""
    told: dict[str, str] = {}
    for place, entry in enumerate(entries(language)):
        key = f"about/{language}/{_key(place)}"
        told |= {key: entry.answer} | ({key + _OWNER: entry.owner} if entry.owner else {})
    return {key: Passage(key, "Parley", text) for key, text in told.items()}


def entries(language: str) -> tuple[Entry, ...]:
    """The page; its entries stand in the same order in every language."""
    return _page(language)[0]


def _key(place: int) -> str:
    """An entry's own name: its first English question."""
    return "-".join(wording.folded(entries("en")[place].asked[0]).split()[:_KEY_WORDS])


def _best(text: str) -> int | None:
    if len(text) > _MOST_CHARS or (_COMMAND.search(text) and not wording.asks(text)):
        return None
    plain = _POLITE.sub("", wording.folded(text))
    if _OF_WORDS.search(plain):
        return None
    language = "zh-Hans" if wording.has_han(plain) else "en"
    listed, vocabulary = _page(language)
    strange = _strange(plain, vocabulary, chinese=language == "zh-Hans")
    addressed = re.search(r"\b(?:you|your|yourself|parley|bot)\b|[你您]|机器人", plain) is not None
    if strange > (2 if addressed else 0):
        return None
    scores = [_score(entry, plain) for entry in listed]
    best = max(range(len(scores)), key=scores.__getitem__)
    return best if scores[best] else None


def _score(entry: Entry, plain: str) -> float:
    """How much of a message an entry speaks of; 0 when it lacks one of the entry's expressions."""
    matches = [pattern.search(plain) for pattern in entry.all]
    if not all(matches):
        return 0.0
    mine = set(wording.words(plain))
    return len(matches) + max(
        2 * len(mine & theirs) / (len(mine) + len(theirs))
        for theirs in (set(wording.words(each)) for each in entry.asked)
    )


def _strange(plain: str, vocabulary: frozenset[str], *, chinese: bool) -> int:
    """How many words (in Chinese: characters, two of which make a word) the page does not have."""
    words = [word for word in wording.words(plain) if word not in vocabulary]
    han = [word for word in words if wording.has_han(word)]
    return len(words) - len(han) + (len(han) + 1) // 2 if chinese else len(words)


@cache
def _page(language: str) -> tuple[tuple[Entry, ...], frozenset[str]]:
    raw: dict[str, Any] = tomllib.loads((resources.files(__name__) / f"{language}.toml").read_text("utf-8"))
    spaced = language != "zh-Hans"
    listed = tuple(
        Entry(
            tuple(entry["asked"]),
            tuple(wording.any_of([pattern], raw.get("sets", {}), spaced=spaced) for pattern in entry["all"]),
            entry["answer"],
            entry.get("owner", ""),
        )
        for entry in raw["entry"]
    )
    words = {word for entry in listed for each in entry.asked for word in wording.words(each)}
    return listed, frozenset(words | _COMMON | _COMMON_ZH)
