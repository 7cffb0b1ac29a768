"""Gives a file that came with an answer, such as an export, as a download."""

from redis.asyncio import Redis
from starlette.responses import Response

from bots.web.failures import WebError
from core.store.redis import translated

_HEADERS = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="parley.json"'}


async def download(redis: Redis, key: str) -> Response:
    """All of it; WebError 404 when it is not kept any more."""
    with translated():
        data = await redis.get(key)
    if not isinstance(data, bytes):
        raise WebError(404, "web_no_file")
    return Response(data, 200, _HEADERS, "application/json")
