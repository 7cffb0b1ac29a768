"""A model's Markdown as Telegram shows it: plain text and entities, never a parse mode that a stray star breaks."""

from telegram import MessageEntity
from telegramify_markdown import RenderConfig, convert

_SHOWN = RenderConfig.isolated()
for _level in range(1, 7):
    setattr(_SHOWN.markdown_symbol, f"heading_level_{_level}", "")
_SHOWN.markdown_symbol.unordered_list_item = "•"


def formatted(markdown: str) -> tuple[str, tuple[MessageEntity, ...]]:
    """Text and the entities in it; the Markdown itself, without entities, when nothing would be left to see."""
    text, entities = convert(markdown, latex_escape=False, config=_SHOWN)
    if not text.strip():
        return markdown, ()
    return text, tuple(MessageEntity(**entity.to_dict()) for entity in entities)
