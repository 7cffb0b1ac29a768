"""What a command's handler is given: where the command stands, and the rooms that it may call on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from core.delivery.live import Showing
from core.delivery.parts import text_part
from core.errors import UserError
from core.intake.access import Access
from core.intake.commands import Command, CommandTable, ParsedCommand
from core.lanes.lanes import Lanes
from core.platform import Words
from core.privacy.service import Privacy
from core.store.preferences import PreferenceStore
from core.thinking.engine import Engine
from core.thinking.engines import Engines
from core.turns.replying import Replying
from core.turns.scene import Outcome, Scene
from core.values.channel import ChannelKey, Person
from core.values.dialogue import Dialogue
from core.values.events import Message
from core.values.preferences import Preferences

Administers = Callable[[ChannelKey, Person], Awaitable[bool]]
Handler = Callable[["CommandContext"], Awaitable[Outcome]]
"""Raises UserError where the command cannot be done."""
ParleyCommand = Command[Handler]
Table = CommandTable[Handler]


@dataclass(frozen=True, slots=True)
class Services:
    """The rooms that commands call on; one for all channels."""

    channels: PreferenceStore
    lanes: Lanes
    engines: Engines
    words: Words
    administers: Administers
    access: Access
    privacy: Privacy
    replying: Replying
    commands: Table


@dataclass(frozen=True, slots=True)
class CommandContext:
    """One command where it was given, in the language that it is answered in."""

    given: ParsedCommand[Handler]
    message: Message
    scene: Scene
    engine: Engine
    showing: Showing
    language: str
    services: Services

    @property
    def argument(self) -> str:
        """What followed the command's name, "" for nothing."""
        return self.given.argument

    @property
    def dialogue(self) -> Dialogue:
        """The channel's."""
        return self.scene.dialogue

    @property
    def preferences(self) -> Preferences:
        """The channel's, as they are before the command."""
        return self.scene.preferences

    @property
    def only_reader(self) -> str:
        """Who alone is to see the answer; "" for everybody who is there."""
        return self.message.sender.id if self.given.command.private and self.message.group else ""

    def say(self, key: str, **blanks: object) -> Outcome:
        """One of Parley's own phrases as the answer."""
        return self.answer(self.services.words.say(key, self.language, **blanks))

    def answer(self, text: str) -> Outcome:
        """A text as the answer, which is no turn of the conversation."""
        part = text_part(self.message, text, self.language, private_to=self.only_reader)
        return Outcome(None, (part,))

    async def prefer(self, choose: Callable[[Preferences], Preferences]) -> Preferences:
        """The channel's preferences from now on."""
        return await self.services.channels.change(self.message.channel, choose)

    async def only_admins(self) -> None:
        """UserError for who does not look after the group; alone with Parley everybody does."""
        message = self.message
        if message.group and not await self.services.administers(message.channel, message.sender):
            raise UserError("only_admins")

    def only_owners(self, key: str) -> None:
        """UserError of that key for who does not own this Parley."""
        if not self.services.access.owns(self.message.sender, self.message.channel):
            raise UserError(key)
