"""What people see of an answer, read from the journals of both platforms, to be compared with what the model wrote."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from tests.platforms.discord_payloads import Json
from tests.platforms.telegram_payloads import Sent

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^`\n]*$")
_MARKUP = re.compile(r"[\s*_`#|•~>\u2060-]")
_RULE = re.compile(r"^[|: -]*-[|: -]*$")
_LIVE_NAME = re.compile(r"(?<!\w)@(?=\w)")


def units(text: str) -> int:
    """Length in UTF-16 code units, of which Telegram takes 4096; for Discord's 2000 they are the stricter measure."""
    return len(text.encode("utf-16-le")) // 2


def characters(texts: Iterable[str]) -> str:
    """All that is no white space and no sign of Markdown; of code its lines, of tables their cells."""
    lines = (line for line in _lines(texts) if not _RULE.match(line))
    return _MARKUP.sub("", "".join(lines))


def words(texts: Iterable[str]) -> str:
    """All letters and digits, without the languages beside opening fences."""
    return "".join(char for line in _lines(texts) for char in line if unicodedata.category(char)[0] in "LN")


def _lines(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in text.split("\n") if not FENCE.match(line)]


def code_lines(text: str) -> list[str]:
    """The lines within the code blocks of a Markdown text, each of which must be closed."""
    found: list[str] = []
    fence = ""
    for line in text.split("\n"):
        marker = FENCE.match(line)
        if not fence and marker:
            fence = marker[1]
        elif fence and line.strip() == fence:
            fence = ""
        elif fence:
            found.append(line)
    assert not fence, f"code left open: {text[-80:]!r}"
    return found


def marked(text: str, marks: Sequence[Json], *kinds: str) -> list[str]:
    """The stretches of a Telegram text under marks of these kinds."""
    raw = text.encode("utf-16-le")
    return [
        raw[2 * mark["offset"] : 2 * (mark["offset"] + mark["length"])].decode("utf-16-le")
        for mark in marks
        if mark["type"] in kinds
    ]


def pinging(sent: Sent) -> list[str]:
    """What in a Telegram message calls somebody: a name outside of code, or a mark that mentions a person."""
    plain = sent.text
    for code in marked(sent.text, sent.marks, "code", "pre"):
        plain = plain.replace(code, " ", 1)
    links = [mark["url"] for mark in sent.marks if not mark.get("url", "http").startswith(("http", "mailto"))]
    people = [mark["type"] for mark in sent.marks if mark["type"] in ("mention", "text_mention")]
    return [*_LIVE_NAME.findall(plain), *links, *people]
