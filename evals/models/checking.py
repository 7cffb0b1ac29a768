"""Whether an answer is right, by rules that a program can tell. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

LANGUAGES = ("de", "en", "es", "fr", "zh")
_QUOTED = re.compile("“[^”]*”")
_ITEM = re.compile(r"^\s*(?:[-*•–]|\d+[.)、:]|[①-⑩])\s*\S", re.MULTILINE)
_SENTENCE = re.compile(r"[^.!?。！？\n]*\w[^.!?。！？\n]*")
_DECIMAL = re.compile(r"(?<=\d)[.,](?=\d)")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W\u3400-\u9fff]+(?:['’\-][^\W\u3400-\u9fff]+)*|[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Rules:
    """What an answer must be; what is left empty is not looked at.

    some: one of these stands in it; every: all of these; never: none of these, but where “the person's own words” are
    quoted. A word stands in it as a word of its own and in whatever case, a Chinese one anywhere; `|` in `every` parts
    words of which one is enough. language: one of LANGUAGES; words, sentences, items: how many at least and at most (a
    Chinese character counts as a word).
    """

    some: tuple[str, ...] = ()
    every: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    language: str = ""
    words: tuple[int, int] | None = None
    sentences: tuple[int, int] | None = None
    items: tuple[int, int] | None = None


def faults(answer: str, rules: Rules) -> tuple[str, ...]:
    """What is wrong with an answer, one phrase each; () when it is right."""
    found: list[str] = []
    if not answer.strip():
        return ("no answer",)
    if rules.some and not any(stands_in(word, answer) for word in rules.some):
        found.append("lacks " + " or ".join(rules.some))
    found += [f"lacks {word}" for word in rules.every if not any(stands_in(each, answer) for each in word.split("|"))]
    found += [f"says {word}" for word in rules.never if stands_in(word, _QUOTED.sub("“”", answer))]
    if rules.language and (spoken := language_of(answer)) != rules.language:
        found.append(f"is {spoken}, not {rules.language}")
    for name, bounds, count in (
        ("words", rules.words, count_words(answer)),
        ("sentences", rules.sentences, count_sentences(answer)),
        ("items", rules.items, len(_ITEM.findall(answer))),
    ):
        if bounds and not bounds[0] <= count <= bounds[1]:
            found.append(f"{count} {name}, not {bounds[0]} to {bounds[1]}")
    return tuple(found)


def stands_in(word: str, text: str) -> bool:
    """Whether a word or phrase stands in a text on its own; typographic apostrophes and spaces are as plain ones."""
    word, text = (" ".join(each.replace("’", "'").casefold().split()) for each in (word, text))
    if _CHINESE.search(word):
        return word in text
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", _CHINESE.sub(" ", text)) is not None


def count_words(text: str) -> int:
    """Words; of Chinese, characters."""
    return len(_WORD.findall(text))


def count_sentences(text: str) -> int:
    """Sentences and lines."""
    return len(_SENTENCE.findall(_DECIMAL.sub("", text)))


def language_of(text: str) -> str:
    """The likeliest of LANGUAGES; Chinese wherever a third of the words are."""
    if 3 * len(_CHINESE.findall(text)) >= count_words(text):
        return "zh"
    return str(_identifier(tuple(each for each in LANGUAGES if each != "zh")).classify(text)[0])


@cache
def _identifier(languages: Iterable[str]) -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(languages))
    return identifier
