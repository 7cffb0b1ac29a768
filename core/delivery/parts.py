"""From a reply to the parts that a platform can carry. Pure."""

import re
from collections.abc import Sequence
from dataclasses import replace

from core.platform import Limits
from core.text import tables
from core.text.splitting import split
from core.values.attachments import Document
from core.values.channel import ChannelKey
from core.values.events import Message
from core.values.parts import FilePart, NoticePart, OwedVoicePart, Part, RemovalPart, TextPart
from core.values.turn import Reply

_MENTION, _DEFUSED = re.compile(r"(?<!\w)@(?=\w)"), "@\u2060"
"""A word joiner after the @: the name reads the same and calls nobody."""


def parts_of(
    reply: Reply, message: Message, limits: Limits, *, thumbs: bool = False, postscript: str = ""
) -> tuple[Part, ...]:
    """The text in as many parts as it needs, the last one rateable (with `thumbs` if wanted), then the voice note
    that is owed.

    A `postscript` is Parley speaking about itself below the answer; it is not remembered and not spoken.
    """
    turn = reply.turn
    transcript = turn.said if turn.is_transcript else ""
    text = turn.reply if limits.shows_transcript or not transcript else f"🎧 “{transcript}”\n\n{turn.reply}"
    text = f"{text}\n\n{postscript}" if postscript else text
    pieces = list(split(_drawn(text, limits), limits.text_units))
    texts = [
        TextPart(
            turn.id,
            index,
            message.channel,
            piece,
            transcript=transcript if index == 0 else "",
            reply_to=message.ref if index == 0 else "",
            language=turn.language,
            model=turn.model,
            profile=turn.profile,
            rateable=index == len(pieces) - 1,
            thumbs=thumbs and index == len(pieces) - 1,
            person=turn.person,
        )
        for index, piece in enumerate(pieces)
    ]
    if not turn.spoken:
        return tuple(texts)
    owed = OwedVoicePart(
        turn.id,
        len(texts),
        message.channel,
        turn.reply,
        language=turn.language,
        model=turn.model,
        profile=turn.profile,
        person=turn.person,
    )
    return (*texts, owed)


def _drawn(text: str, limits: Limits) -> str:
    if not limits.draws_tables:
        text = tables.as_code(text)
    return _MENTION.sub(_DEFUSED, text) if limits.mentions_ping else text


def text_parts(
    message: Message, text: str, language: str, limits: Limits, *, private_to: str = ""
) -> tuple[TextPart, ...]:
    """A text that is no turn of the conversation, in as many parts as it needs.

    Each part for one person alone points to their message: by that some platforms find them.
    """
    pieces = split(_drawn(text, limits), limits.text_units)
    return tuple(
        TextPart(
            message.id,
            index,
            message.channel,
            piece,
            reply_to="" if index and not private_to else message.ref,
            language=language,
            private_to=private_to,
            person=message.sender.id,
        )
        for index, piece in enumerate(pieces)
    )


def text_part(message: Message, text: str, language: str, *, private_to: str = "") -> TextPart:
    """A short text that is no turn of the conversation, as the only part of an answer."""
    return TextPart(
        message.id,
        0,
        message.channel,
        text,
        reply_to=message.ref,
        language=language,
        private_to=private_to,
        person=message.sender.id,
    )


def file_part(message: Message, text: str, language: str, document: Document, *, private_to: str = "") -> FilePart:
    """A document with a few words, as the only part of an answer."""
    return FilePart(
        message.id,
        0,
        message.channel,
        text,
        document,
        reply_to=message.ref,
        language=language,
        private_to=private_to,
        person=message.sender.id,
    )


def notice(message: Message, text: str, language: str) -> NoticePart:
    """Parley speaking about itself, as the only part of an answer."""
    return NoticePart(
        message.id, 0, message.channel, text, reply_to=message.ref, language=language, person=message.sender.id
    )


def in_place(parts: Sequence[Part], shown: Sequence[str]) -> tuple[Part, ...]:
    """The parts of a changed answer, its texts as edits of those that are shown; what is left over of these is removed.

    A voice note is never an edit: it comes anew, after the old one is gone.
    """
    texts = [part for part in parts if isinstance(part, TextPart)]
    others = [part for part in parts if not isinstance(part, TextPart)]
    edits = [replace(text, replaces=ref, reply_to="") for text, ref in zip(texts, shown, strict=False)]
    removals = [
        RemovalPart(parts[0].turn, index, parts[0].channel, ref)
        for index, ref in enumerate(shown[len(texts) :], len(parts))
    ]
    return (*edits, *texts[len(shown) :], *removals, *others)


def over_draft(parts: tuple[Part, ...], turn: str, channel: ChannelKey, draft: str) -> tuple[Part, ...]:
    """The parts of an answer, the first taking the place of the draft that people see; else the draft goes.

    `draft` is its platform id, "" when there is none.
    """
    if not draft:
        return parts
    match parts:
        case (TextPart() | NoticePart() as first, *rest):
            return (replace(first, replaces=draft), *rest)
        case _:
            return (RemovalPart(turn, len(parts), channel, draft), *parts)
