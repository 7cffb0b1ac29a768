"""The commands as Discord's apps offer them: slash commands, and two in the menu of each message."""

import asyncio
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

import discord

from bots.discord_bot.failures import discord_errors
from bots.locales import FALLBACK, Phrases
from core.store import keys
from core.store.redis import Store, translated
from core.turns.commands import COMMANDS
from core.turns.commands.context import ParleyCommand

OF_A_MESSAGE = {command.name.capitalize(): command.name for command in COMMANDS if command.quoting}
"""Entries in the menu of a message, and the commands that they stand for there."""
_SLASH, _MESSAGE, _TEXT = 1, 3, 3  # developers/interactions/application-commands: command types, option type
_WHERE = {"integration_types": [0], "contexts": [0, 1]}  # in servers that added the bot, and in its direct channels
_REGISTER_S = 60.0


class Menu:
    """What one bot's commands are, and a digest of those that Discord holds already."""

    def __init__(self, store: Store, account: str, phrases: Phrases) -> None:
        self._redis = store.redis
        self._key = keys.menu(account)
        self._payload = payload(phrases)

    async def register(self, client: discord.Client) -> None:
        """Replace the bot's commands at Discord when they are others than last time.

        RetryableError or PermanentError when that cannot be done.
        """
        digest = blake2b(repr(self._payload).encode(), digest_size=16).hexdigest().encode()
        with translated():
            held: bytes | None = await self._redis.get(self._key)  # pyright: ignore[reportAssignmentType]
        if held == digest:
            return
        with discord_errors("registering the commands"):
            async with asyncio.timeout(_REGISTER_S):
                await client.http.bulk_upsert_global_commands(client.application_id or 0, self._payload)
        with translated():
            await self._redis.set(self._key, digest)


def payload(phrases: Phrases) -> list[dict[str, Any]]:
    """All commands as the request describes them, in every language of Discord that has words here."""
    return [*(_slash(command, phrases) for command in COMMANDS), *_of_a_message(phrases)]


def _slash(command: ParleyCommand, phrases: Phrases) -> dict[str, Any]:
    described = {
        "description": phrases.command(command.name, FALLBACK),
        "description_localizations": _localised(phrases, lambda tag: phrases.command(command.name, tag)),
    }
    options = [_option(command, phrases)] if command.choices or command.free else []
    # In servers Discord shows it to administrators alone; who an owner is, Parley knows.
    hidden = {"default_member_permissions": "0"} if command.owners else {}
    return {"type": _SLASH, "name": command.name, **described, "options": options, **_WHERE, **hidden}


def _option(command: ParleyCommand, phrases: Phrases) -> dict[str, Any]:
    option: dict[str, Any] = {
        "type": _TEXT,
        "name": "choice",
        "description": phrases.say("command_choice", FALLBACK),
        "description_localizations": _localised(phrases, lambda tag: phrases.say("command_choice", tag)),
    }
    # A list of choices would allow nothing else.
    if command.free:
        return {**option, "autocomplete": bool(command.choices)}
    return {**option, "choices": [{"name": choice, "value": choice} for choice in command.choices]}


def _of_a_message(phrases: Phrases) -> Iterator[dict[str, Any]]:
    for name, command in OF_A_MESSAGE.items():
        names = _localised(phrases, lambda tag, key=f"menu_{command}": phrases.say(key, tag))
        yield {"type": _MESSAGE, "name": name, "name_localizations": names, **_WHERE}


def _localised(phrases: Phrases, words: Callable[[str], str]) -> dict[str, str]:
    tags = {locale.value: phrases.closest(locale.value) for locale in discord.Locale}
    return {locale: words(tag) for locale, tag in tags.items() if tag != FALLBACK}
