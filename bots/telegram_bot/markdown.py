"""A model's Markdown as Telegram shows it: plain text and entities, never a parse mode that a stray star breaks."""

import re
from bisect import bisect_left
from typing import Any

from telegram import MessageEntity
from telegramify_markdown import RenderConfig, convert

_SHOWN = RenderConfig.isolated()
for _level in range(1, 7):
    setattr(_SHOWN.markdown_symbol, f"heading_level_{_level}", "")
_SHOWN.markdown_symbol.unordered_list_item = "•"

_DEFINITION = re.compile(r"^([ \t>*+\-\d.)]*)\[(?=[^\]\n]+\]:)", re.MULTILINE)
_TAG_OR_LINK = re.compile(r"<|(?<=\])\((?!\s*(?:https?://|mailto:))")
"""What CommonMark would take out of the text: tags, and links to where Telegram leads nobody or pings somebody
(tg://user?id=...), with the definitions of links."""
_HIDDEN = str.maketrans("<([", "\ufdd0\ufdd1\ufdd2")  # noncharacters: no text has them
_SHOWN_AGAIN = str.maketrans("\ufdd0\ufdd1\ufdd2", "<([")
_CODE = (MessageEntity.CODE, MessageEntity.PRE)
_JOINER = 0x2060


def formatted(markdown: str) -> tuple[str, tuple[MessageEntity, ...]]:
    """Text and the entities in it; the Markdown itself, without entities, when nothing would be left to see."""
    literal = _DEFINITION.sub("\\1\ufdd2", markdown)
    literal = _TAG_OR_LINK.sub(lambda found: found[0].translate(_HIDDEN), literal)
    text, entities = convert(literal, latex_escape=False, config=_SHOWN)
    if not text.strip():
        return markdown, ()
    marks = tuple(MessageEntity(**_plain(entity.to_dict())) for entity in entities)
    return _as_it_was(text.translate(_SHOWN_AGAIN), marks)


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value.translate(_SHOWN_AGAIN) if isinstance(value, str) else value for name, value in fields.items()}


def _as_it_was(text: str, marks: tuple[MessageEntity, ...]) -> tuple[str, tuple[MessageEntity, ...]]:
    """Code without the word joiners that keep names from pinging: nobody is pinged there, and people copy it."""
    code = text.encode("utf-16-le")
    units = [code[at] + 256 * code[at + 1] for at in range(0, len(code), 2)]
    within = {at for mark in marks if mark.type in _CODE for at in range(mark.offset, mark.offset + mark.length)}
    gone = [at for at in sorted(within) if units[at] == _JOINER and at > 0 and units[at - 1] == ord("@")]
    if not gone:
        return text, marks
    kept = b"".join(code[2 * at : 2 * at + 2] for at in range(len(units)) if at not in set(gone))
    return kept.decode("utf-16-le"), tuple(_moved(mark, gone) for mark in marks)


def _moved(mark: MessageEntity, gone: list[int]) -> MessageEntity:
    start, end = mark.offset, mark.offset + mark.length
    start, end = start - bisect_left(gone, start), end - bisect_left(gone, end)
    return MessageEntity(mark.type, start, end - start, url=mark.url, language=mark.language)
