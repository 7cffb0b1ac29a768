"""What a question and a statement speak of, and how much of it they share."""

import re

from core.thinking import wording

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
    ("神马", ""),
    ("来着", ""),
    ("啥", ""),
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
ENOUGH = 0.7
"""The share from which on a statement answers a question."""


def of(text: str) -> set[str]:
    """What an English text speaks of: words as their stems, and the like of them as one."""
    found: set[str] = set()
    for word in wording.words(text):
        stem = _SAME.get(word) or _SAME.get(word.removesuffix("'s")) or word.removesuffix("'s")
        if stem not in _STOP:
            found.add(_SAME.get(_stem(stem), _stem(stem)))
    plain = wording.folded(text)
    if re.search(r"\bname\b", plain):
        found.add("called")
    if re.search(r"\bi am (?:now |only |already )?\d{1,3}\b(?! \w*(?:km|kg|min|cm|percent))", plain):
        found.add("age")
    if re.search(r"\bi am an? \w+|\bi run\b|\bi teach\b", plain):
        found.add("work")
    if re.search(r"\b(?:come|am|are|grew up) (?:i )?(?:from|in)\b|\bi from\b|where am i from", plain):
        found.add("origin")
    if "@" in text:
        found.add("email")
    return found


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if len(word) > len(ending) + 3 and word.endswith(ending) and not word.endswith("ss"):
            return word.removesuffix(ending).rstrip("e") or word
    return word.rstrip("e") if len(word) > 4 else word


def shared(question: str, told: str) -> float:
    """Which share of a question's topics a statement has; 0 where it tells of somebody else."""
    if wording.has_han(question):
        return _shared_zh(question, told)
    asked, has = of(question), of(told)
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
