"""The few places where discord.py 2.7 must be reached below its public surface; each has a test.

Sending and receiving call it; it knows nothing of Parley.
"""

import asyncio
import base64
import io
from typing import Any

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from discord.http import Route, handle_message_parameters
from discord.shard import Shard
from discord.webhook.async_ import async_context

from core import clock
from core.telemetry import log
from core.values.attachments import VoiceNote

_LOG = log("discord")
_BASE, _GATEWAY = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
_CONNECT_S, _CLOSE_S = 60.0, 5.0
# Two warnings at each start that calls are not possible, which Parley does not make.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
_SHARD_GAP_S = 5.0  # discord/client.py: before_identify_hook; one IDENTIFY per 5 s unless max_concurrency says more


def point_at(api_base: str | None, gateway: str | None) -> None:
    """Choose which Discord this process talks to: discord.py keeps both addresses as class attributes."""
    Route.BASE = api_base.rstrip("/") if api_base else _BASE
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway) if gateway else _GATEWAY


class VoiceFile(discord.File):
    """A file with the metadata that makes a post a voice message; discord.File has no place for it."""

    def __init__(self, voice: VoiceNote) -> None:
        super().__init__(io.BytesIO(voice.ogg), filename="voice-message.ogg")
        self._duration_s, self._waveform = voice.duration_s, base64.b64encode(voice.waveform).decode()

    def to_dict(self, index: int) -> dict[str, Any]:
        """The attachment as the request describes it."""
        return {**super().to_dict(index), "duration_secs": self._duration_s, "waveform": self._waveform}


async def post(
    client: discord.Client,
    channel: int,
    what: str | discord.File,
    *,
    nonce: str,
    beside: str = "",
    reference: discord.MessageReference | None = None,
    content_type: str = "",
    **flags: bool,
) -> str:
    """Post a text, or a file and words `beside` it, and return the message's id.

    `send()` of discord.py takes neither flags nor types. A text whose nonce Discord knows already is the earlier
    message, which is made to say what this one says.
    """
    missing = discord.utils.MISSING
    with handle_message_parameters(
        content=what if isinstance(what, str) else beside or missing,
        file=what if isinstance(what, discord.File) else missing,
        flags=discord.MessageFlags(**flags),
        nonce=nonce,
        previous_allowed_mentions=client.allowed_mentions,
        message_reference=reference.to_message_reference_dict() if reference else missing,
    ) as params:
        if params.multipart and content_type:
            params.multipart[1]["content_type"] = content_type  # discord/http.py: otherwise always octet-stream
        data = await client.http.send_message(channel, params=params)
    if isinstance(what, str) and data["content"].strip() != what.strip():
        await edit(client, channel, int(data["id"]), what)
    return str(data["id"])


async def edit(client: discord.Client, channel: int, message: int, text: str) -> None:
    """Change a message; `PartialMessage.edit()` would read a whole message back, which needs its channel."""
    with handle_message_parameters(content=text, previous_allowed_mentions=client.allowed_mentions) as params:
        await client.http.edit_message(channel, message, params=params)


async def edit_original(client: discord.Client, token: str, text: str, file: discord.File | None = None) -> str:
    """Change the reply under a command and return its id: `Interaction` does that only where it was received."""
    with handle_message_parameters(
        content=text,
        attachments=[file] if file is not None else discord.utils.MISSING,
        flags=discord.MessageFlags(suppress_embeds=True),
        previous_allowed_mentions=client.allowed_mentions,
    ) as params:
        data = await async_context.get().edit_original_interaction_response(
            client.application_id or 0,
            token,
            session=_session(client),
            payload=params.payload,
            multipart=params.multipart,
            files=params.files,
        )
    return str(data["id"])


async def follow_up(client: discord.Client, token: str, text: str) -> None:
    """Say more under a command, to the person who gave it alone."""
    with handle_message_parameters(
        content=text,
        flags=discord.MessageFlags(ephemeral=True, suppress_embeds=True),
        previous_allowed_mentions=client.allowed_mentions,
    ) as params:
        await async_context.get().execute_webhook(
            client.application_id or 0, token, session=_session(client), payload=params.payload, wait=True
        )


def _session(client: discord.Client) -> aiohttp.ClientSession:
    http: Any = client.http
    return http._HTTPClient__session


def resolved_message(called: discord.Interaction, id: str) -> discord.Message:
    """The message that an interaction is about, as it was sent along (discord/app_commands/namespace.py)."""
    inside: Any = called
    data = inside.data["resolved"]["messages"][id]
    message = discord.Message(state=inside._state, channel=inside.channel, data=data)
    message.guild = called.guild
    return message


class Pace:
    """Spaces the IDENTIFYs of one bot: Discord resets the token of one that sends over 1,000 a day."""

    def __init__(self, gap_s: float) -> None:
        self.gap_s = gap_s
        self._next = 0.0
        self._next_of: dict[int | None, float] = {}

    async def wait(self, shard: int | None, *, initial: bool) -> None:
        """Return when this shard may identify itself."""
        between_s = min(_SHARD_GAP_S, self.gap_s)
        soonest = clock.monotonic() + (0 if initial else between_s)
        at = max(soonest, self._next, self._next_of.get(shard, 0.0))
        self._next, self._next_of[shard] = at + between_s, at + self.gap_s
        await asyncio.sleep(at - clock.monotonic())


class GatewayClient(discord.AutoShardedClient):
    """A client whose first connection may be refused and whose IDENTIFYs keep a pace."""

    def __init__(self, pace: Pace, gateway: str | None, **options: Any) -> None:
        super().__init__(**options)
        self._pace = pace
        self._gateway_url = yarl.URL(gateway) if gateway else None

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Called by discord.py before each IDENTIFY."""
        await self._pace.wait(shard_id, initial=initial)

    async def launch_shard(self, gateway: yarl.URL, shard_id: int, *, initial: bool = False) -> None:
        """As discord/shard.py, whose own tries every 5 s, each one call deeper and logs a traceback."""
        while True:
            try:
                async with asyncio.timeout(_CONNECT_S):
                    socket = await DiscordWebSocket.from_client(
                        self, initial=initial, gateway=self._gateway_url or gateway, shard_id=shard_id
                    )
                break
            except (aiohttp.ClientError, OSError, ReconnectWebSocket) as error:
                _LOG.warning("Discord's gateway refused a connection, next try in %g s: %s", self._pace.gap_s, error)
                await asyncio.sleep(self._pace.gap_s)
        inner: Any = self  # the names below are private to discord.AutoShardedClient
        inner._AutoShardedClient__shards[shard_id] = shard = Shard(
            socket, self, inner._AutoShardedClient__queue.put_nowait
        )
        shard.launch()

    async def close(self) -> None:
        """Disconnect, and end the tasks that discord.py leaves waiting for servers (discord/state.py: _delay_ready)."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                await super().close()
        except TimeoutError:
            await self.http.close()  # a dead connection would be waited for 30 s (discord/http.py: ws_connect)
        state: Any = self._connection
        left = [task for task in (*state._ready_tasks.values(), state._ready_task) if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
