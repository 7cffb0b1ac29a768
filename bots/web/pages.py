"""The page, its words, the API's description, health and metrics."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from bots.locales import Phrases
from bots.web.models import ModelsOut
from core.turns.commands import COMMANDS

Health = Callable[[], Awaitable[Mapping[str, str]]]
"""Each part of Parley -> "ok", or why not."""
Models = Callable[[], ModelsOut]
"""The models that are in memory, and those on their way."""

_PAGE = Path(__file__).parent / "page"
_FRESH = {"Cache-Control": "no-cache"}


def new_app() -> FastAPI:
    """An app that contacts no other host: FastAPI's own /docs would load its script from a CDN."""
    try:
        release = version("parley")
    except PackageNotFoundError:
        release = "dev"
    description = (
        "Talk to Parley. With WEB_TOKEN set, /v1 and /metrics want `Authorization: Bearer <token>`. A browser is a "
        "person of its own by its `Parley-Visitor`; a program is one person, or names as `person` for whom it speaks."
    )
    return FastAPI(title="Parley", version=release, description=description, docs_url=None, redoc_url=None)


class Pages:
    """The routes beside /v1."""

    def __init__(self, phrases: Phrases, health: Health, models: Models) -> None:
        self._phrases = phrases
        self._health = health
        self._models = models

    def install(self, app: FastAPI) -> None:
        """Add all routes."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/", self.index, methods=["GET", "HEAD"], response_class=FileResponse)
        router.add_api_route("/docs", self.docs, methods=["GET", "HEAD"], response_class=FileResponse)
        router.add_api_route("/favicon.ico", self.icon, methods=["GET", "HEAD"], response_class=FileResponse)
        router.add_api_route("/words/{tag}", self.words, methods=["GET"])
        app.include_router(router)
        app.add_api_route("/healthz", self.healthz, methods=["GET"], tags=["running it"])
        app.add_api_route("/v1/models", self.models, methods=["GET"], tags=["running it"])
        app.add_api_route("/metrics", self.metrics, methods=["GET"], tags=["running it"], response_class=Response)
        app.mount("/page", _Static(directory=_PAGE))

    async def index(self) -> FileResponse:
        """The chat page."""
        return FileResponse(_PAGE / "index.html", headers=_FRESH)

    async def docs(self) -> FileResponse:
        """A page that shows /openapi.json."""
        return FileResponse(_PAGE / "docs.html", headers=_FRESH)

    async def icon(self) -> FileResponse:
        """The logo, for browsers that ask without being told."""
        return FileResponse(_PAGE / "logo.svg", headers=_FRESH)

    async def words(self, tag: str) -> JSONResponse:
        """The page's words and commands in the language nearest to a tag, and the languages there are."""
        languages = {known: self._phrases.page(known)["language_name"] for known in self._phrases.languages}
        closest = self._phrases.closest(tag)
        commands = [
            {
                "name": command.name,
                "description": self._phrases.command(command.name, closest),
                "choices": list(command.choices),
            }
            for command in COMMANDS.offered
        ]
        words = dict(self._phrases.page(closest))
        found = {"language": closest, "languages": languages, "words": words, "commands": commands}
        return JSONResponse(found, headers=_FRESH)

    async def healthz(self) -> JSONResponse:
        """Each part: ok, or why not. 503 when any is not ok."""
        parts = await self._health()
        return JSONResponse(dict(parts), 200 if all(state == "ok" for state in parts.values()) else 503)

    async def models(self) -> ModelsOut:
        """The models in memory, none while they are being loaded; those on their way; minds that can be chosen."""
        return await asyncio.to_thread(self._models)

    async def metrics(self) -> Response:
        """Prometheus text format."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class _Static(StaticFiles):
    """Files that a browser keeps but asks about each time: an update must not run yesterday's script."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """One file."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(_FRESH)
        return response
