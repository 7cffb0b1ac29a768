"""Serves spoken answers from Redis, in ranges: players seek, and Safari plays nothing without them."""

import re

from fastapi import Request
from starlette.responses import Response

from bots.web.failures import WebError
from core.store import keys
from core.store.codec import FILE, home_of
from core.store.redis import Store, translated
from core.values.channel import ChannelKey

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_HEADERS = {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=3600"}


async def sound(store: Store, channel: ChannelKey, turn: str, request: Request) -> Response:
    """All of a turn's sound or the range that was asked for; WebError 404 when it is not kept."""
    with translated():
        raw = await store.redis.get(keys.voice(channel, turn))
    if not isinstance(raw, bytes):
        raise WebError(404, "web_no_voice")
    data = store.codec.open(FILE, home_of(channel), raw)
    size = len(data)
    span = byte_range(request.headers.get("range", ""), size)
    if span is None:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    first, last = span
    whole = last - first + 1 == size
    headers = _HEADERS if whole else {**_HEADERS, "Content-Range": f"bytes {first}-{last}/{size}"}
    return Response(data[first : last + 1], 200 if whole else 206, headers, "audio/ogg")


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a Range header, all of it for what is not one range; None when it lies outside."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return 0, size - 1
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size - 1) if int(last) else None
    if int(first) >= size or (last and int(last) < int(first)):
        return None
    return int(first), min(int(last), size - 1) if last else size - 1
