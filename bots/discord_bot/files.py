"""Files of Discord's messages, fetched with a cap."""

import asyncio

import aiohttp
import discord

from bots.discord_bot.failures import discord_errors
from core.errors import PermanentError, UserError
from core.values.channel import MediaRef

_READ_S, _FETCH_S = 30.0, 120.0
_CHUNK_BYTES, _MIB = 1 << 16, 1 << 20


async def fetch_file(client: discord.Client, media: MediaRef, cap_bytes: int) -> bytes:
    """A file's bytes. The message is read anew, because the address of a file is good for a day only.

    Of a message whose menu was used there is nothing but the address.
    """
    if "://" in media.handle:
        with discord_errors("fetching a file"):
            async with asyncio.timeout(_FETCH_S):
                return await _download(media.handle, cap_bytes)
    channel, message, attachment = (int(number) for number in media.handle.split("/"))
    with discord_errors("reading a message"):
        async with asyncio.timeout(_READ_S):
            told = await client.get_partial_messageable(channel).fetch_message(message)
    everything = [*told.attachments, *(file for snapshot in told.message_snapshots for file in snapshot.attachments)]
    found = next((file for file in everything if file.id == attachment), None)
    if found is None:
        raise PermanentError(f"message {message} has no file {attachment} any more")
    if found.size > cap_bytes:
        raise UserError("file_too_big", limit_mb=cap_bytes // _MIB)
    with discord_errors("fetching a file"):
        async with asyncio.timeout(_FETCH_S):
            return await _download(found.url, cap_bytes)


async def _download(url: str, cap_bytes: int) -> bytes:
    received = bytearray()
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        if answer.status in (403, 404, 410):
            raise PermanentError(f"the file is gone ({answer.status})")
        answer.raise_for_status()
        async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
            received += chunk
            if len(received) > cap_bytes:
                raise UserError("file_too_big", limit_mb=cap_bytes // _MIB)
    return bytes(received)
