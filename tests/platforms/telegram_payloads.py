"""What goes over the line between the local Telegram and the bot: people, chats, forms, and what was sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import BodyPartReader, web

from tests.platforms.telegram_trouble import Failure, Json

BOT: Json = {"id": 42, "is_bot": True, "first_name": "Parley", "username": "parley_bot", "can_join_groups": True,
             "can_read_all_group_messages": False, "supports_inline_queries": False}  # fmt: skip
ANN: Json = {"id": 7, "is_bot": False, "first_name": "Ann", "language_code": "en"}
BOB: Json = {"id": 8, "is_bot": False, "first_name": "Bob", "last_name": "Li", "language_code": "zh-hans"}
PRIVATE: Json = {"id": 7, "type": "private", "first_name": "Ann"}
GROUP: Json = {"id": -1001, "type": "supergroup", "title": "Friends"}
FORUM: Json = {"id": -1002, "type": "supergroup", "title": "Forum", "is_forum": True}


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that the bot sent."""

    id: int
    chat: int
    topic: int | None
    text: str
    voice: bytes
    duration: int
    reply_to: int | None
    buttons: tuple[str, ...]
    entities: tuple[str, ...] = ()
    marks: tuple[Json, ...] = ()
    """The entities as they were given, with their places in UTF-16 units."""
    document: bytes = b""


async def read_form(request: web.Request) -> tuple[dict[str, str], dict[str, bytes]]:
    """The fields of a call, and its files."""
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            if part.filename:
                files[part.name or ""] = bytes(await part.read())
            else:
                fields[part.name or ""] = await part.text()
    else:
        fields = {name: str(value) for name, value in (await request.post()).items()}
    return fields, files


def refused(text: str, marks: Sequence[Json], *, needs_text: bool = True) -> Failure | None:
    """Why a text is not taken, None when it is. Telegram itself may be milder about marks that lie outside."""
    size = len(text.encode("utf-16-le")) // 2
    if needs_text and not text.strip():
        return Failure(400, "Bad Request: message text is empty")
    if size > 4096:
        return Failure(400, "Bad Request: message is too long")
    if any(mark["offset"] < 0 or mark["length"] <= 0 or mark["offset"] + mark["length"] > size for mark in marks):
        return Failure(400, "Bad Request: entity lies outside of the text")
    return None


def mentions_in(text: str) -> list[Json]:
    """Mentions and a leading command, offsets in UTF-16 units as Telegram has them."""
    found: list[Json] = []
    at = 0
    for word in text.split(" "):
        size = len(word.encode("utf-16-le")) // 2
        if word.startswith("@") and size > 1:
            found.append({"type": "mention", "offset": at, "length": size})
        if word.startswith("/") and at == 0:
            found.append({"type": "bot_command", "offset": 0, "length": size})
        at += size + 1
    return found
