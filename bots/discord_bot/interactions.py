"""From Discord's interactions to messages: a slash command, an entry in a message's menu, a choice that is typed."""

import asyncio
from dataclasses import replace
from typing import Any, NamedTuple, cast

import discord

from bots.discord_bot.failures import discord_errors
from bots.discord_bot.menu import OF_A_MESSAGE
from bots.discord_bot.private import resolved_message
from bots.discord_bot.receive import files_of, places_of, quote_of
from core.errors import AssistantError
from core.telemetry import log
from core.turns.commands import COMMANDS
from core.values.channel import ChannelKey, Person, Quote
from core.values.events import Message

_LOG = log("discord")
_DEFER_S = 3.0  # developers/interactions/receiving-and-responding: later, the token is void
_MOST_CHOICES = 25


class Handle(NamedTuple):
    """How an interaction is answered: its token, good for 15 minutes, and whether only its sender sees the answer.

    Whoever has the token may answer, so it lies in the lane alone, as the `ref` of the message.
    """

    token: str
    ephemeral: bool

    @property
    def ref(self) -> str:
        """The handle in one word that no message id can be."""
        return f"{'aside' if self.ephemeral else 'aloud'}:{self.token}"

    @classmethod
    def of(cls, ref: str) -> "Handle | None":
        """The inverse; None for the id of a message."""
        kind, _, token = ref.partition(":")
        return cls(token, kind == "aside") if token else None


def to_command(called: discord.Interaction, me: int) -> Message | None:
    """The message that a command is; None for other interactions and for a channel that nobody can name."""
    if called.type is not discord.InteractionType.application_command or called.channel_id is None:
        return None
    name, argument, quote = _asked(called, me)
    command, group = COMMANDS.get(name), called.guild_id is not None
    return Message(
        id=str(called.id),
        channel=ChannelKey("discord", str(called.channel_id)),
        sender=Person(str(called.user.id), called.user.display_name, called.locale.value),
        sent_at=called.created_at.timestamp(),
        text=f"/{name} {argument}".rstrip(),
        ref=Handle(called.token, group and command is not None and command.private).ref,
        group=group,
        quote=quote,
        waits=True,
        places=places_of(called.guild_id, called.channel) if group else (),
    )


def _asked(called: discord.Interaction, me: int) -> tuple[str, str, Quote | None]:
    """The command's name, what follows it, and the message in whose menu it was chosen."""
    data = cast(dict[str, Any], called.data)
    if data["type"] == discord.AppCommandType.message.value:
        target = resolved_message(called, data["target_id"])
        return OF_A_MESSAGE.get(data["name"], ""), "", _quote(target, me)
    options = data.get("options") or [{"value": ""}]
    return data["name"], str(options[0]["value"]), None


def _quote(told: discord.Message, me: int) -> Quote:
    """With addresses for handles: without the message content intent a message that is read anew shows no files."""
    quote = quote_of(told, me)
    media = tuple(replace(one, handle=file.url) for one, file in zip(quote.media, files_of(told), strict=True))
    return replace(quote, media=media)


async def defer(called: discord.Interaction, *, ephemeral: bool) -> None:
    """Show that the answer is being made; best effort, for an answer finds its way without it."""
    try:
        with discord_errors("deferring a command"):
            async with asyncio.timeout(_DEFER_S):
                await called.response.defer(ephemeral=ephemeral)
    except AssistantError as error:
        _LOG.info("%s", error)


async def suggest(called: discord.Interaction) -> None:
    """Offer the choices that begin like what is typed; best effort."""
    data = cast(dict[str, Any], called.data)
    typed, command = str(data["options"][0]["value"]).lower(), COMMANDS.get(data["name"])
    found = [choice for choice in command.choices if choice.lower().startswith(typed)] if command else []
    choices = [discord.app_commands.Choice(name=choice, value=choice) for choice in found[:_MOST_CHOICES]]
    try:
        with discord_errors("offering choices"):
            async with asyncio.timeout(_DEFER_S):
                await called.response.autocomplete(choices)
    except AssistantError as error:
        _LOG.info("%s", error)
