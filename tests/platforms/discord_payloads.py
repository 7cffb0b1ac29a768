"""The JSON that Discord sends: people, one server with its channels, messages, attachments, reactions."""

import itertools
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

BOT, ALICE, BOB, ROBOT = "100000000000000001", "200000000000000001", "200000000000000002", "300000000000000001"
GUILD, ROLE = "400000000000000001", "410000000000000001"
GENERAL, RANDOM, THREAD = "500000000000000001", "500000000000000002", "500000000000000003"
CROWD = tuple(f"2100000000000000{number:02}" for number in range(40))
"""Forty more people."""
DM = {ALICE: "600000000000000001", BOB: "600000000000000002"} | {
    person: f"6100000000000000{number:02}" for number, person in enumerate(CROWD)
}
"""The direct channel of each person."""

SUPPRESS_EMBEDS, VOICE_FLAG = 1 << 2, 1 << 13
_EPOCH_MS = 1420070400000
_serial = itertools.count(1)


def snowflake() -> str:
    """An id as Discord makes it: discord.py reads the time of a message out of its id."""
    return str(((int(time.time() * 1000) - _EPOCH_MS) << 22) + next(_serial) % (1 << 22))


def user(id: str, name: str, *, bot: bool = False) -> Json:
    return {
        "id": id,
        "username": name.lower(),
        "discriminator": "0",
        "avatar": None,
        "global_name": None if bot else name,
        "bot": bot,
    }


USERS = {
    BOT: user(BOT, "Parley", bot=True),
    ALICE: user(ALICE, "Alice"),
    BOB: user(BOB, "Bob"),
    ROBOT: user(ROBOT, "Robot", bot=True),
} | {person: user(person, f"Person{number}") for number, person in enumerate(CROWD)}
APPLICATION: Json = {
    "id": BOT,
    "name": "Parley",
    "description": "",
    "icon": None,
    "bot_public": True,
    "bot_require_code_grant": False,
    "owner": USERS[ALICE],
    "team": None,
    "verify_key": "",
    "flags": 0,
}


def member(id: str) -> Json:
    """Someone in the server, without the user, as a message carries it."""
    return {"roles": [], "joined_at": "2026-01-01T00:00:00+00:00", "deaf": False, "mute": False, "flags": 0}


def _channel(id: str, name: str, position: int) -> Json:
    return {
        "id": id,
        "type": 0,
        "name": name,
        "position": position,
        "permission_overwrites": [],
        "topic": None,
        "nsfw": False,
    }


def _role(id: str, name: str, position: int) -> Json:
    return {
        "id": id,
        "name": name,
        "permissions": "2248473465835073",
        "position": position,
        "color": 0,
        "colors": {"primary_color": 0},
        "hoist": False,
        "managed": False,
        "mentionable": True,
        "flags": 0,
    }


def without_content(told: Json) -> Json:
    """What a bot without the message content intent is told of a message (developers/events/gateway)."""
    direct, own = "guild_id" not in told, told.get("author", {}).get("id") == BOT
    if direct or own or any(person["id"] == BOT for person in told.get("mentions", [])) or "content" not in told:
        return told
    return {**told, "content": "", "attachments": [], "embeds": [], "components": []}


def guild(nick: str = "") -> Json:
    """The one server, as GUILD_CREATE tells it, where the bot has a name of its own."""
    thread = {
        "id": THREAD,
        "guild_id": GUILD,
        "parent_id": GENERAL,
        "owner_id": ALICE,
        "type": 11,
        "name": "plans",
        "message_count": 0,
        "member_count": 2,
        "thread_metadata": {
            "archived": False,
            "auto_archive_duration": 1440,
            "archive_timestamp": "2026-01-01T00:00:00+00:00",
            "locked": False,
        },
    }
    return {
        "id": GUILD,
        "name": "Village",
        "owner_id": ALICE,
        "member_count": len(USERS),
        "roles": [_role(GUILD, "@everyone", 0), _role(ROLE, "Crew", 1)],
        "channels": [_channel(GENERAL, "general", 0), _channel(RANDOM, "random", 1)],
        "members": [
            {**member(id), "user": person, "nick": nick if id == BOT and nick else None} for id, person in USERS.items()
        ],
        "threads": [thread],
    }


def message(author: str, channel: str, content: str = "", **more: Any) -> Json:
    """A message as MESSAGE_CREATE and the REST API tell it; the REST API leaves out `guild_id` and `member`."""
    told: Json = {
        "id": snowflake(),
        "channel_id": channel,
        "author": USERS.get(author) or user(author, "Hook", bot=True),
        "content": content,
        "timestamp": datetime.now(UTC).isoformat(),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "pinned": False,
        "type": 0,
        "flags": 0,
        **more,
    }
    if channel not in DM.values():
        told = {**told, "guild_id": GUILD, "member": member(author)}
    return told


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What the bot posted: the voice fields are set for voice messages and other files."""

    id: str
    channel: str
    content: str
    nonce: str
    flags: int = 0
    reference: str = ""
    voice: bytes = b""
    duration_s: float | None = None
    waveform: str = ""
    filename: str = ""
    content_type: str = ""
    allowed_mentions: Json = field(default_factory=dict[str, Any])


def posted(told: Json, body: Json, file: tuple[str, str, bytes] | None) -> SentMessage:
    """The journal's entry for a message that the bot posted with this request."""
    about = (told["attachments"] or [{}])[0]
    name, content_type, blob = file or ("", "", b"")
    return SentMessage(
        id=told["id"],
        channel=told["channel_id"],
        content=told["content"],
        nonce=str(body.get("nonce", "")),
        flags=told["flags"],
        reference=str((body.get("message_reference") or {}).get("message_id", "")),
        voice=blob,
        duration_s=about.get("duration_secs"),
        waveform=about.get("waveform", ""),
        filename=name,
        content_type=content_type,
        allowed_mentions=body.get("allowed_mentions", {}),
    )
