"""From Discord to Parley: which messages may be for the assistant, and what they say."""

import re
import uuid
from collections.abc import Sequence
from pathlib import PurePosixPath

import discord

from core import clock
from core.values.channel import ChannelKey, MediaKind, MediaRef, Person, Quote
from core.values.events import Deletion, Edit, Message, Reaction

_FROM_PEOPLE = (discord.MessageType.default, discord.MessageType.reply)
_MARKUP = re.compile(r"<(@!?|@&|#)(\d+)>")
_SOUNDS = {".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".wav", ".flac", ".webm", ".mp4", ".mov", ".mkv"}
_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".heic", ".bmp"}


def to_message(told: discord.Message, me: int) -> Message | None:
    """What a person says, to the assistant, whose own id is `me`, or near it; None for what nobody says."""
    if told.author.bot or told.webhook_id or told.type not in _FROM_PEOPLE:
        return None
    group = told.channel.type is not discord.ChannelType.private
    addressed = not group or _is_addressed(told, me)
    text, media = _source(told).content, _media_of(told)
    if not (addressed or text or media):
        return None
    answered = _answered(told)
    return Message(
        id=str(told.id),
        channel=ChannelKey("discord", str(told.channel.id)),
        sender=Person(str(told.author.id), told.author.display_name, ""),
        sent_at=told.created_at.timestamp(),
        text=text,
        media=media,
        ref=str(told.id),
        group=group,
        mentions=_name_mentions(text, told, me),
        addressed=addressed,
        bot_names=_own_names(told) if told.flags.voice and not addressed else (),
        quote=quote_of(answered, me) if answered is not None else None,
        places=places_of(told.guild.id if told.guild else None, told.channel) if group else (),
        forwarded="" if told.message_snapshots else None,
    )


def places_of(guild: int | None, channel: object) -> tuple[str, ...]:
    """Where in a server something was said: the server, the channel and, of a thread, the channel that it is in."""
    found = (guild, getattr(channel, "id", None), getattr(channel, "parent_id", None))
    return tuple(str(id) for id in found if id is not None)


def quote_of(told: discord.Message, me: int) -> Quote:
    """A message that another one is about, with the names of those whom it mentions."""
    text = _source(told).content
    for markup, name in _name_mentions(text, told, me):
        text = text.replace(markup, name)
    author = told.author
    return Quote(author.display_name, text, _media_of(told), author.id == me, str(told.id), str(author.id))


def files_of(told: discord.Message) -> Sequence[discord.Attachment]:
    """The files of a message, or of the one that it forwards."""
    return _source(told).attachments


def to_edit(change: discord.RawMessageUpdateEvent, me: int) -> Edit | None:
    """A message that a person changed; None for what Discord itself changes, such as a link's preview."""
    if change.message.edited_at is None:
        return None
    message = to_message(change.message, me)
    if message is None:
        return None
    return Edit(f"{message.id}e{change.message.edited_at.timestamp():.3f}", message.channel, message)


def to_deletion(gone: discord.RawMessageDeleteEvent | discord.RawBulkMessageDeleteEvent) -> Deletion:
    """Messages that are no more."""
    ids = [gone.message_id] if isinstance(gone, discord.RawMessageDeleteEvent) else sorted(gone.message_ids)
    return Deletion(f"{ids[0]}d{len(ids)}", ChannelKey("discord", str(gone.channel_id)), tuple(map(str, ids)))


def to_reaction(change: discord.RawReactionActionEvent, me: int, channel: object) -> Reaction | None:
    """A change of someone's emoji in a channel, None where it is not known; None for bots, and for custom emoji, whose
    names anybody can choose.
    """
    if change.user_id == me or change.emoji.id is not None or (change.member and change.member.bot):
        return None
    emoji = (change.emoji.name,)
    added = change.event_type == "REACTION_ADD"
    return Reaction(
        id=uuid.uuid4().hex,
        channel=ChannelKey("discord", str(change.channel_id)),
        sender=Person(str(change.user_id), change.member.display_name if change.member else "", ""),
        sent_at=clock.now(),
        target=str(change.message_id),
        added=emoji if added else (),
        removed=() if added else emoji,
        places=places_of(change.guild_id, channel or discord.Object(change.channel_id)) if change.guild_id else (),
    )


def _is_addressed(told: discord.Message, me: int) -> bool:
    """Whether a message in a server mentions the bot itself (@everyone and roles are others) or replies to it."""
    if any(person.id == me for person in told.mentions):
        return True
    target = _answered(told)
    return target is not None and target.author.id == me


def _answered(told: discord.Message) -> discord.Message | None:
    target = told.reference.resolved if told.reference and told.type == discord.MessageType.reply else None
    return target if isinstance(target, discord.Message) else None


def _source(told: discord.Message) -> discord.Message | discord.MessageSnapshot:
    # developers/resources/message.mdx: a forwarded message is empty, what it carries is in its snapshot.
    return told.message_snapshots[0] if told.message_snapshots else told


def _own_names(told: discord.Message) -> tuple[str, ...]:
    mine: discord.Member | None = told.guild.me if told.guild else None
    return (mine.display_name, mine.name) if mine is not None else ()


def _media_of(told: discord.Message) -> tuple[MediaRef, ...]:
    return tuple(_to_media(file, told) for file in files_of(told))


def _to_media(file: discord.Attachment, told: discord.Message) -> MediaRef:
    return MediaRef(
        kind=_kind_of(file, voice=told.flags.voice),
        handle=f"{told.channel.id}/{told.id}/{file.id}",
        name=file.filename,
        size_bytes=file.size,
        duration_s=file.duration,
    )


def _kind_of(file: discord.Attachment, *, voice: bool) -> MediaKind:
    family = (file.content_type or "").partition("/")[0]
    ending = PurePosixPath(file.filename).suffix.lower()
    if voice or family in ("audio", "video") or (not family and ending in _SOUNDS):
        return "audio"
    return "image" if family == "image" or (not family and ending in _PICTURES) else "other"


def _name_mentions(text: str, told: discord.Message, me: int) -> tuple[tuple[str, str], ...]:
    """Each mention's markup with its name; the bot's is "" and a name that nobody knows is left as it is."""
    names: dict[str, str] = {}
    people = {person.id: person.display_name for person in told.mentions} | {me: ""}
    for match in _MARKUP.finditer(text):
        sigil, id = match[1], int(match[2])
        if sigil == "@&":
            thing = told.guild.get_role(id) if told.guild else None
        elif sigil == "#":
            thing = told.guild.get_channel_or_thread(id) if told.guild else None
        else:
            thing = None
            if id in people:
                names[match[0]] = people[id]
        if thing is not None:
            names[match[0]] = thing.name
    return tuple(names.items())
