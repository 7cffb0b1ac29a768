"""Answers to interactions, and what only one person is to see."""

import io

import discord

from bots.discord_bot.interactions import Handle
from bots.discord_bot.private import edit_original, follow_up, post
from bots.locales import Phrases
from core.values.attachments import Document
from core.values.parts import FilePart, TextPart

_REFUSED = (401, 403, 404)
"""The token is void, or the reply that waited under the command is gone."""
_CLOSED = (50007, 50278)  # developers/topics/opcodes-and-status-codes: closed direct messages, no common server


async def fill(client: discord.Client, handle: Handle, text: str, document: Document | None = None) -> str:
    """Let the reply that waits under a command say this, and return its id; "" when Discord takes it no more."""
    try:
        return await edit_original(client, handle.token, text, file_of(document) if document else None)
    except discord.HTTPException as error:
        if error.status not in _REFUSED:
            raise
        return ""


def file_of(document: Document) -> discord.File:
    """A document as discord.py sends it; good for one try."""
    return discord.File(io.BytesIO(document.data), filename=document.name)


async def post_document(client: discord.Client, channel: int, part: FilePart) -> str:
    """Post a document with its words, and return the message's id."""
    file = file_of(part.document)
    return await post(client, channel, file, nonce=part.nonce, beside=part.text, content_type="application/json")


async def send_aside(client: discord.Client, part: TextPart | FilePart, phrases: Phrases) -> str:
    """To one person alone: under their command, else by direct message; where that is closed the channel says so.

    It has no id: nobody can react to it there. What follows the first part may be seen twice after a crash.
    """
    handle = Handle.of(part.reply_to)
    if handle is not None and handle.ephemeral and await _respond(client, handle, part):
        return ""
    key = "written_privately"
    try:
        direct = await client.create_dm(discord.Object(int(part.private_to)))
        match part:
            case FilePart():
                await post_document(client, direct.id, part)
            case TextPart():
                await post(client, direct.id, part.text, nonce=part.nonce, suppress_embeds=True)
    except discord.Forbidden as error:
        if error.code not in _CLOSED:
            raise
        key = "direct_messages_closed"
    hint = phrases.say(key, part.language)
    told = handle is not None and await fill(client, handle, hint)
    if not told and key == "direct_messages_closed":
        await post(client, int(part.channel.space), hint, nonce=part.nonce)
    return ""


async def _respond(client: discord.Client, handle: Handle, part: TextPart | FilePart) -> bool:
    if part.index == 0:
        document = part.document if isinstance(part, FilePart) else None
        return bool(await fill(client, handle, part.text, document))
    try:
        await follow_up(client, handle.token, part.text)
    except discord.HTTPException as error:
        if error.status not in _REFUSED:
            raise
        return False
    return True
