"""From a reply to the parts that a platform can carry. Pure."""

import re
from collections.abc import Sequence
from dataclasses import replace

from core.platform import Limits
from core.text import tables
from core.text.splitting import split
from core.values.channel import ChannelKey
from core.values.events import Message
from core.values.parts import Part
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
    heard = turn.said if turn.heard else ""
    text = turn.reply if limits.shows_heard or not heard else f"🎧 “{heard}”\n\n{turn.reply}"
    text = f"{text}\n\n{postscript}" if postscript else text
    pieces = list(split(_drawn(text, limits), limits.text_units))
    parts = [
        Part(
            turn=turn.id,
            index=index,
            channel=message.channel,
            kind="text",
            text=piece,
            heard=heard if index == 0 else "",
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
    if turn.spoken:
        parts.append(
            Part(
                turn=turn.id,
                index=len(parts),
                channel=message.channel,
                kind="voice",
                text=turn.reply,
                language=turn.language,
                model=turn.model,
                profile=turn.profile,
                person=turn.person,
            )
        )
    return tuple(parts)


def _drawn(text: str, limits: Limits) -> str:
    if not limits.draws_tables:
        text = tables.as_code(text)
    return _MENTION.sub(_DEFUSED, text) if limits.mentions_ping else text


def text_parts(message: Message, text: str, language: str, limits: Limits, *, private_to: str = "") -> tuple[Part, ...]:
    """A text that is no turn of the conversation, in as many parts as it needs.

    Each part for one person alone points to their message: by that some platforms find them.
    """
    pieces = split(_drawn(text, limits), limits.text_units)
    return tuple(
        Part(
            message.id,
            index,
            message.channel,
            "text",
            piece,
            reply_to="" if index and not private_to else message.ref,
            language=language,
            private_to=private_to,
            person=message.sender.id,
        )
        for index, piece in enumerate(pieces)
    )


def notice(message: Message, text: str, language: str) -> Part:
    """Parley speaking about itself, as the only part of an answer."""
    return Part(
        message.id,
        0,
        message.channel,
        "notice",
        text,
        reply_to=message.ref,
        language=language,
        person=message.sender.id,
    )


def in_place(parts: Sequence[Part], shown: Sequence[str]) -> tuple[Part, ...]:
    """The parts of a changed answer as edits of those that are shown; what is left over of these is removed."""
    edits = [replace(part, replaces=ref, reply_to="") for part, ref in zip(parts, shown, strict=False)]
    removals = [
        Part(parts[0].turn, index, parts[0].channel, "removal", replaces=ref)
        for index, ref in enumerate(shown[len(parts) :], len(parts))
    ]
    return (*edits, *parts[len(shown) :], *removals)


def over_draft(parts: tuple[Part, ...], turn: str, channel: ChannelKey, draft: str) -> tuple[Part, ...]:
    """The parts of an answer, the first taking the place of the draft that people see; without any, the draft goes.

    `draft` is its platform id, "" when there is none.
    """
    if not draft:
        return parts
    if not parts:
        return (Part(turn, 0, channel, "removal", replaces=draft),)
    return (replace(parts[0], replaces=draft), *parts[1:])
