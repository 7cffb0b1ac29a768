"""The person's own name, where it is certain: told by themselves in this dialogue, in so many words.

For every mind: small ones answer "My name is Ann." to "What is my name?". What is less than certain is left to them.
"""

import re

from core.thinking import wording
from core.thinking.moment import Moment

_ASKED = re.compile(
    r"(?:(?:hey|hi|hello|ok|okay|so|and|but|now|well|parley|please|quick question) )*"
    r"(?:(?:do|did|can|could|would|will) you (?:please |still )*(?:remember|know|recall|tell me|say|"
    r"remind me(?: of)?) )?"
    r"(?:(?:tell|remind) me (?:again |of )?|say )?"
    r"(?:what is my name|what my name is|my name|who am i|who i am|what am i called|what i am called|"
    r"what did i say my name (?:is|was)|what (?:did|do) i call myself)(?: again| now| please| parley| then)*"
    r"|(?:那|那么|请问|你|您|parley|还|记得|知道|能|可以|告诉我|吗|说说)*"
    r"(?:我叫什么(?:名字)?|我叫啥|我的名字(?:是什么|叫什么|是啥)?|我是谁|我姓什么叫什么)(?:来着|呢|吗|了|啊|呀)*"
)
_NAME = r"(?P<name>[^\W\d_a-z][\w'’\-]*(?: (?:de |van |von |der |la |bin |al-)*[^\W\d_a-z][\w'’\-]*){0,3})"
_TOLD = re.compile(
    r"(?i:(?:(?:hi|hello|hey|ok|okay|yes|no|sorry|well|actually|by the way|and|also|parley|please|there)[,!. ]+)*"
    r"(?:my (?:full |first |real )?name(?: is|'s|’s)|(?:you can |just |please )?call me|i(?: am|'m|’m) called))"
    rf" (?i:now |actually )?{_NAME}(?=$|[.,!;?。]| and | but | from | by the way)"
)
_TOLD_ZH = re.compile(
    r"(?:(?:hi|hello|你好|您好|大家好|嗨|不对|不是|不|其实|哦|对了|那个|parley)[，,！!。 ]*)*"
    r"(?:我叫做?|我的?名字[是叫]|我的姓名是|(?:请|可以|你可以|大家都)?叫我)[“\"「 ]?(?P<name>"
    r"(?![你您他她它了不过来去人车外什谁啥滴个一])(?:[\u3400-\u9fff·]{2,6}?|"
    r"[A-Z][\w'’\-]*(?: [A-Z][\w'’\-]*){0,2}))[”\"」 ]?"
    r"(?=$|[，。,.!！；;]|吧|就好|就行|就可以)",
    re.IGNORECASE,
)
_SPOKEN_OF = re.compile(
    r"\bmy (?:\w+ )?name\b|\bcall(?:ed|s)? me\b|\bi am called\b|我叫|我的?名字|我的姓名|叫我|我改名"
)
_NO_NAMES = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday tomorrow today later back when if at on maybe not no the "
    "a an crazy old parley secret".split()
)


def is_asked(moment: Moment) -> bool:
    """Whether somebody asks for their own name."""
    return _ASKED.fullmatch(wording.folded(moment.text)) is not None


def answer(moment: Moment) -> str:
    """Their name as it was told; "" where that is not certain, or not in a language of these sentences."""
    name = told(moment) if moment.answer_in.split("-")[0] in ("", "en", "zh") else ""
    return "" if not name else f"你叫{name}。" if moment.chinese else f"Your name is {name}."


def told(moment: Moment) -> str:
    """The name that the person gave last; "" when there is none or they spoke of it in other words since."""
    for turn in reversed(moment.dialogue.turns):
        if turn.person != moment.person or turn.forwarded is not None:
            continue
        for sentence in reversed(re.split(r"(?<=[.!?。！？])\s*|\n", turn.said)):
            if _SPOKEN_OF.search(wording.folded(sentence)) and not wording.asks(sentence):
                return _name_in(sentence.strip())
    return ""


def _name_in(sentence: str) -> str:
    match = _TOLD_ZH.match(sentence) if wording.has_han(sentence) else _TOLD.match(sentence)
    name = match["name"] if match else ""
    return "" if name.split(" ")[0].casefold() in _NO_NAMES else name
