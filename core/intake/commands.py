"""Every command once: its name and what may follow it. Platforms only register the names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from core.errors import UserError
from core.text import cleaning
from core.values.events import Event, Message
from core.values.preferences import VoiceMode

AUTO = "auto"
OFF = "off"
LANGUAGES = ("en", "zh-Hans")
"""Offered by name; any other BCP 47 tag can be typed."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command. Its one argument is one of `choices`, or free text where `free` says so; both may be left out.

    `private`: the answer is for the one who asked alone, where the platform can do that. `owners`: it is for owners,
    and offered to nobody. The locale files describe it under its name.
    """

    name: str
    choices: tuple[str, ...] = ()
    free: bool = False
    private: bool = False
    owners: bool = False


_TABLE = (
    Command("help"),
    Command("new"),
    Command("stop", ("all",)),
    Command("retry"),
    Command("undo"),
    Command("voice", get_args(VoiceMode)),
    Command("language", (AUTO, *LANGUAGES), free=True),
    Command("translate", LANGUAGES, free=True),
    Command("transcribe", private=True),
    Command("status", private=True),
    Command("privacy", ("allow", "refuse"), private=True),
    Command("forget", ("me", "channel")),
    Command("export", private=True),
    Command("settings", ("answer-everything", "answer-mentions", "thumbs-on", "thumbs-off")),
    Command("persona", (OFF,), free=True),
    Command("pair", free=True, private=True, owners=True),
    Command("model", free=True, private=True, owners=True),
)
COMMANDS: Mapping[str, Command] = {command.name: command for command in _TABLE}
OFFERED: Mapping[str, Command] = {command.name: command for command in _TABLE if not command.owners}
"""Those that menus and /help show to everybody."""
_OTHER_NAMES = {"start": "help"}
"""Telegram sends /start when a chat is opened."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that somebody gave, and what followed its name."""

    command: Command
    argument: str


def asked(text: str) -> Asked | None:
    """The command that a text is, None when it is none; UserError for an unknown one or an unknown choice."""
    found = cleaning.command(text)
    if found is None:
        return None
    name, argument = found
    command = COMMANDS.get(_OTHER_NAMES.get(name, name))
    if command is None:
        raise UserError("unknown_command")
    if name in _OTHER_NAMES:
        argument = ""
    if argument and command.choices and not command.free and argument not in command.choices:
        raise UserError("unknown_choice", command=f"/{command.name}", choices=", ".join(command.choices))
    return Asked(command, argument)


def asked_in(message: Message) -> Asked | None:
    """The command that somebody gave in a message: what they only pass on commands nothing."""
    return asked(message.text) if message.forwarded is None else None


def goes_first(event: Event) -> bool:
    """Whether an event is served before all that waits in its lane: a wish to be forgotten, or to stop a group."""
    given = cleaning.command(event.text) if isinstance(event, Message) and event.forwarded is None else None
    name, argument = given or ("", "")
    return (name == "forget" and argument in COMMANDS[name].choices) or stops_all(event)


def stops_all(event: Event) -> bool:
    """Whether somebody in a group wants nobody's message answered; elsewhere /stop does that."""
    if not isinstance(event, Message) or not event.group or event.forwarded is not None:
        return False
    return cleaning.command(event.text) == ("stop", "all")
