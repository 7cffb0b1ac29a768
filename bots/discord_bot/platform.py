"""Discord: listens at the gateway, answers by requests."""

import asyncio

from bots.discord_bot.account import account_of
from bots.discord_bot.files import fetch_file
from bots.discord_bot.last_seen import LastSeen
from bots.discord_bot.listen import Pulse, listen
from bots.discord_bot.menu import Menu
from bots.discord_bot.private import Pace, point_at
from bots.discord_bot.send import Requests, budgets, log_in, manages, request_client, send_part, show_typing
from bots.locales import Phrases
from core.errors import AssistantError
from core.platform import Accept, Limits
from core.telemetry import log
from core.values.channel import ChannelKey, MediaRef, Person, PlatformName
from core.values.events import Message, PlatformEvent
from core.values.parts import Sendable
from core.values.turn import Activity

_LOG = log("discord")
_IDENTIFY_GAP_S = 31.0  # developers/events/gateway: 1,000 IDENTIFYs a day, then the token is reset; timers may be early


class DiscordPlatform:
    """One bot at Discord.

    `api_base` and `gateway` name another Discord, such as a proxy, for the whole process.
    """

    name: PlatformName = "discord"
    limits = Limits(
        text_units=2000,
        media_bytes=25 * 2**20,
        draft_gap_s=1.2,
        typing_every_s=8,
        idempotent=True,
        budgets=budgets,
    )

    def __init__(
        self,
        token: str,
        *,
        api_base: str | None = None,
        gateway: str | None = None,
        phrases: Phrases,
        last_seen: LastSeen | None = None,
        menu: Menu | None = None,
        identify_gap_s: float = _IDENTIFY_GAP_S,
    ) -> None:
        point_at(api_base, gateway)
        self._token, self._gateway = token, gateway
        self._pace = Pace(identify_gap_s)
        self._requests = Requests(token)
        self._phrases, self._last_seen, self._menu = phrases, last_seen, menu
        self._pulse = Pulse()
        self._direct: set[str] = set()  # direct channels heard from: an answer needs no pointer there

    async def check(self) -> str:
        """The bot's name and what invites it; SettingError when Discord refuses the token, RetryableError when nobody
        answers.
        """
        async with request_client() as client:
            await log_in(client, self._token)
            found = account_of(client)
            return f"{found.name}, invited by {found.invitation}"

    async def listen(self, accept: Accept) -> None:
        """Hand every event to `accept` until cancelled; after a pause, first the messages that came meanwhile."""

        async def note(event: PlatformEvent) -> bool:
            if isinstance(event, Message) and not event.group:
                self._direct.add(event.channel.space)
            new = await accept(event)
            if isinstance(event, Message) and self._last_seen is not None and (new or event.addressed):
                await self._last_seen.mark(event)
            return new

        async with self._requests.held():
            registering = asyncio.create_task(self._register())
            try:
                await listen(self._token, note, self._pace, self._gateway, self._last_seen, self._pulse)
            finally:
                registering.cancel()
                await asyncio.gather(registering, return_exceptions=True)

    async def _register(self) -> None:
        """Beside listening, which does not wait for it: commands that are typed work without."""
        if self._menu is None:
            return
        try:
            async with self._requests.client() as client:
                await self._menu.register(client)
        except AssistantError as error:
            _LOG.warning("the commands are as they were: %s", error)

    def trouble(self) -> str:
        """Why nothing is heard from Discord, "" when all is well or it is not this process that listens."""
        return self._pulse.trouble()

    async def fetch(self, media: MediaRef, cap_bytes: int) -> bytes:
        """The file's bytes; UserError when it is larger than the cap, PermanentError when it is gone for good."""
        async with self._requests.client() as client:
            return await fetch_file(client, media, cap_bytes)

    async def send(self, part: Sendable) -> str:
        """Send one part and return its message id; the same part sent again within minutes is not doubled."""
        async with self._requests.client() as client:
            return await send_part(client, part, self._phrases, as_reply=part.channel.space not in self._direct)

    async def administers(self, channel: ChannelKey, person: Person) -> bool:
        """Whether a person may manage the channel's server; everybody may in a direct channel."""
        async with self._requests.client() as client:
            return await manages(client, channel, person)

    async def typing(self, channel: ChannelKey, activity: Activity = "typing") -> None:
        """Show the typing sign for 10 s; Discord has no other."""
        async with self._requests.client() as client:
            await show_typing(client, channel)
