"""What a person would read aloud of a Markdown text: sentences without marks, addresses or code.

Pure; called by `core.speech.synthesis`.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.speech import verbalizing

_MOST_CHARS = 900
"""About a minute in English."""
_WIDE_WEIGHT = 3
"""A Chinese or Japanese character takes as long to say as so many letters."""
_MOST_SOURCE_CHARS = 20_000
_IN_THE_TEXT = {
    "en": ("The code is in the text", "The table is in the text"),
    "zh": ("代码在文字里", "表格在文字里"),
    "de": ("Der Code steht im Text", "Die Tabelle steht im Text"),
    "fr": ("Le code est dans le texte", "Le tableau est dans le texte"),
    "es": ("El código está en el texto", "La tabla está en el texto"),
}
"""Of code and tables, which nobody reads aloud; in other languages nothing is said of them."""

# Indented text is code to Markdown, but not to a chat.
_MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("code")
_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>", re.DOTALL)
_ADDRESS = re.compile(
    r"(?:https?://(?:[\w.%:-]+@)?(?:www\.)?|\bwww\.)([\w-]+(?:\.[\w-]+)*)(?:[:/?#](?:[!-~]*[\w/=&#-])?)?", re.ASCII
)
_MARKS = re.compile(r"[*_`|~#\\<>{}\[\]]+")
_BEFORE_STOP = re.compile(r"\s+([,.;:!?，。；：！？、])(?=\s|$)")
_BOX = re.compile(r"^\[[ xX]\]\s+")
_STOPS = ".!?:;,…。！？：；，、"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*")


def sentences(text: str, language: str) -> list[str]:
    """About a minute of `spoken`, whole sentences; [] when there is nothing to say."""
    aloud = spoken(text, language)
    taken: list[str] = []
    room = _MOST_CHARS
    for sentence in filter(None, _SENTENCE_END.split(aloud)):
        room -= _weight(sentence) + 1
        if room < 0:
            break
        taken.append(sentence)
    return taken or _first_words(aloud)


def spoken(text: str, language: str) -> str:
    """One line, "" when nothing in it can be said. `language` is a BCP 47 tag; it decides how signs are called."""
    # espeak-ng ends at a NUL and takes commands after a ctrl-A; half a surrogate pair has no UTF-8.
    text = "".join(char if _is_text(char) else " " for char in text[:_MOST_SOURCE_CHARS])
    base = language.split("-")[0].lower()
    said = verbalizing.in_words(_ADDRESS.sub(r"\1", _joined(_lines(text, base), base)), base)
    said = re.sub(r"\s+", " ", _MARKS.sub(" ", said)).strip()
    said = _BEFORE_STOP.sub(r"\1", said)
    return said if any(char.isalnum() for char in said) else ""


def _is_text(char: str) -> bool:
    return char == "\n" or unicodedata.category(char) not in ("Cc", "Cs")


def _lines(text: str, language: str) -> Iterator[str]:
    """Each line of each block, code and tables as what is said of them."""
    code, table = _IN_THE_TEXT.get(language, ("", ""))
    in_table = False
    for token in _MARKDOWN.parse(text):
        match token.type:
            case "table_open" | "table_close":
                in_table = token.type == "table_open"
                if in_table:
                    yield table
            case "fence":
                yield code
            case "html_block":
                yield from _TAG.sub(" ", token.content).splitlines()
            case "inline" if not in_table:
                yield from _inline(token.children or ()).splitlines()
            case _:
                pass


def _inline(tokens: Sequence[Token]) -> str:
    words: list[str] = []
    for token in tokens:
        match token.type:
            case "softbreak" | "hardbreak":
                words.append("\n")
            case "image":
                words.append(_inline(token.children or ()))
            case "html_inline":
                words.append("\n" if token.content.lower().startswith("<br") else "")
            case _:
                words.append(token.content)  # links and styles have none of their own
    return "".join(words)


def _joined(lines: Iterator[str], language: str) -> str:
    """A line that ends without a stop gets one, so that the voice pauses there."""
    stop = "。" if language in ("zh", "ja") else "."
    text = ""
    for line in filter(None, (_BOX.sub("", line.strip()) for line in lines)):
        if text:
            text += " " if text[-1] in _STOPS else f"{stop} "
        text += line
    return text


def _weight(sentence: str) -> int:
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in sentence)
    return len(sentence) + (_WIDE_WEIGHT - 1) * wide


def _first_words(text: str) -> list[str]:
    """The beginning of a first sentence that is too long by itself."""
    room = _MOST_CHARS
    for at, char in enumerate(text):
        room -= _weight(char)
        if room < 0:
            return [text[:at].rsplit(" ", 1)[0]]
    return [text] if text else []
