"""What a command is, and how a message is read as one. All of them stand in `core.turns.commands`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.errors import UserError
from core.text import cleaning
from core.values.events import Event, Message

Handler = TypeVar("Handler")


@dataclass(frozen=True, slots=True)
class Command(Generic[Handler]):
    """All that is known of one command; the locale files describe it under its name."""

    name: str
    handler: Handler
    """Does what it asks for."""
    choices: tuple[str, ...] = ()
    """What its one argument is one of; it may be left out."""
    free: bool = False
    """Its argument may be any text; `choices` are then suggestions."""
    private: bool = False
    """Its answer is for the one who asked alone, where the platform can do that."""
    owners: bool = False
    """For owners, and offered to nobody."""
    generates: bool = False
    """It asks the model, and takes from the quota of tokens."""
    quoting: bool = False
    """It is about the message that it answers to: in the menu of each message, and hears a voice note there."""
    own_data: bool = False
    """About what is kept of the asker, so that no quota and no lost access keeps anybody from it."""
    stops: bool = False
    """Ends what is being made and takes out what waits."""
    first: tuple[str, ...] = ()
    """With one of these arguments it is served before all that waits in its lane."""


@dataclass(frozen=True, slots=True)
class ParsedCommand(Generic[Handler]):
    """A command that somebody gave, and what followed its name."""

    command: Command[Handler]
    argument: str


class CommandTable(Generic[Handler]):
    """Every command once. `aliases` are further names for some."""

    def __init__(self, commands: Sequence[Command[Handler]], aliases: dict[str, str]) -> None:
        self._by_name = {command.name: command for command in commands}
        self._aliases = aliases

    def __iter__(self) -> Iterator[Command[Handler]]:
        return iter(self._by_name.values())

    @property
    def offered(self) -> tuple[Command[Handler], ...]:
        """Those that menus and /help show to everybody."""
        return tuple(command for command in self if not command.owners)

    def get(self, name: str) -> Command[Handler] | None:
        """The command of a name, None when there is none."""
        return self._by_name.get(self._aliases.get(name, name))

    def find(self, event: Event) -> ParsedCommand[Handler] | None:
        """The command that a message gives, whatever follows it; None for what is only passed on, and for all else."""
        found = cleaning.command(event.text) if isinstance(event, Message) and event.forwarded is None else None
        command = self.get(found[0]) if found else None
        if found is None or command is None:
            return None
        name, argument = found
        return ParsedCommand(command, "" if name in self._aliases else argument)

    def parse(self, message: Message) -> ParsedCommand[Handler] | None:
        """As `find`; UserError for a command that is unknown, and for an argument that is none of the choices."""
        found = self.find(message)
        if found is None:
            if is_command(message):
                raise UserError("unknown_command")
            return None
        command, argument = found.command, found.argument
        if argument and command.choices and not command.free and argument not in command.choices:
            raise UserError("unknown_choice", command=f"/{command.name}", choices=", ".join(command.choices))
        return found

    def goes_first(self, event: Event) -> bool:
        """Whether an event is served before all that waits in its lane: a wish to be forgotten, or to stop a group."""
        found = self.find(event)
        if found is None or found.argument not in found.command.first:
            return False
        return not found.command.stops or (isinstance(event, Message) and event.group)

    def stops_all(self, event: Event) -> bool:
        """Whether somebody in a group wants nobody's message answered; elsewhere /stop does that."""
        found = self.find(event)
        return found is not None and found.command.stops and self.goes_first(event)


def is_command(message: Message) -> bool:
    """Whether a message gives a command, known or not."""
    return message.forwarded is None and cleaning.command(message.text) is not None
