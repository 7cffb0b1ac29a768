"""Who may talk to Parley: everybody, those whom the owner listed, or those whom an owner let in by a code.

Asked by reception before anything of an event is stored, and by /pair. The web page and the terminal have a door of
their own: this machine, or WEB_TOKEN.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core import clock
from core.errors import UserError
from core.intake.pairing import CODE_S, Pairing, Stranger
from core.store import keys
from core.telemetry import log
from core.values.channel import ChannelKey, Person
from core.values.events import Message, Move, Reaction

_LOG = log("access")
Rule = Literal["open", "list", "pairing"]
_GUARDED = ("telegram", "discord")
_KNOWN_S = 10.0
"""How long it may take until access that was taken back ends."""
_TOLD_S = keys.DAY_S


@dataclass(frozen=True, slots=True)
class Knock:
    """Who knocked, and what they are to be told."""

    stranger: Stranger
    says: UserError


class Access:
    """The owner's rule; `allowed` and `owners` are people and places as the settings write them.

    `own_page`: the web page asks for no token, so whoever uses it sits at this machine.
    """

    def __init__(
        self, rule: Rule, allowed: Iterable[str], owners: Iterable[str], pairing: Pairing, *, own_page: bool = False
    ) -> None:
        self.rule: Rule = rule
        self._own_page = own_page
        self.pairing = pairing
        self._owners = frozenset(owners)
        self._listed = frozenset(allowed) | self._owners
        self._known: dict[str, float] = {}

    async def admits(self, event: Message | Reaction) -> bool:
        """Whether its sender, or the place where they are, has access; RetryableError when nobody can say."""
        if self.rule == "open" or event.channel.platform not in _GUARDED:
            return True
        names = [_name(event.channel, id) for id in (event.sender.id, *event.places)]
        if self._listed.intersection(names):
            return True
        if self.rule == "list":
            return False
        now = clock.monotonic()
        if any(self._known.get(name, 0.0) > now for name in names):
            return True
        found = await self.pairing.knows(names)
        self._known = {name: ends for name, ends in self._known.items() if ends > now}
        self._known |= dict.fromkeys(found, now + _KNOWN_S)
        return bool(found)

    async def knock(self, message: Message) -> Knock | None:
        """A stranger's answer; None when they, or their group, were told already or too many others wait."""
        who = _name(message.channel, message.places[0] if message.group and message.places else message.sender.id)
        stranger = Stranger(who, message.sender, str(message.channel), message.group)
        told = await self.pairing.knock(stranger, CODE_S if self.rule == "pairing" else _TOLD_S)
        if told is None:
            _LOG.warning("%s is not answered: too many strangers wait", who)
            return None
        kept, new = told
        if kept.told and not message.waits:
            return None
        if new:
            _LOG.info("%s is a stranger", who)
        if self.rule == "list":
            return Knock(kept, UserError("not_listed", who=who))
        return Knock(kept, UserError("group_not_paired" if message.group else "not_paired", code=kept.code))

    async def told(self, knock: Knock) -> None:
        """A stranger has heard the answer."""
        await self.pairing.told(knock.stranger)

    def owns(self, person: Person, channel: ChannelKey) -> bool:
        """Whether a person may let others in: an owner, or whoever sits at this machine's terminal or own page."""
        own = channel.platform == "console" or (channel.platform == "web" and self._own_page)
        return own or _name(channel, person.id) in self._owners

    async def moved(self, event: Move) -> None:
        """A group that was let in keeps its access under its new name."""
        if event.places:
            old, new = (_name(event.channel, id) for id in event.places)
            await self.pairing.rename(old, new)


def _name(channel: ChannelKey, id: str) -> str:
    """A person or a place as the settings write it."""
    return f"{channel.platform}:{id}"
