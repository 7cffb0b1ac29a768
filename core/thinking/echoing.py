"""Whether an answer only says again what was just said, or speaks as the person: small models do both.

"My dog died yesterday" gets "My dog died yesterday." or "Your dog died yesterday.", and "What is my phone number?" gets
"My phone number is ...". Words are compared without their endings; those that carry little (_LIGHT) do not count.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from core.thinking import wording
from core.thinking.moment import Moment

_LEAST_WORDS, _LEAST_LETTERS = 3, 16
"""Fewer words of English or Chinese, or letters of other languages, may rightly be returned as a greeting is."""
_RECENT_TURNS = 6
_RETURNED = re.compile(
    r"^(?:oh |and |well )?(?:good (?:morning|afternoon|evening|night|day|luck)|hello|hi|hey|bye|goodbye|see you|"
    r"thanks?|thank you|welcome|(?:happy|merry) |have an? |take care|congrat|nice to meet|how are you|all the best|"
    r"cheers|sleep well|enjoy)"
    r"|^(?:早上|上午|中午|下午|晚上|大家|您|你)好|^(?:早安|午安|晚安|再见|拜拜|谢谢|恭喜|祝|新年|哈哈|明天见|回头见)"
    r"|(?:快乐|愉快|加油)$"
)
_TASK = re.compile(
    r"\b(?:correct|fix|grammar|translate|repeat|rephrase|rewrite|reword|paraphrase|proofread|shorten|improve|polish|"
    r"edit|spell|quote|echo|copy|pretend|introduce|role ?play)\b|重复|复述|跟我说|照着|改[写正错成]|修改|帮我改|纠正|"
    r"润色|翻译|介绍|假装|扮演|说一遍|语法"
)
"""What asks for one's own words again, here or in the turns before."""
_SAY_IT = re.compile(
    r"\b(?:say|write|type|read|sing|pronounce|imagine|act|play|tell (?!me|you)|choose|pick|sort)\b|"
    r"[:：]\s*[^\s\d]|[写念读抄选排唱]|检查"
)
_LIGHT = frozenset(
    "i me my mine myself we us our you your yours am is are was were be been being have has had do does did a an the "
    "to of in on at and or so that this it its just now currently well will yes yeah no ok okay oh sure certainly "
    "of course year old name call live there here also too for with it's as by . "
    "你 我 您 的 了 是 吗 啊 呢 吧 们 正 在 已 经 和 就 也 都 好 哦 嗯 这 那 叫".split()
)
_MY = re.compile(
    r"^(?:(?:yes|yeah|sure|certainly|of course|hi|hello|ok|okay) )*(?:i (?:am|was|have|had|live|work|speak|drive|study|"
    r"like|love|take|parked|moved|said)|my|we)\b|^(?:我|我们)"
)
_MEANS_PERSON = re.compile(r"\b(?:i|my|me|mine|we|our)\b|[我咱]")
_MEANS_PARLEY = re.compile(r"\b(?:your?|yours|yourself|parley)\b|[你您]")
_AS_THEIRS = re.compile(r"^you (?:said|told|wrote|asked|mentioned)\b|^[你您](?:刚才|刚刚)?(?:说|告诉)")
_REMEMBER = re.compile(
    r"^(?:do|can|could|would) you (?:please )?(?:still )?(?:remember|know|recall|tell me|remind me)\b"
)
_LAST_WORD = re.compile(r"(?:[\u3400-\u9fff]|(?:(?![\u3400-\u9fff])[\w'’.@-])+)\W*$")
_SENTENCES = re.compile(r"(?:[^.!?。！？…\n]|\.(?=\w))+")


@dataclass(frozen=True)
class Echo:
    """What an answer to a message must not be: the message once more, or what the person told, told as Parley's own.

    What is rightly said again is none: what is returned, as greetings are, and what was asked for.
    """

    moment: Moment

    def repeats(self, answer: str) -> bool:
        """Whether an answer has most of the words of a statement and no others, or is the question once more."""
        given = self._given(answer)
        if not self._said or self._asks:
            return bool(given) and given == self._said
        if _AS_THEIRS.match(wording.folded(answer)):
            return False
        return self._holds(given) and 2 * len(_heavy(given)) > len(_heavy(self._said))

    def speaks_as_person(self, answer: str) -> bool:
        """Whether an answer to a question about the person begins by "I" or "my" with what they told, and no more."""
        first = next(iter(_SENTENCES.findall(answer)), "")
        if not (self._said and self._asks and self._of_person and self._told):
            return False
        return _MY.match(wording.folded(first)) is not None and self._told.issuperset(_words(first))

    def may_come(self, answer: str) -> bool:
        """Whether a growing answer is such already or may become it, so that it should wait."""
        if not self._said:
            return False
        begun = self._given(_begun(answer))
        if not self._asks:
            return self._holds(begun)
        first, *rest = _SENTENCES.findall(answer) or [""]
        speaks = self._of_person and self._told.issuperset(_words(first if rest else _begun(first)))
        return speaks or begun == self._said[: len(begun)]

    def _holds(self, words: list[str]) -> bool:
        return _heavy(self._said) >= _heavy(words)

    def _given(self, answer: str) -> list[str]:
        """The words of an answer, without the speaker's name that stands before the message in a group."""
        words, name = _words(answer), _words(self.moment.speaker)
        return words[len(name) :] if words[: len(name)] == name else words

    @cached_property
    def _said(self) -> list[str]:
        """The words of the message; none where they may be said again."""
        plain, moment = wording.folded(self.moment.text), self.moment
        before = (wording.folded(turn.said) for turn in moment.dialogue.turns[-_RECENT_TURNS:])
        if _RETURNED.search(plain) or _SAY_IT.search(moment.text.lower()) or any(map(_TASK.search, (plain, *before))):
            return []
        words = _words(moment.text)
        if moment.language.split("-")[0] in ("en", "zh") or wording.has_han(plain):
            return words if len(words) >= _LEAST_WORDS else []
        return words if sum(map(len, words)) >= _LEAST_LETTERS else []

    @cached_property
    def _asks(self) -> bool:
        return wording.asks(self.moment.text)

    @cached_property
    def _of_person(self) -> bool:
        plain = _REMEMBER.sub("", wording.folded(self.moment.text))
        return bool(_MEANS_PERSON.search(plain)) and not _MEANS_PARLEY.search(plain)

    @cached_property
    def _told(self) -> frozenset[str]:
        """All words that the person said in this dialogue, those of the message and those of little weight."""
        turns = [turn for turn in self.moment.dialogue.turns if turn.person == self.moment.person]
        words = {word for turn in turns for word in _words(turn.said)}
        return frozenset(words | set(self._said) | _LIGHT) if words else frozenset()


def _begun(text: str) -> str:
    """A growing text without its last word, which may grow: "Whats" is "what is" until it is "WhatsApp"."""
    return _LAST_WORD.sub("", text)


def _words(text: str) -> list[str]:
    return [_stem(word) for word in wording.words(text)]


def _heavy(words: Iterable[str]) -> frozenset[str]:
    return frozenset(words) - _LIGHT


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if len(word) > len(ending) + 2 and word.endswith(ending) and not word.endswith("ss"):
            return word.removesuffix(ending)
    return word
