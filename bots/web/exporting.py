"""Gives a file that came with an answer, such as an export, as a download."""

from starlette.responses import Response

from bots.web.failures import WebError
from core.store import keys
from core.store.codec import FILE, home_of
from core.store.redis import Store, translated
from core.values.channel import ChannelKey

_HEADERS = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="parley.json"'}


async def download(store: Store, channel: ChannelKey, turn: str) -> Response:
    """All of a turn's file; WebError 404 when it is not kept any more."""
    with translated():
        raw = await store.redis.get(keys.file(channel, turn))
    if not isinstance(raw, bytes):
        raise WebError(404, "web_no_file")
    data = store.codec.open(FILE, home_of(channel), raw)
    return Response(data, 200, _HEADERS, "application/json")
