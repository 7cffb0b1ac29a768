"""Commands about the conversation itself."""

from dataclasses import replace

from core.delivery.parts import notice
from core.errors import UserError
from core.lanes.lanes import LONGEST
from core.turns.commands.context import CommandContext
from core.turns.scene import Outcome
from core.values import dialogue as dialogues
from core.values.channel import Person
from core.values.events import Message, asker_of
from core.values.parts import RemovalPart

_SHOWN_CHARS = 60


async def help(context: CommandContext) -> Outcome:
    """Every command and what it does."""
    words, offered = context.services.words, context.services.commands.offered
    lines = [f"/{command.name} – {words.command(command.name, context.language)}" for command in offered]
    return context.say("welcome", commands="\n".join(lines))


async def new(context: CommandContext) -> Outcome:
    """Begin anew."""
    await context.only_admins()
    return replace(context.say("new_conversation"), dialogue=dialogues.anew(context.dialogue))


async def stop(context: CommandContext) -> Outcome:
    """What waited was taken out when the word came; for a whole group it is done now, by who looks after it."""
    message, lanes = context.message, context.services.lanes
    if not message.group or not context.argument:
        return context.say("stopped_own" if message.group else "stopped")
    await context.only_admins()
    _, *waiting = await lanes.waiting(message.channel, 2 * LONGEST)
    wanted = [entry for entry in waiting if asker_of(entry.value)]
    gone = [entry.value for entry in await lanes.withdraw(message.channel, wanted)]
    sorry = [event for event in gone if isinstance(event, Message) and event.waits]
    said, language = context.services.words.say("stopped", context.language), context.language
    return Outcome(None, (*context.answer(said).parts, *(notice(event, said, language) for event in sorry)))


async def undo(context: CommandContext) -> Outcome:
    """Forget the last turn and take its answer away."""
    if not context.dialogue.turns:
        raise UserError("nothing_to_undo")
    channel, last = context.message.channel, context.dialogue.turns[-1]
    shown = await context.services.lanes.shown(channel, last.id)
    gone = (RemovalPart(last.id, index, channel, ref) for index, ref in enumerate(shown, 1))
    done = context.say("undone", said=_short(last.said))
    return Outcome(dialogues.without_last(context.dialogue), (*done.parts, *gone))


async def retry(context: CommandContext) -> Outcome:
    """Answer the last message once more, or the one whose answer this is about, in the place of its turn."""
    message, scene, replying = context.message, context.scene, context.services.replying
    turns, meant = scene.dialogue.turns, await replying.quoted_turn(message)
    if not turns:
        raise UserError("nothing_to_retry")
    places = [place for place, turn in enumerate(turns) if not meant or meant in (turn.id, *turn.earlier)]
    if not places:
        raise UserError("retry_forgotten")
    turn = turns[place := places[-1]]
    before = replace(scene, dialogue=replace(scene.dialogue, turns=turns[:place]))
    again = Message(
        message.id,
        message.channel,
        Person(turn.person or message.sender.id, turn.speaker, message.sender.language),
        turn.at,
        turn.said,
        ref=turn.ref,
        group=message.group,
        forwarded=turn.forwarded,
    )
    reply = await replying.think(context.engine, before, again, context.showing, resample=True)
    if reply is None:
        return Outcome(None, ())
    anew = replace(reply.turn, earlier=(*turn.earlier, turn.id))
    kept = replace(scene.dialogue, turns=(*turns[:place], anew, *turns[place + 1 :]))
    return replace(replying.replied(before, message, replace(reply, turn=anew)), dialogue=kept)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
