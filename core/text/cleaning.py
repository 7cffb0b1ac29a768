"""Text as people type it, made clean: Unicode, invisible characters, mentions, white space; and what it means."""

import re
import unicodedata
from collections.abc import Iterable

_COMMAND = re.compile(r"/([a-z_]+)(?:@\w+)?(?:\s+(.*))?", re.DOTALL | re.IGNORECASE)
_JOINERS = "\u200c\u200d"
"""Persian and emoji sequences need them; anywhere else they are invisible noise."""
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_FLAG_OR_TAGS = re.compile("(\U0001f3f4[\U000e0030-\U000e007a]{1,6}\U000e007f)|[\U000e0000-\U000e007f]+")
"""Tag characters, which spell unseen text; the flags of England and others are the one use that is seen."""
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}")
"""One variation selector forms the character before it, a row of them spells unseen bytes."""
_LOOSE_JOINER = re.compile(f"(?<![^\x00-\x7f{_JOINERS}])[{_JOINERS}]+|[{_JOINERS}]+(?![^\x00-\x7f])")
_INVISIBLE_RUN = re.compile(f"(?:{_INVISIBLE.pattern}|[{_JOINERS}]){{3,}}")
_SPACES = re.compile("[^\\S\n]")
_LETTER = "[^\\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
"""Of scripts that part words by spaces: "嘿Parley你好" names Parley."""
_QUOTES = "\"'“”‘’«»「」 "
_AROUND = _QUOTES + ".,!?;:…。，！？；：、"
_YES = frozenset(
    "yes|yeah|yep|yup|yes please|yes i did|that's right|that is right|right|correct|exactly|sure|ok|okay|是|"
    "是的|对|对的|没错|嗯|嗯嗯|好|好的|ja|genau|richtig|oui|c'est ça|sí|si|correcto|sì|esatto|sim|да|はい".split("|")
)
_SAID_AGAIN = re.compile(
    r"(?:no+|nope|nein|non|不|不是|不对|没有)?[,.，。!！\s]*(?:i said|i meant|i was saying|ich sagte|j'ai dit|dije|"
    r"我说的是|我是说|我刚才说的是|我说)[:：,，\s]*(.+)",
    re.IGNORECASE | re.DOTALL,
)
_UNPRINTABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but tabs and line breaks, and halves of surrogate pairs."""


def clean(text: str, mentions: Iterable[tuple[str, str]] = ()) -> str:
    """The text in NFC, mention markup replaced by names, without control, zero-width and direction characters.

    Line breaks and indentation stay, because people paste code; trailing blanks and runs of empty lines go.
    """
    for markup, name in mentions:
        text = text.replace(markup, name)
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    "))
    text = _SELECTORS.sub("", _FLAG_OR_TAGS.sub(r"\1", text))
    text = _LOOSE_JOINER.sub("", _INVISIBLE.sub("", text))
    text = _SPACES.sub(" ", text)
    text = "".join(char for char in text if char == "\n" or unicodedata.category(char) not in ("Cc", "Cs", "Co", "Cn"))
    text = re.sub(r" +$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def presentable(text: str) -> str:
    """A model's text as it may be shown: no control characters, no lone surrogates, no runs of invisible characters.

    Everything that can be seen stays as it is, tabs and line breaks too; "" when nothing can be seen.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _INVISIBLE_RUN.sub("", _UNPRINTABLE.sub("", text)).strip()
    return text if any(unicodedata.category(char)[0] not in "ZC" for char in text) else ""


def command(text: str) -> tuple[str, str] | None:
    """`/name@bot rest` -> (name, rest); None for what is no command."""
    match = _COMMAND.fullmatch(text.strip())
    return (match[1].lower(), (match[2] or "").strip()) if match else None


def meant(text: str, heard: str) -> str:
    """What was said, by the answer to "Did you say …?": `heard` after a yes, the words after "no, I said", else ""."""
    plain = re.sub(r"[,，\s]+", " ", text).strip(_AROUND).casefold()
    if plain in _YES:
        return heard
    again = _SAID_AGAIN.fullmatch(text.strip())
    return again[1].strip(_QUOTES) if again else ""


def names_one_of(text: str, names: Iterable[str]) -> bool:
    """Whether a text says one of these names as a word of its own, in whatever case."""
    return any(
        re.search(f"(?<!{_LETTER}){re.escape(name)}(?!{_LETTER})", text, re.IGNORECASE) for name in names if name
    )
