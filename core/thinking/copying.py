"""What the built-in model may say: its own sentences, and frames filled with what people said, letter for letter.

It was trained to copy names and numbers that it never saw, and sometimes copies them wrongly. So an answer counts only
if it is one of the sentences of its training (then it must suit the message), or one of the frames below whose blanks
all stand in one and the same thing that was said, as whole words; or a note, word for word. Nothing else is shown.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal

from core.thinking import phrases_en, phrases_zh, wording
from core.thinking.moment import Moment
from core.thinking.phrases_en import NOTED
from core.thinking.phrases_zh import NOTED as NOTED_ZH

Fault = Literal["astray", "unsure", "cannot"]
"""Not an answer to this message; copied wrongly; the model says that it cannot."""
_FRAMES = tuple(
    re.compile(frame, re.DOTALL)
    for frame in (
        r"Nice to meet you, (?P<told>.+)\.|Hello (?P<also>.+), it is lovely to meet you!",
        r"(?:Your name is|Of course I remember: your name is) (?P<value>.+)\.",
        r"(?:You told me: y|Y)ou are (?P<value>.+) years old\.",
        r"(?:You told me: y|Y)ou (?:live in|come from|work at|like) (?P<value>.+)\.",
        r"(?:You told me: y|Y)our (?P<topic>.+?) (?:is called|is on|is|are) (?P<value>.+)\.",
        r"很高兴认识你，(?P<told>.+)。|你好，(?P<also>.+)！认识你真高兴。",
        r"(?:我当然记得，)?你叫(?P<value>.+)。",
        r"(?:我记得，)?你今年(?P<value>.+)岁。",
        r"(?:我记得，)?你(?:住在|来自|喜欢)(?P<value>.+)。",
        r"(?:我记得，)?你最喜欢的(?P<topic>.+?)是(?P<value>.+)。",
        r"(?:我记得，)?你的?(?P<topic>.+?)(?:叫|是)(?P<value>.+)。",
    )
)
_NOTE = re.compile(r"(?:I found this in the notes: |资料里说：)?(.+)", re.DOTALL)
_WORD = "A-Za-z0-9_\u00c0-\u024f\u0370-\u1fff"
"""Letters of scripts that part words by spaces."""
_PART = rf"{_WORD}'’@&+\-./:#"
"""What holds a word, a number, an address or a code together."""
_ENDS_ZH = "是人岁了吧啊呢的和"
_SAME = {"colour": "color", "favourite": "favorite", "birthday": "born"}
_NO_NAME = re.compile(
    r"i am (?:a|an|the|so|very|not|in|at|on|from|just|really|\w+ing|(?!called |named )\w+ed|here|back|home|"
    r"fine|ok|okay|late|early|new|"
    r"pregnant|vegan|vegetarian|single|lost|alone|afraid|sick|free|ready|busy|allergic|gay|trans|muslim|jewish|"
    r"christian|hindu|buddhist|german|french|chinese|english|american|sad|happy|angry|hungry|ill|cold|hot|drunk|old|"
    r"young|broke|homeless|depressed|sorry|sure|unsure|hurt|left|done|also|still|too|glad|proud|nervous|anxious)\b"
)


def fault(reply: str, moment: Moment, notes: Sequence[str] = ()) -> Fault | None:
    """Why the built-in model's reply to a message must not be shown; None when it may."""
    if reply in _cannot():
        return "cannot"
    if reply in (*NOTED, *NOTED_ZH):
        return "astray" if wording.asks(moment.text) else None
    if reply in (*phrases_en.NOT_TOLD, *phrases_zh.NOT_TOLD):
        return None if wording.asks(moment.text) and of_oneself(moment.text) else "astray"
    if reply in (*phrases_en.NOT_IN_NOTES, *phrases_zh.NOT_IN_NOTES):
        return None if notes else "astray"
    intent = _intents().get(reply)
    if intent is not None:
        return None if _resembles(moment.text, intent) else "astray"
    note = _NOTE.fullmatch(reply)
    if note and note[1] in notes:
        return None
    return None if any(_is_filled(found, moment) for found in _found(reply)) else "unsure"


def of_oneself(text: str) -> bool:
    """Whether a text is about the one who says it."""
    return bool(re.search(r"\b(?:i|my|me|mine|we|our|us)\b|[我咱]", wording.folded(text)))


def said(moment: Moment) -> Iterator[str]:
    """All that people said and that the model may copy: the message, the newest turns first, the summary."""
    yield moment.text
    yield from (turn.said for turn in reversed(moment.dialogue.turns))
    yield moment.dialogue.summary


def stands_in(value: str, text: str) -> bool:
    """Whether a value stands in a text as a whole: no part of a longer word, number, address or code."""
    if not value.strip():
        return False
    before = rf"(?<![{_PART}])" if value[0].isascii() else ""
    if value[-1].isascii():
        after = rf"(?![{_WORD}@&+#])(?!['’\-./:][{_PART}])"
    else:
        after = rf"(?=$|[^\u3400-\u9fff]|[{_ENDS_ZH}])"
    is_code = any(re.search(r"\d", word) and re.search(r"[^\W\d]", word) for word in value.split())
    flags = re.NOFLAG if is_code else re.IGNORECASE
    return re.search(before + re.escape(value) + after, text, flags) is not None


def crossed(reply: str, *, chinese: bool) -> str:
    """One of the model's own sentences in the other language; "" for a sentence that is not one of its own."""
    return _pairs(chinese=chinese).get(reply, "")


def _found(reply: str) -> Iterator[re.Match[str]]:
    return (found for frame in _FRAMES if (found := frame.fullmatch(reply)))


def _is_filled(found: re.Match[str], moment: Moment) -> bool:
    blanks = found.groupdict()
    if told := blanks.get("told") or blanks.get("also"):
        return stands_in(told, moment.text) and not _NO_NAME.search(wording.folded(moment.text))
    value, topic = blanks["value"], blanks.get("topic") or ""
    places = [moment.speaker, *said(moment)] if not topic else said(moment)
    return any(stands_in(value, text) and _tells_of(topic, text) for text in places)


def _tells_of(topic: str, text: str) -> bool:
    lowered = text.lower()
    if wording.has_han(topic):
        return topic.removesuffix("密码").removeprefix("的") in lowered
    noun = topic.lower().split()[-1] if topic.strip() else ""
    return noun in lowered or _SAME.get(noun, "\0") in lowered


@cache
def _cannot() -> frozenset[str]:
    return frozenset((*phrases_en.FALLBACK, *phrases_zh.FALLBACK))


@cache
def _intents() -> dict[str, tuple[str, ...]]:
    """Each sentence of small talk, and what people say to get it."""
    intents: dict[str, tuple[str, ...]] = {}
    for phrases in (phrases_en, phrases_zh):
        for profile in phrases.BY_PROFILE.values():
            for intent, replies in profile.items():
                intents |= {reply: intents.get(reply, ()) + phrases.ASKED_BY_INTENT[intent] for reply in replies}
        intents |= {reply: asked for asked, replies in phrases.SMALL_TALK for reply in replies}
    return intents


@cache
def _pairs(*, chinese: bool) -> dict[str, str]:
    """Each sentence in the other language: the phrases of both stand in the same order."""
    pairs: list[tuple[str, str]] = [
        *zip(NOTED, NOTED_ZH, strict=True),
        *zip(phrases_en.NOT_TOLD, phrases_zh.NOT_TOLD, strict=True),
    ]
    for name, profile in phrases_en.BY_PROFILE.items():
        for intent, replies in profile.items():
            pairs += zip(replies, phrases_zh.BY_PROFILE[name][intent], strict=True)
    for (_, english), (_, other) in zip(phrases_en.SMALL_TALK, phrases_zh.SMALL_TALK, strict=True):
        pairs += zip(english, other, strict=True)
    return dict(pairs) if chinese else {other: english for english, other in pairs}


def _resembles(text: str, asked: tuple[str, ...]) -> bool:
    """Whether a message is like what people say to get an answer: nearly all its words are theirs."""
    mine = wording.words(text)
    known = {word for each in asked for word in wording.words(each)} | {"parley", "please", "so", "oh", "the", "and"}
    if not mine or sum(word in known or word.isdigit() for word in mine) < 0.75 * len(mine):
        return False
    return any(2 * len(set(mine) & set(theirs)) >= len(set(mine)) for theirs in map(wording.words, asked))
