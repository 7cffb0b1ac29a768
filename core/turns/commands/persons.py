"""Commands about persons: what is kept of them, and who may talk to Parley."""

from core.delivery.parts import file_part
from core.errors import UserError
from core.intake.pairing import TooManyTries
from core.thinking import prompt
from core.turns.commands.context import CommandContext
from core.turns.scene import Outcome


async def privacy(context: CommandContext) -> Outcome:
    """What is kept, and whether what one says may be learned from."""
    service, message = context.services.privacy, context.message
    whose = message.channel.platform, message.sender.id
    if not context.argument:
        return context.answer(await service.explain(*whose, context.language))
    return context.answer(await service.decide(*whose, context.language, allow=context.argument == "allow"))


async def forget(context: CommandContext) -> Outcome:
    """Erase what is kept of the asker, or all of a channel."""
    service, message, language = context.services.privacy, context.message, context.language
    if not context.argument:
        return context.say("forget_what")
    if context.argument == "me":
        text, parts = await service.forget_me(message, language)
    else:
        await context.only_admins()
        text, parts = await service.forget_channel(message, language)
    return Outcome(None, (*context.answer(text).parts, *parts))


async def export(context: CommandContext) -> Outcome:
    """All that is kept of the asker, as a file."""
    document, message = await context.services.privacy.export(context.message), context.message
    text, language = context.services.words.say("exported", context.language), context.language
    return Outcome(None, (file_part(message, text, language, document, private_to=context.only_reader),))


async def pair(context: CommandContext) -> Outcome:
    """Let in who has a code, or tell who waits with one."""
    context.only_owners("only_owners")
    pairing = context.services.access.pairing
    if not context.argument:
        waiting = [f"{one.code}  {prompt.label(one.sender.name)}  {one.who}" for one in await pairing.waiting()]
        return context.say("pair_waiting", waiting="\n".join(waiting) or "–")
    try:
        found = await pairing.confirm(context.argument)
    except TooManyTries:
        raise UserError("pair_too_often") from None
    if found is None:
        raise UserError("pair_unknown")
    return context.say("paired", name=prompt.label(found.sender.name), who=found.who)
