"""Words folded for rules: one case, no contractions, no punctuation but the ends of sentences."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

_CONTRACTIONS = (
    (re.compile(r"\b(?:can't|cant|can not)\b"), "cannot"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\b(do|does|did|is|are|was|were|has|have|had|would|could|should)n'?t\b"), r"\1 not"),
    (re.compile(r"\b(?:i'm|im)\b"), "i am"),
    (re.compile(r"\bi'?ve\b"), "i have"),
    (re.compile(r"\bi'd\b"), "i would"),
    (re.compile(r"\b(what|who|where|when|how|that|there|he|she|it|here|name)'s\b"), r"\1 is"),
    (re.compile(r"\b(?:whats)\b"), "what is"),
    (re.compile(r"\b(you|they|we)'re\b"), r"\1 are"),
    (re.compile(r"\b(i|you|he|she|it|we|they|that)'ll\b"), r"\1 will"),
    (re.compile(r"\bwanna\b"), "want to"),
    (re.compile(r"\bgonna\b"), "going to"),
    (re.compile(r"\bgotta\b"), "have to"),
)
_ENDS = re.compile(r"[.!?;:…。！？；：\n]+(?=\s|$|[^\x00-\x7f])|[!?;…。！？；：\n]+")
_REST = re.compile(r"[^\w'.]+|(?<!\w)'|'(?!\w)|(?<!\d)\.(?=\w)|_")
_HAN = re.compile("[\u3400-\u9fff]")
_ASKS_EN = re.compile(
    r"^(?:(?:and|so|but|ok|okay|hey|hi|hello|please|parley) )*(?:what|who|whose|whom|where|when|why|how|which|"
    r"is|are|am|"
    r"was|were|do|does|did|can|could|will|would|shall|should|may|has|have you|have i|tell me|explain|write|"
    r"show me|give "
    r"me|translate|calculate|list|name (?!is)|summari[sz]e|describe|find|recommend|play|open|send|set|remind|help me)\b"
)
_ASKS_ZH = re.compile(
    "[吗呢啥咋]|什么|神马|来着|谁|哪|怎么|怎样|为什么|多少|几[点岁个号月]|多大|多久|是不是|能不能|可不可以|有没有|请?帮我|推荐|提醒我|"
    "告诉我|解释|翻译"
)


def folded(text: str) -> str:
    """Lower case, contractions spelled out, words parted by one space; " . " between sentences."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("‘", "'")
    for pattern, whole in _CONTRACTIONS:
        text = pattern.sub(whole, text)
    text = _REST.sub(" ", _ENDS.sub(" \0 ", text)).replace("\0", ".")
    return " ".join(text.split()).strip(" .")


def words(text: str) -> list[str]:
    """The words of a text, folded; Chinese characters are words of their own."""
    return [word for word in _HAN.sub(lambda found: f" {found[0]} ", folded(text)).split() if word != "."]


def has_han(text: str) -> bool:
    """Whether there are Chinese characters in it."""
    return bool(_HAN.search(text))


def asks(text: str) -> bool:
    """Whether a text wants something answered or done, rather than telling something."""
    if text.rstrip().endswith(("?", "？")):
        return True
    if has_han(text):
        return bool(_ASKS_ZH.search(text))
    return any(_ASKS_EN.match(part.strip()) for part in folded(text).split(" . "))


def any_of(patterns: Sequence[str], sets: Mapping[str, str], *, spaced: bool) -> re.Pattern[str]:
    """One expression for rules over folded words: {name} is one of `sets`, " ... " stands for up to four words.

    Where words are not `spaced`, as in Chinese, "..." stands for up to six characters.
    """
    return re.compile("|".join(_expanded(pattern, sets, spaced=spaced) for pattern in patterns) or r"(?!)")


def _expanded(pattern: str, sets: Mapping[str, str], *, spaced: bool) -> str:
    # Twice: a set may name another.
    for _ in range(2):
        pattern = re.sub(r"\{([a-z]\w*)\}", lambda found: f"(?:{sets[found[1]]})", pattern)
    if not spaced:
        return f"(?:{pattern.replace('...', '[^.]{0,6}')})"
    pattern = pattern.replace(" ... ", r"(?: [^\s.]+){0,4} ")
    return rf"(?<!\S)(?:{pattern})(?!\S)"
