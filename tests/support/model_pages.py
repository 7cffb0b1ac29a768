"""A server that says of its models what it is told to."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


def listed(*entries: dict[str, Any] | str) -> dict[str, Any]:
    return {"data": [{"id": each, "object": "model"} if isinstance(each, str) else each for each in entries]}


@asynccontextmanager
async def serving(pages: dict[str, Any], port: int = 0) -> AsyncGenerator[str]:
    """Answers with these pages; a number is a status. Yields the address for LM_URL."""

    async def answer(request: web.Request) -> web.Response:
        page = pages.get(request.path.lstrip("/"), 404)
        return web.Response(status=page) if isinstance(page, int) else web.json_response(page)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()
