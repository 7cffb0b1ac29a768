"""A local model hub, as huggingface_hub asks it over a real socket: HF_ENDPOINT points to `base`.

async with HubServer({"parley/small": folder}) as hub:
    hub.asked                                           the files that were downloaded
    hub.ranges                                          from which byte each download of a file was asked for
    hub.cut_after = 1000                                each download breaks off after so many bytes
    hub.stall_after = 1000                              ... or stays open and silent
    hub.redirect_to = another.base                      bytes come from another host, as the real hub's do
    hub.lies_about = {"model.bin"}                      other bytes than its digest says
    hub.status = 503                                    what it answers to everything
    hub.silent = True                                   it takes connections and never answers
"""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

COMMIT = "a" * 40
_SMALL_BYTES = 1000
"""Larger files are kept as LFS keeps them, with a SHA-256; smaller ones have git's own digest."""


class HubServer:
    """Repositories of one commit each; what a folder holds is what its repository holds."""

    def __init__(self, repositories: Mapping[str, Path]) -> None:
        self.base = ""
        self.asked: list[str] = []
        self.ranges: list[tuple[str, int]] = []
        self.authorized: list[str] = []
        self.agents: set[str] = set()
        self.cut_after: int | None = None
        self.stall_after: int | None = None
        self.redirect_to = ""
        self.lies_about: set[str] = set()
        self.status = 0
        self.silent = False
        self._repositories = repositories
        self._leaving = asyncio.Event()

    async def __aenter__(self) -> "HubServer":
        app = web.Application(middlewares=[self._trouble])
        app.router.add_get("/api/models/{owner}/{name}/revision/{revision}", self._describe)
        app.router.add_get("/api/models/{owner}/{name}", self._describe)
        app.router.add_get("/api/models/{owner}/{name}/tree/{revision}", self._tree)
        app.router.add_get("/{owner}/{name}/resolve/{revision}/{file:.+}", self._file)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving.set()
        await self._runner.cleanup()

    @web.middleware
    async def _trouble(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.agents.add(request.headers.get("User-Agent", ""))
        if self.silent:
            await self._leaving.wait()
        if self.status:
            return web.Response(status=self.status)
        return await handler(request)

    def _folder(self, request: web.Request) -> Path:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        if name not in self._repositories:
            raise web.HTTPNotFound(headers={"X-Error-Code": "RepoNotFound"})
        return self._repositories[name]

    def _files(self, request: web.Request) -> list[Path]:
        return [each for each in sorted(self._folder(request).rglob("*")) if each.is_file()]

    async def _describe(self, request: web.Request) -> web.Response:
        folder = self._folder(request)
        siblings = [_sibling(folder, each) for each in self._files(request)]
        return web.json_response({"id": "x/y", "sha": COMMIT, "siblings": siblings, "tags": [], "private": False})

    async def _tree(self, request: web.Request) -> web.Response:
        files = self._files(request)
        listed = [{"type": "file", "path": each.name, "size": each.stat().st_size, "oid": "b" * 40} for each in files]
        return web.json_response(listed)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        file = self._folder(request) / request.match_info["file"]
        if not file.is_file():
            raise web.HTTPNotFound(headers={"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        if self.redirect_to:
            raise web.HTTPFound(self.redirect_to + request.path)
        data = file.read_bytes()
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if request.method == "HEAD":
            return web.Response(body=data, headers=headers, content_type="application/octet-stream")
        self.asked.append(file.name)
        self.authorized.append(request.headers.get("Authorization", ""))
        if file.name in self.lies_about:
            data = bytes(len(data))
        return await self._send(request, file.name, data, headers)

    async def _send(self, request: web.Request, name: str, data: bytes, headers: dict[str, str]) -> web.StreamResponse:
        start = request.http_range.start or 0
        self.ranges.append((name, start))
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        response = web.StreamResponse(status=206 if start else 200, headers=headers)
        response.content_length = len(data) - start
        await response.prepare(request)
        ends = [start + after for after in (self.cut_after, self.stall_after) if after is not None]
        await response.write(data[start : min([len(data), *ends])])
        if min([len(data), *ends]) < len(data):
            if self.stall_after is not None:
                await self._leaving.wait()
            if request.transport is not None:
                request.transport.close()
        return response


def _sibling(folder: Path, file: Path) -> dict[str, Any]:
    data = file.read_bytes()
    git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    sibling: dict[str, Any] = {"rfilename": str(file.relative_to(folder)), "size": len(data), "blobId": git}
    if len(data) > _SMALL_BYTES:
        sibling["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return sibling
