"""Whose token it is, whether it may read messages, and the link that brings it into a server."""

from dataclasses import dataclass

import discord

from bots.discord_bot.private import point_at
from bots.discord_bot.send import log_in, request_client

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    read_message_history=True,  # replies, and what came while it was away
    add_reactions=True,  # the thumbs
    attach_files=True,
    send_voice_messages=True,
)
"""What Parley does in a server, and no more."""
SCOPES = ("bot", "applications.commands")


@dataclass(frozen=True, slots=True)
class Account:
    """A bot. `reads_messages` is false while its Message Content intent is off: then Discord refuses to connect it."""

    name: str
    application: int
    reads_messages: bool

    @property
    def invitation(self) -> str:
        """The address by which somebody who manages a server lets it in."""
        return discord.utils.oauth_url(self.application, permissions=PERMISSIONS, scopes=SCOPES)


def account_of(client: discord.Client) -> Account:
    """The bot that a client has logged in as."""
    flags = client.application_flags
    # developers/resources/application: the second is for bots in fewer than 100 servers
    reads = flags.gateway_message_content or flags.gateway_message_content_limited
    return Account(str(client.user), client.application_id or 0, reads)


async def look_up(token: str, api_base: str | None = None) -> Account:
    """The token's bot; SettingError when Discord refuses it, RetryableError when nobody answers."""
    point_at(api_base, None)
    async with request_client() as client:
        await log_in(client, token)
        return account_of(client)
