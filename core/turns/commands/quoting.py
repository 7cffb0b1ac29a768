"""Commands about the message that they answer to; the conversation goes on without them."""

import contextlib

from core.delivery.parts import text_parts
from core.errors import UserError
from core.lm.base import Text, Usage
from core.text import cleaning
from core.text.language import language_tag
from core.turns.commands.context import CommandContext
from core.turns.scene import Outcome
from core.values.turn import Draft


async def translate(context: CommandContext) -> Outcome:
    """That message in another language."""
    message, engine, scene = context.message, context.engine, context.scene
    replying = context.services.replying
    language, quote = language_tag(context.argument or context.language), message.quote
    if quote is None or not (quote.text or quote.media):
        raise UserError("translate_what")
    if not quote.text and language.split("-")[0] == "en" and engine.hearing.translates:
        translated = await replying.hear(engine, message, quote.media, scene, in_english=True)
    else:
        text = quote.text or await replying.hear(engine, message, quote.media, scene)
        translated = await _translated(context, text, language)
    if not translated:
        raise UserError("no_answer")
    return Outcome(None, text_parts(message, translated, language, replying.limits(message)))


async def _translated(context: CommandContext, text: str, language: str) -> str:
    grown = ""
    async with contextlib.aclosing(context.engine.translate(text, language)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Text):
                grown += piece.text
                context.showing.draft(Draft(grown))
            elif isinstance(piece, Usage):
                await context.services.replying.charge_tokens(piece, context.message)
    return cleaning.presentable(grown)


async def transcribe(context: CommandContext) -> Outcome:
    """The words of a voice note, that message's or one that comes along."""
    message, replying = context.message, context.services.replying
    media = message.media or (message.quote.media if message.quote else ())
    text = await replying.hear(context.engine, message, media, context.scene)
    if not text:
        raise UserError("transcribe_what")
    asker = message.sender.id if message.group else ""
    limits = replying.limits(message)
    return Outcome(None, text_parts(message, f"🎧 “{text}”", context.language, limits, private_to=asker))
