"""The gateway: one connection that is kept up, and every event handed on in the order it came."""

import asyncio
import math

import discord

from bots.discord_bot.catch_up import Session, catch_up
from bots.discord_bot.failures import discord_errors
from bots.discord_bot.interactions import Handle, defer, suggest, to_command
from bots.discord_bot.last_seen import LastSeen
from bots.discord_bot.private import GatewayClient, Pace
from bots.discord_bot.receive import to_deletion, to_edit, to_message, to_reaction
from bots.discord_bot.send import log_in
from core.errors import RetryableError
from core.platform import Accept
from core.telemetry import log
from core.values.events import Message, PlatformEvent, Reaction

_LOG = log("discord")
_GUILD_READY_S = 0.1  # discord.py waits so long for another server before it calls itself ready; nothing here waits
_LONGEST_PAUSE_S = 30.0
_CANCEL_AGAIN_S = 0.5
_DRAIN_S = 2.0  # what has arrived is stored before the end: Discord will not send it again

_NO_CONTENT = (
    "the message content intent is off (discord.com/developers > Bot > Privileged Gateway Intents): in servers Parley "
    "hears nothing but mentions and commands"
)


class Called:
    """A command; `deferred` is set when Discord shows that it is being answered, or will not."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.deferred = asyncio.Event()


Happening = (
    discord.Message
    | Reaction
    | discord.RawMessageUpdateEvent
    | discord.RawMessageDeleteEvent
    | discord.RawBulkMessageDeleteEvent
    | Called
    | Session
)
Queue = asyncio.Queue[tuple[Happening, int] | None]


class Pulse:
    """How the connection to the gateway is."""

    def __init__(self) -> None:
        self.listening = False
        self.client: GatewayClient | None = None

    def trouble(self) -> str:
        """Why nothing is heard, "" when all is well or nobody listens."""
        if not self.listening:
            return ""
        shards = self.client.shards.values() if self.client is not None else ()
        if self.client is None or not shards or any(shard.is_closed() for shard in shards):
            return "not connected"
        return "" if math.isfinite(self.client.latency) else "the heartbeat is not answered"


class _Ears(GatewayClient):
    """Puts what happens into a queue: discord.py runs each event in a task of its own, so order is kept only by
    doing that first and at once.
    """

    def __init__(self, happened: Queue, pace: Pace, gateway: str | None, intents: discord.Intents) -> None:
        super().__init__(
            pace,
            gateway,
            intents=intents,
            max_messages=None,
            guild_ready_timeout=_GUILD_READY_S,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self._happened = happened
        self._complete: dict[int, asyncio.Event] = {}

    async def on_message(self, message: discord.Message) -> None:
        self._happened.put_nowait((message, self._me))

    async def on_raw_reaction_add(self, change: discord.RawReactionActionEvent) -> None:
        self._react(change)

    async def on_raw_reaction_remove(self, change: discord.RawReactionActionEvent) -> None:
        self._react(change)

    async def on_raw_message_edit(self, change: discord.RawMessageUpdateEvent) -> None:
        self._happened.put_nowait((change, self._me))

    async def on_raw_message_delete(self, gone: discord.RawMessageDeleteEvent) -> None:
        self._happened.put_nowait((gone, self._me))

    async def on_raw_bulk_message_delete(self, gone: discord.RawBulkMessageDeleteEvent) -> None:
        self._happened.put_nowait((gone, self._me))

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        if interaction.type is discord.InteractionType.autocomplete:
            await suggest(interaction)
        elif (message := to_command(interaction, self._me)) is not None:
            called, handle = Called(message), Handle.of(message.ref)
            self._happened.put_nowait((called, self._me))
            await defer(interaction, ephemeral=handle is not None and handle.ephemeral)
            called.deferred.set()

    async def on_shard_connect(self, shard: int) -> None:
        self._complete.setdefault(shard, asyncio.Event()).clear()
        self._happened.put_nowait((Session(self, self._complete[shard]), self._me))

    async def on_shard_ready(self, shard: int) -> None:
        self._complete[shard].set()

    def _react(self, change: discord.RawReactionActionEvent) -> None:
        # Of a thread only the client knows the channel that it is in.
        if (reaction := to_reaction(change, self._me, self.get_channel(change.channel_id))) is not None:
            self._happened.put_nowait((reaction, self._me))

    @property
    def _me(self) -> int:
        return self.user.id if self.user else 0


async def listen(
    token: str, accept: Accept, pace: Pace, gateway: str | None, last_seen: LastSeen | None, pulse: Pulse
) -> None:
    """Hand every event to `accept` until cancelled; SettingError when the token or its intents are refused."""
    happened: Queue = asyncio.Queue()
    storing = asyncio.create_task(_store(happened, accept, last_seen))
    connecting = asyncio.create_task(_stay_connected(token, happened, pace, gateway, pulse))
    pulse.listening = True
    try:
        done, _ = await asyncio.wait((storing, connecting), return_when=asyncio.FIRST_COMPLETED)
        await done.pop()
    finally:
        pulse.listening = False
        while not connecting.done():  # discord/shard.py: reidentify swallows a cancel
            connecting.cancel()
            await asyncio.wait((connecting,), timeout=_CANCEL_AGAIN_S)
        happened.put_nowait(None)
        await asyncio.wait((storing,), timeout=_DRAIN_S)
        storing.cancel()
        await asyncio.gather(storing, connecting, return_exceptions=True)


async def _stay_connected(token: str, happened: Queue, pace: Pace, gateway: str | None, pulse: Pulse) -> None:
    """discord.py resumes a lost connection by itself; what it gives up on starts anew after a pause."""
    intents = _intents()
    while True:
        try:
            async with _Ears(happened, pace, gateway, intents) as client:
                pulse.client = client
                await log_in(client, token)
                with discord_errors("listening"):
                    await client.connect()
            reason = "the connection was closed"
        except discord.PrivilegedIntentsRequired:
            intents.message_content = False
            _LOG.error("%s", _NO_CONTENT)
            continue
        except RetryableError as error:
            reason = str(error)
        _LOG.warning("Discord is away, next try in %g s: %s", pace.gap_s, reason)
        await asyncio.sleep(pace.gap_s)


async def _store(happened: Queue, accept: Accept, last_seen: LastSeen | None) -> None:
    while entry := await happened.get():
        happening, me = entry
        if isinstance(happening, Called):
            await happening.deferred.wait()
        if isinstance(happening, Session):
            await catch_up(happening, me, last_seen, lambda message: _store_one(message, accept))
        elif (event := _event(happening, me)) is not None:
            await _store_one(event, accept)


def _event(happening: Happening, me: int) -> PlatformEvent | None:
    match happening:
        case discord.Message():
            return to_message(happening, me)
        case Called():
            return happening.message
        case Reaction():
            return happening
        case discord.RawMessageUpdateEvent():
            return to_edit(happening, me)
        case discord.RawMessageDeleteEvent() | discord.RawBulkMessageDeleteEvent():
            return to_deletion(happening)
        case _:
            return None


async def _store_one(event: PlatformEvent, accept: Accept) -> None:
    """Try until it is stored: Discord will not send it again."""
    pause_s = 0.0
    while True:
        try:
            await accept(event)
            return
        except RetryableError as error:
            pause_s = min(max(error.after_s, 2 * pause_s), _LONGEST_PAUSE_S)
            _LOG.warning("an event could not be stored, next try in %g s: %s", pause_s, error)
        await asyncio.sleep(pause_s)


def _intents() -> discord.Intents:
    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = True
    intents.guild_reactions = intents.dm_reactions = intents.message_content = True
    return intents
