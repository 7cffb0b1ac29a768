"""Commands that choose how Parley is in a channel, and the one that shows it."""

import asyncio
from dataclasses import replace
from typing import cast

from core.errors import AssistantError, UserError
from core.telemetry import log
from core.text import cleaning
from core.text.language import language_tag
from core.turns.commands.context import CommandContext
from core.turns.scene import Outcome
from core.values.preferences import Preferences, VoiceMode

_LOG = log("commands")
AUTO = "auto"
OFF = "off"
_PERSONA_CHARS = 600
"""So that it leaves small models room for the conversation."""


async def voice(context: CommandContext) -> Outcome:
    """When answers are spoken."""
    chosen = context.preferences.voice
    if context.argument:
        chosen = cast(VoiceMode, context.argument)
        await context.prefer(lambda kept: replace(kept, voice=chosen))
    return context.say(f"voice_{chosen}")


async def language(context: CommandContext) -> Outcome:
    """Which language answers are in."""
    chosen, argument = context.preferences.language, context.argument
    if argument:
        chosen = "" if argument == AUTO else language_tag(argument)
        await context.prefer(lambda kept: replace(kept, language=chosen))
    answered = replace(context, language=chosen or context.message.sender.language or context.language)
    return answered.say("language_fixed" if chosen else "language_auto", language=chosen)


async def status(context: CommandContext) -> Outcome:
    """Which model answers here, and how much of its window the conversation takes."""
    preferences, engines = context.preferences, context.services.engines
    share = await asyncio.to_thread(engines.used_share, context.dialogue, preferences)
    return context.say(
        "status",
        model=engines.model_name(preferences),
        language=preferences.language or AUTO,
        voice=preferences.voice,
        used=round(100 * share),
        summary=context.dialogue.summary or "–",
        persona=preferences.persona or "–",
        coming=_coming(context),
    )


def _coming(context: CommandContext) -> str:
    """A line for each model that is on its way, before it a line break."""
    words = context.services.words
    return "".join(
        "\n" + words.say(f"model_{each.state}", context.language, name=each.name, percent=each.percent)
        for each in context.services.engines.arrivals.all
        if each.state != "here"
    )


async def settings(context: CommandContext) -> Outcome:
    """Whom Parley answers in a group, and whether it offers thumbs."""
    chosen, choice = context.preferences, context.argument
    if choice:
        await context.only_admins()

        def choose(kept: Preferences) -> Preferences:
            match choice:
                case "answer-everything":
                    return replace(kept, answers="everything")
                case "answer-mentions":
                    return replace(kept, answers="mentions")
                case _:
                    return replace(kept, thumbs=choice == "thumbs-on")

        chosen = await context.prefer(choose)
    words = context.services.words
    answers = words.say(f"answers_{chosen.answers}", context.language)
    thumbs = words.say("on" if chosen.thumbs else "off", context.language)
    tag = chosen.language or AUTO
    return context.say("settings", answers=answers, thumbs=thumbs, language=tag, voice=chosen.voice)


async def persona(context: CommandContext) -> Outcome:
    """How Parley is to be in this channel, in its owner's own words, which stand in one line of the prompt."""
    chosen = context.preferences.persona
    if context.argument:
        await context.only_admins()
        wanted = " ".join(cleaning.clean(context.argument).split())
        if len(wanted) > _PERSONA_CHARS:
            raise UserError("persona_too_long", limit_chars=_PERSONA_CHARS, chars=len(wanted))
        chosen = "" if wanted.lower() == OFF else wanted
        await context.prefer(lambda kept: replace(kept, persona=chosen))
    return context.say("persona_set" if chosen else "persona_none", persona=chosen)


async def model(context: CommandContext) -> Outcome:
    """Which language model answers in this channel: an owner's choice among those that are here."""
    context.only_owners("only_owners_choose")
    engines, preferences = context.services.engines, context.preferences
    names = engines.choices()
    if context.argument:
        chosen = "" if context.argument == AUTO else context.argument
        if chosen and chosen not in names:
            raise UserError("model_unknown", choices=", ".join(names))
        try:
            await engines.ready(chosen)
        except AssistantError as error:
            _LOG.warning("%s cannot answer in %s: %s", chosen, context.message.channel, error)
            raise UserError("model_not_ready", name=chosen) from error
        preferences = await context.prefer(lambda kept: replace(kept, model=chosen))
    return context.say("model_here", name=engines.model_name(preferences), choices=", ".join((AUTO, *names)))
