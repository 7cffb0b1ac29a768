"""From Parley to Discord by requests alone: texts, voice messages, the typing sign."""

import asyncio
import io
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import assert_never

import discord

from bots.discord_bot.failures import discord_errors
from bots.discord_bot.interactions import Handle
from bots.discord_bot.private import VoiceFile, edit, post
from bots.discord_bot.responses import fill, post_document, send_aside
from bots.locales import Phrases
from core.errors import AssistantError, PermanentError, SettingError
from core.platform import Budget
from core.telemetry import log
from core.text.splitting import split
from core.values.attachments import VoiceNote
from core.values.channel import ChannelKey, Person
from core.values.parts import DraftPart, FilePart, NoticePart, RemovalPart, Sendable, TextPart, VoicePart

_LOG = log("discord")
_Written = TextPart | NoticePart | DraftPart
_LOGIN_S, _TYPING_S, _TEXT_S, _UPLOAD_S, _READ_S = 30.0, 10.0, 60.0, 120.0, 30.0
_LONGEST_WAIT_S = 30.0  # discord.py sleeps through a shorter 429 and raises RateLimited for a longer one
_TEXT_UNITS = 2000
_THUMBS = ("👍", "👎")
_GROWING = " …"
_UNKNOWN_MESSAGE = 10008
_NO_EDIT_OF_VOICE = 50162
_NO_VOICE_HERE = 50173  # developers/topics/opcodes-and-status-codes: this channel takes no voice messages


async def log_in(client: discord.Client, token: str) -> None:
    """Log in by requests; SettingError when Discord refuses the token."""
    with discord_errors("logging in"):
        async with asyncio.timeout(_LOGIN_S):
            await client.login(token)


def request_client() -> discord.Client:
    """A client for requests; nothing it sends mentions anybody."""
    return discord.Client(
        intents=discord.Intents(guilds=True),  # it never listens; without guilds discord.py warns
        allowed_mentions=discord.AllowedMentions.none(),
        max_messages=None,
        max_ratelimit_timeout=_LONGEST_WAIT_S,
    )


class Requests:
    """The client that all requests share: opened by the first, closed when nobody holds it."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._client: discord.Client | None = None
        self._holders = 0
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Keep the client open between requests."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            if not self._holders and self._client:
                client, self._client = self._client, None
                await client.close()

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[discord.Client]:
        """The client, logged in; PermanentError when Discord refuses the token."""
        async with self.held():
            async with self._opening:
                self._client = self._client or await self._open()
            yield self._client

    async def _open(self) -> discord.Client:
        async with AsyncExitStack() as undo:
            client = await undo.enter_async_context(request_client())
            try:
                await log_in(client, self._token)
            except SettingError as error:
                raise PermanentError(str(error)) from error
            undo.pop_all()
            return client


def budgets(channel: ChannelKey) -> tuple[Budget, ...]:
    """Five messages in five seconds in a channel, 50 requests a second in all (developers/topics/rate-limits)."""
    return Budget(every_s=1.0, burst=5), Budget(every_s=1 / 45, burst=45, name="all")


async def send_part(client: discord.Client, part: Sendable, phrases: Phrases, *, as_reply: bool) -> str:
    """Send, change or take away one part and return the message's id; what is sent again is seen once."""
    channel = int(part.channel.space)
    match part:
        case TextPart() | FilePart() if part.private_to:
            with discord_errors("writing to one person"):
                async with asyncio.timeout(_TEXT_S):
                    return await send_aside(client, part, phrases)
        case TextPart() | NoticePart() | DraftPart() | FilePart():
            ref = await _write(client, part, as_reply=as_reply)
            if isinstance(part, TextPart) and part.thumbs:
                await _add_thumbs(client, channel, int(ref))
            return ref
        case VoicePart():
            return await _send_voice(client, channel, part.voice, part.nonce)
        case RemovalPart():
            return await _remove(client, part)
        case _:
            assert_never(part)


async def _write(client: discord.Client, part: _Written | FilePart, *, as_reply: bool) -> str:
    handle, channel = Handle.of(part.reply_to), int(part.channel.space)
    document = part.document if isinstance(part, FilePart) else None
    with discord_errors("sending a text"):
        async with asyncio.timeout(_TEXT_S):
            filled = await fill(client, handle, _content(part), document) if handle is not None else ""
            if filled:
                return filled
            if isinstance(part, FilePart):
                return await post_document(client, channel, part)
            return await _show_text(client, part, _reference(part, as_reply=as_reply and handle is None))


def _reference(part: _Written, *, as_reply: bool) -> discord.MessageReference | None:
    if not as_reply or not part.reply_to:
        return None
    space = int(part.channel.space)
    return discord.MessageReference(message_id=int(part.reply_to), channel_id=space, fail_if_not_exists=False)


async def _add_thumbs(client: discord.Client, channel: int, message: int) -> None:
    """Put 👍 and 👎 under an answer, to be pressed; best effort, for the answer is there."""
    try:
        with discord_errors("putting thumbs under an answer"):
            async with asyncio.timeout(_TEXT_S):
                for thumb in _THUMBS:
                    await client.http.add_reaction(channel, message, thumb)
    except AssistantError as error:
        _LOG.info("channel %d: %s", channel, error)


def _content(part: _Written | FilePart) -> str:
    if isinstance(part, DraftPart):
        transcript = f"🎧 “{part.transcript}”\n\n" if part.transcript else ""
        return next(split(transcript + part.text, _TEXT_UNITS - len(_GROWING)), "") + _GROWING
    return part.text


async def _show_text(client: discord.Client, part: _Written, reference: discord.MessageReference | None) -> str:
    text, channel, nonce = _content(part), int(part.channel.space), part.nonce
    if part.replaces:
        try:
            await edit(client, channel, int(part.replaces), text)
        except discord.HTTPException as error:
            if error.code == _NO_EDIT_OF_VOICE:
                await client.http.delete_message(channel, int(part.replaces))
            elif error.code != _UNKNOWN_MESSAGE:
                raise
        else:
            return part.replaces
        nonce = f"{nonce}r"  # its own may be that of what it replaces
    return await post(client, channel, text, nonce=nonce, reference=reference, suppress_embeds=True)


async def _remove(client: discord.Client, part: RemovalPart) -> str:
    with discord_errors("taking a message away"):
        async with asyncio.timeout(_TEXT_S):
            try:
                await client.http.delete_message(int(part.channel.space), int(part.replaces))
            except discord.NotFound as error:
                if error.code != _UNKNOWN_MESSAGE:
                    raise
    return ""


async def _send_voice(client: discord.Client, channel: int, voice: VoiceNote, nonce: str) -> str:
    with discord_errors("sending a voice message"):
        async with asyncio.timeout(_UPLOAD_S):
            try:
                # developers/resources/message.mdx: the content type must begin with audio/, or error 50160.
                return await post(client, channel, VoiceFile(voice), nonce=nonce, content_type="audio/ogg", voice=True)
            except discord.HTTPException as error:
                if error.code != _NO_VOICE_HERE and error.status != 403:
                    raise
                _LOG.info("channel %d takes no voice messages (%d), sending a file", channel, error.code)
    with discord_errors("sending a sound file"):
        async with asyncio.timeout(_UPLOAD_S):
            file = discord.File(io.BytesIO(voice.ogg), filename="voice-message.ogg")
            return await post(client, channel, file, nonce=nonce, content_type="audio/ogg")


async def show_typing(client: discord.Client, channel: ChannelKey) -> None:
    """Show the typing sign once: Discord takes it away after 10 s."""
    with discord_errors("the typing sign"):
        async with asyncio.timeout(_TYPING_S):
            await client.get_partial_messageable(int(channel.space)).typing()


async def manages(client: discord.Client, channel: ChannelKey, person: Person) -> bool:
    """Whether a person owns the channel's server or may manage it; everybody may in a direct channel."""
    with discord_errors("reading permissions"):
        async with asyncio.timeout(_READ_S):
            found = await client.fetch_channel(int(channel.space))
            if not isinstance(found, discord.abc.GuildChannel | discord.Thread):
                return True
            guild = await client.fetch_guild(found.guild.id, with_counts=False)
            member = await guild.fetch_member(int(person.id))
    return member.id == guild.owner_id or member.guild_permissions.manage_guild
