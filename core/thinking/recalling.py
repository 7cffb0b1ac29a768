"""What a person told, found by its words and quoted as it was told. In front of the built-in model alone.

A question about oneself ("where do I live?") is answered by the newest statement that shares its topics;
nothing is worded anew, so nothing can be invented.
"""

import re
from collections.abc import Iterator

from core.thinking import topics, wording
from core.thinking.moment import Moment

OF_WHAT = (
    "(?:(?:in|on|at|to|from|with|for|by|until|since|about) )?"
    "(?:what|who|whom|whose|when|where|which|how old|how many|how much|how tall|how long|how far)"
)
"""How a question begins that a fact answers, folded."""
_ASKED = re.compile(
    r"(?:^|\. )(?:(?:hey|hi|hello|ok|so|and|but|now|well|um|uh|er|parley|please|quick question) )*(?:"
    rf"{OF_WHAT}\b.*\b(?:i|"
    r"my|me|mine|we|our)\b"
    r"|(?:do|did|can|could|would) you (?:please )?(?:still )?(?:remember|know|recall|tell me|remind "
    r"me)\b.*\b(?:i|my|me|mine|we|our)\b"
    r"|(?:tell|remind) me (?:of |about )?(?:again )?(?:my|our|what i|where i|who i|when i|what my|where my|"
    r"when my|who my)\b"
    r"|am i (?:a |an |allergic|married|vegan|vegetarian|from|named|called)\b|say my name|(?:do|did) i (?:like|"
    r"live|work|have|tell|own|eat|drink|say) )"
)
NO_RECALL = re.compile(
    r"\b(?:should|can|could|would|shall|may|must|might|will) (?:i|we)\b|\bhow (?:do|can|to|would|could) (?:i|"
    r"we|you)\b|"
    r"\bdo (?:i|we) (?:need|have to|get|use|make|fix|install|write|spell|find|say|start|become|stop|lose|change|"
    r"delete|turn|connect|do)\b|"
    r"\b(?:tell|give|show|teach|help|send|write|explain|make) me (?:a|an|the|how|why|some|something|about the|"
    r"more|\w+ jokes?)\b|\b(?:what|how) about\b|\bwhat (?:if|do you think)\b"
)
_ASKED_ZH = re.compile(
    r"我(?!们)(?!.*(?:该|应该|能不能|可以|怎么(?!称呼)|如何|为什么)).*(?:什么|啥|神马|谁|哪|几|多少|多大|多高|多重|吗|"
    r"怎么称呼)|"
    r"(?:记得|知道|还记得).*我(?:的|叫|住|是|家|在|几|多|最|喜欢|对)|(?:说说|告诉我)我的"
)
_JUST_SAID = re.compile(
    r"what (?:did|have) i (?:just )?(?:say|said|tell you|told you|ask|asked|write|written)(?: you)?(?: just "
    r"now| before| last)?$|我刚才?说了?(?:什么|啥)|我刚刚说了?(?:什么|啥)"
)
_NAME = re.compile(
    r"(?i:\bmy (?:real |first |full )?name(?: is|'s|’s)|\b(?:please |just |you can |people |everyone |"
    r"everybody |friends )?call(?:s)? me|"
    r"\bi(?: am|'m|’m) called|\bthe name(?: is|'s)) (?i:now |actually )?(?P<name>[^\W\d_][\w'’\-]*(?: "
    r"[A-Z][\w'’\-]*){0,3})|"
    r"(?:^|[.!,;] ?)(?i:(?:hi|hello|hey|ok|yes)?[,! ]*(?:i am|i'm|i’m|this is|it's|it is)) "
    r"(?P<plain>[A-Z][\w'’\-]*(?: [A-Z][\w'’\-]*){0,2})(?=$|[.,!?;]| and\b| from\b)|"
    r"(?:我叫|我的?名字[是叫]|叫我|大家都?叫我|我姓名是)(?P<han>[^\s，。,.!！?？、]{1,12}?)(?=$|"
    r"[\s，。,.!！?？、]|吧|就好|就行)"
)
_NOT_NAMES = set(
    "not sorry so very the a an here back fine good from in at ok okay german french chinese english american "
    "british pregnant bored tired".split()
)
_SENTENCE = re.compile(
    r"(?:[^.!?。！？\n]|[.](?=\w)|[!?](?=[0-9A-Za-z])|(?<=\b[A-Z])[.]|(?<=\b(?:St|Dr|Mr|Ms))[.]|(?<=\bMrs)[.])+[.!?。！？]?"
)
_COMMANDS = re.compile(r"^(?:please )?(?:forget|ignore|do not remember|never mind)\b|^(?:请)?(?:忘了|忘掉|忘记|别记)")


def quoted(moment: Moment) -> str:
    """What the person told, quoted; "" when nothing was told or that is not what is asked."""
    found = answer(moment)
    return "" if found == _nothing(moment) else found


def answer(moment: Moment) -> str:
    """What the person told, quoted; that nothing was told; "" when that is not what is asked."""
    plain = wording.folded(moment.text)
    if _JUST_SAID.search(plain):
        return as_told(moment.dialogue.turns[-1].said, moment) if moment.dialogue.turns else _nothing(moment)
    if not _wants_recall(plain, moment.text):
        return ""
    told_before = list(_told(moment))
    if asks_own_name(plain):
        name = next((name for told in told_before if (name := _name_in(told))), "")
        return (f"你叫{name}。" if moment.chinese else f"Your name is {name}.") if name else _nothing(moment)
    best, score = "", 0.0
    for told in told_before:
        if (each := topics.shared(moment.text, told)) > score:
            best, score = told, each
    if score >= topics.ENOUGH:
        return as_told(best, moment)
    return _nothing(moment) if wording.has_han(plain) or re.search(r"\bmy\b|\bam i\b|do i live", plain) else ""


def tells_name(text: str) -> str:
    """The name that somebody calls themselves by in a message, "" when there is none."""
    return "" if wording.asks(text) else _name_in(text)


def _wants_recall(plain: str, text: str) -> bool:
    if wording.has_han(plain):
        return bool(_ASKED_ZH.search(plain)) and (wording.asks(text) or "说说" in plain)
    return bool(_ASKED.search(plain)) and not NO_RECALL.search(plain)


def asks_own_name(plain: str) -> bool:
    """Whether folded words ask what the person is called."""
    return bool(
        re.search(
            r"\b(?:my (?:first |full |own )?name\b(?! of)|who (?:am i|i am)|am i called|call me\b|i am called)|"
            r"我(?:的)?(?:叫(?:什么|啥|神马)|名字|是谁)|怎么称呼我",
            plain,
        )
    )


def _told(moment: Moment) -> Iterator[str]:
    """Statements of this person, the newest first, those of the summary last."""
    for turn in reversed(moment.dialogue.turns):
        if turn.forwarded is None and turn.person in ("", moment.person):
            yield from reversed(list(statements(turn.said)))
    yield from reversed(list(statements(moment.dialogue.summary)))


def statements(text: str) -> Iterator[str]:
    """The sentences of a text that tell something."""
    for sentence in (found[0].strip() for found in _SENTENCE.finditer(text)):
        if sentence and not wording.asks(sentence) and not _COMMANDS.match(wording.folded(sentence)):
            yield sentence


def _name_in(text: str) -> str:
    for found in _NAME.finditer(text):
        name = next(filter(None, found.groupdict().values()), "")
        if name and name.lower() not in _NOT_NAMES:
            return name
    return ""


def as_told(told: str, moment: Moment) -> str:
    """Somebody's own words, quoted to them."""
    told = told.strip().rstrip(".。")
    return f"你告诉过我：“{told}”。" if moment.chinese else f"You told me: “{told}”."


def _nothing(moment: Moment) -> str:
    return "你还没有告诉我。" if moment.chinese else "You have not told me that yet."
