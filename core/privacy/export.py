"""All that is kept of one person, as a file that they can take along: JSON in UTF-8."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from core import clock
from core.errors import PermanentError
from core.privacy.consent import Consents
from core.privacy.ownership import SubjectData
from core.privacy.subject_data import SubjectDataReader
from core.store.codec import Entry
from core.store.people import People
from core.values.attachments import Document
from core.values.events import Edit, Event, Message, Reaction
from core.values.parts import FilePart, NoticePart, OwedVoicePart, Part, RemovalPart, TextPart, VoicePart
from core.values.turn import Turn

_TURN: TypeAdapter[Turn] = TypeAdapter(Turn)


async def export(personal: SubjectDataReader, people: People, consents: Consents, asked: Message) -> Document:
    """What is kept of the sender of a message, in every channel of its platform; of others nothing is told."""
    platform, person = asked.channel.platform, asked.sender.id
    rooms: list[dict[str, Any]] = []
    for channel in sorted({*await people.channels_of(platform, person), asked.channel}, key=str):
        kept = await personal.of(channel, person, head=channel != asked.channel)
        if kept.anything:
            rooms.append({**_shown(kept, person), "files": await _files(personal, kept)})
    consent = await consents.of(platform, person)
    found = {
        "made_at": _time(clock.now()),
        "platform": platform,
        "person": person,
        "improving_the_model": {"allowed": consent.given, "at": _time(consent.at)} if consent else None,
        "channels": rooms,
    }
    data = json.dumps(found, ensure_ascii=False, indent=2).encode(errors="replace")
    return Document(f"parley-{platform}-{_time(clock.now())[:10]}.json", data)


def _shown(kept: SubjectData, person: str) -> dict[str, Any]:
    ratings = [
        {"turn": turn, "emoji": [emoji for _, emoji in rating.held], "rating": rating.rating, "at": _time(rating.at)}
        for field, rating in kept.ratings.items()
        if (turn := field.decode().partition("\t")[0]) and field.decode().endswith(f"\t{person}")
    ]
    return {
        "channel": str(kept.channel),
        # What several people said is told of in one summary.
        **({"summary": kept.summary, "settings": asdict(kept.preferences)} if kept.sole_speaker else {}),
        "turns": [{**_TURN.dump_python(turn, mode="json", by_alias=True), "at": _time(turn.at)} for turn in kept.turns],
        "ratings": ratings,
        "waiting": [_told(entry) for entry in (*kept.events, *kept.planned.values(), *kept.parts)],
        "set_aside": [_told(dead.entry) for dead in kept.dead],
    }


async def _files(personal: SubjectDataReader, kept: SubjectData) -> list[dict[str, Any]]:
    """What there is beside words; sounds themselves would make the file too large for most platforms."""
    sizes = await personal.sizes(kept.files)
    return [{"kind": kind, "turn": turn, "bytes": size} for (kind, turn), size in sizes.items()]


def _told(entry: Entry[Event | Part]) -> dict[str, Any]:
    """The words of an event or a part; of what nobody can read the size alone, for others may speak in it too."""
    match entry.value:
        case TextPart() | NoticePart() | FilePart() | OwedVoicePart() as part:
            return {"kind": part.kind, "text": part.text}
        case VoicePart() | RemovalPart() as part:
            return {"kind": part.kind, "text": ""}
        case PermanentError():
            return {"kind": "unreadable", "bytes": len(entry.raw)}
        case event:
            said = event.message if isinstance(event, Edit) else event
    if isinstance(said, Message):
        return {"kind": event.type, "text": said.text, "at": _time(said.sent_at)}
    return {"kind": event.type, "text": " ".join(said.added) if isinstance(said, Reaction) else ""}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
