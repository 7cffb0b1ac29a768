"""What a person told, found by its words and quoted as it was told. In front of the built-in model alone.

A question about oneself ("where do I live?") is answered by the newest statement that shares its topics;
nothing is worded anew, so nothing can be invented.
"""

import re
from collections.abc import Iterator

from core.thinking import wording
from core.thinking.moment import Moment

_ASKED = re.compile(
    r"(?:^|\. )(?:(?:hey|hi|hello|ok|so|and|but|now|well|parley|please|quick question) )*(?:"
    r"(?:what|who|whom|whose|when|where|which|how old|how many|how much|how tall|how long|how far)\b.*\b(?:i|"
    r"my|me|mine|we|our)\b"
    r"|(?:do|did|can|could|would) you (?:please )?(?:still )?(?:remember|know|recall|tell me|remind "
    r"me)\b.*\b(?:i|my|me|mine|we|our)\b"
    r"|(?:tell|remind) me (?:of |about )?(?:again )?(?:my|our|what i|where i|who i|when i|what my|where my|"
    r"when my|who my)\b"
    r"|am i (?:a |an |allergic|married|vegan|vegetarian|from|named|called)\b|say my name|(?:do|did) i (?:like|"
    r"live|work|have|tell|own|eat|drink|say) )"
)
_NO_RECALL = re.compile(
    r"\b(?:should|can|could|would|shall|may|must|might|will) (?:i|we)\b|\bhow (?:do|can|to|would|could) (?:i|"
    r"we|you)\b|"
    r"\bdo (?:i|we) (?:need|have to|get|use|make|fix|install|write|spell|find|say|start|become|stop|lose|change|"
    r"delete|turn|connect|do)\b|"
    r"\b(?:tell|give|show|teach|help|send|write|explain|make) me (?:a|an|the|how|why|some|something|about the|"
    r"more|\w+ jokes?)\b"
)
_ASKED_ZH = re.compile(
    r"我(?!们)(?!.*(?:该|应该|能不能|可以|怎么(?!称呼)|如何|为什么)).*(?:什么|谁|哪|几|多少|多大|多高|多重|吗|"
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
_KIN = (
    "sister brother mother father wife husband son daughter friend boss teacher neighbour uncle aunt doctor partner "
    "cousin grandmother grandfather baby colleague girlfriend boyfriend dog cat horse rabbit parrot hamster "
    "fish bird "
    "turtle pony snake mouse puppy kitten"
).split()
_KIN_ZH = re.compile(
    "姐姐|妹妹|哥哥|弟弟|妈妈|爸爸|老师|朋友|同事|老板|女儿|儿子|妻子|丈夫|老公|老婆|奶奶|爷爷|外婆|外公|姥姥|"
    "姥爷|同学|邻居|医生|狗|猫|兔子|马|鸟|鱼|乌龟|仓鼠|闺蜜|室友|孩子"
)
_STOP = set(
    "what who whom whose when where which how is are was were am be been the a an my i me mine we our do did "
    "does you "
    "your remember know recall tell told say said can could please of to in at it its that this about have had has "
    "got again still for on with and or but so there now just again ok hey hi hello parley many much long will going "
    "go today exactly actually name remind if any one get by as from come kind type sort most best tomorrow".split()
)
_SAME = {
    alias: topic
    for topic, aliases in {
        "live": "lives living lived moved move home city "
        "town", "work": "job works working worked profession employer company living",
        "called": "name named names "
        "call", "age": "old years turned", "birthday": "born", "like": "love enjoy likes loves fond",
        "hate": "dislike hates", "color": "colour", "favorite": "favourite", "mother": "mom mum mummy mommy",
        "father": "dad daddy papa", "allergic": "allergy allergies", "car": "drive drives", "neighbour": "neighbor",
        "grandmother": "grandma "
        "granny", "grandfather": "grandpa", "phone": "telephone mobile cell", "speak": "languages language",
        "study": "studying studied major", "eat": "food", "origin": "grew",
        "dog": "puppy", "cat": "kitten", "email": "e-mail mail", "dislike": "olives", "married": "wife husband",
    }.items()
    for alias in aliases.split()
}  # fmt: skip
_LIGHT = {"called", "number", "like", "favorite", "age", "speak"}
_SAME_ZH = (
    ("名字", "叫"),
    ("称呼", "叫"),
    ("几岁", "岁"),
    ("多大", "岁"),
    ("今年", ""),
    ("年龄", "岁"),
    ("上班", "工作"),
    ("哪里", ""),
    ("哪儿", ""),
    ("什么", ""),
    ("最喜欢", "喜欢"),
    ("爱吃", "喜欢"),
    ("最爱", "喜欢"),
    ("老家", "来自"),
    ("搬到", "住"),
    ("搬去", "住"),
    ("家在", "住"),
    ("住在", "住"),
    ("多少", ""),
    ("号码", ""),
    ("记得", ""),
    ("知道", ""),
    ("告诉", ""),
    ("时候", ""),
    ("哪天", ""),
    ("出生", "生日"),
    ("养了", ""),
    ("一只", ""),
    ("城市", "住"),
)
_STOP_ZH = set("我你您的是了吗呢啊吧在有还哪几谁多不说过和跟很个只条最，。？！,.?! 请问那这么")
_SENTENCE = re.compile(
    r"(?:[^.!?。！？\n]|[.](?=\w)|(?<=\b[A-Z])[.]|(?<=\b(?:St|Dr|Mr|Ms))[.]|(?<=\bMrs)[.])+[.!?。！？]?"
)
_COMMANDS = re.compile(r"^(?:please )?(?:forget|ignore|do not remember|never mind)\b|^(?:请)?(?:忘了|忘掉|忘记|别记)")
_ENOUGH = 0.7


def quoted(moment: Moment) -> str:
    """What the person told, quoted; "" when nothing was told or that is not what is asked."""
    found = answer(moment)
    return "" if found == _nothing(moment) else found


def answer(moment: Moment) -> str:
    """What the person told, quoted; that nothing was told; "" when that is not what is asked."""
    plain = wording.folded(moment.text)
    if _JUST_SAID.search(plain):
        return _quoted(moment.dialogue.turns[-1].said, moment) if moment.dialogue.turns else _nothing(moment)
    if not _wants_recall(plain, moment.text):
        return ""
    statements = list(_told(moment))
    if _is_own_name(plain):
        name = next((name for told in statements if (name := _name_in(told))), "")
        return (f"你叫{name}。" if moment.chinese else f"Your name is {name}.") if name else _nothing(moment)
    best, score = "", 0.0
    for told in statements:
        if (each := _shared(moment.text, told)) > score:
            best, score = told, each
    if score >= _ENOUGH:
        return _quoted(best, moment)
    return _nothing(moment) if wording.has_han(plain) or re.search(r"\bmy\b|\bam i\b|do i live", plain) else ""


def tells_name(text: str) -> str:
    """The name that somebody calls themselves by in a message, "" when there is none."""
    return "" if wording.asks(text) else _name_in(text)


def _wants_recall(plain: str, text: str) -> bool:
    if wording.has_han(plain):
        return bool(_ASKED_ZH.search(plain)) and (wording.asks(text) or "说说" in plain)
    return bool(_ASKED.search(plain)) and not _NO_RECALL.search(plain)


def _is_own_name(plain: str) -> bool:
    return bool(
        re.search(
            r"\b(?:my (?:first |full |own )?name\b(?! of)|who (?:am i|i am)|am i called|call me\b|i am called)|"
            r"我(?:的)?(?:叫什么|名字|叫啥|是谁)|怎么称呼我",
            plain,
        )
    )


def _told(moment: Moment) -> Iterator[str]:
    """Statements of this person, the newest first, those of the summary last."""
    for turn in reversed(moment.dialogue.turns):
        if turn.forwarded is None and turn.person in ("", moment.person):
            yield from reversed(list(_statements(turn.said)))
    yield from reversed(list(_statements(moment.dialogue.summary)))


def _statements(text: str) -> Iterator[str]:
    for sentence in (found[0].strip() for found in _SENTENCE.finditer(text)):
        if sentence and not wording.asks(sentence) and not _COMMANDS.match(wording.folded(sentence)):
            yield sentence


def _name_in(text: str) -> str:
    for found in _NAME.finditer(text):
        name = next(filter(None, found.groupdict().values()), "")
        if name and name.lower() not in _NOT_NAMES:
            return name
    return ""


def _topics(text: str) -> set[str]:
    topics: set[str] = set()
    for word in wording.words(text):
        stem = _SAME.get(word) or _SAME.get(word.removesuffix("'s")) or word.removesuffix("'s")
        if stem not in _STOP:
            topics.add(_SAME.get(_stem(stem), _stem(stem)))
    plain = wording.folded(text)
    if re.search(r"\bname\b", plain):
        topics.add("called")
    if re.search(r"\bi am (?:now |only |already )?\d{1,3}\b(?! \w*(?:km|kg|min|cm|percent))", plain):
        topics.add("age")
    if re.search(r"\bi am an? \w+|\bi run\b|\bi teach\b", plain):
        topics.add("work")
    if re.search(r"\b(?:come|am|are|grew up) (?:i )?(?:from|in)\b|\bi from\b|where am i from", plain):
        topics.add("origin")
    if "@" in text:
        topics.add("email")
    return topics


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if len(word) > len(ending) + 3 and word.endswith(ending) and not word.endswith("ss"):
            return word.removesuffix(ending).rstrip("e") or word
    return word.rstrip("e") if len(word) > 4 else word


def _shared(question: str, told: str) -> float:
    """Which share of a question's topics a statement has; 0 where it tells of somebody else."""
    if wording.has_han(question):
        return _shared_zh(question, told)
    asked, has = _topics(question), _topics(told)
    kin = {_stem(each) for each in _KIN}
    if bool(asked & kin) != bool(has & kin) and not (asked & kin <= has and asked & kin) or (asked & kin) - has:
        return 0.0
    weigh = {topic: 0.4 if topic in _LIGHT and len(asked) > 1 else 1.0 for topic in asked}
    return sum(weight for topic, weight in weigh.items() if topic in has) / sum(weigh.values()) if weigh else 0.0


def _shared_zh(question: str, told: str) -> float:
    asked_kin, kin = set(_KIN_ZH.findall(question)), set(_KIN_ZH.findall(told))
    if asked_kin - kin or (kin and not asked_kin):
        return 0.0
    for before, after in _SAME_ZH:
        question, told = question.replace(before, after), told.replace(before, after)
    asked = {char for char in question if char not in _STOP_ZH}
    return sum(char in told for char in asked) / len(asked) if asked else 0.0


def _quoted(told: str, moment: Moment) -> str:
    told = told.strip().rstrip(".。")
    return f"你告诉过我：“{told}”。" if moment.chinese else f"You told me: “{told}”."


def _nothing(moment: Moment) -> str:
    return "你还没有告诉我。" if moment.chinese else "You have not told me that yet."
