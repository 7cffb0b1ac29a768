"""A local model hub, as huggingface_hub asks it over a real socket: HF_ENDPOINT points to `base`.

async with HubServer({"parley/small": folder}) as hub:
    hub.asked                                           the files that were downloaded
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

_COMMIT = "a" * 40


class HubServer:
    """Repositories of one commit each; what a folder holds is what its repository holds."""

    def __init__(self, repositories: Mapping[str, Path]) -> None:
        self.base = ""
        self.asked: list[str] = []
        self._repositories = repositories

    async def __aenter__(self) -> "HubServer":
        app = web.Application()
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
        await self._runner.cleanup()

    def _folder(self, request: web.Request) -> Path:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        if name not in self._repositories:
            raise web.HTTPNotFound(headers={"X-Error-Code": "RepoNotFound"})
        return self._repositories[name]

    async def _describe(self, request: web.Request) -> web.Response:
        files = sorted(each.name for each in self._folder(request).iterdir() if each.is_file())
        siblings = [{"rfilename": file} for file in files]
        return web.json_response({"id": "x/y", "sha": _COMMIT, "siblings": siblings, "tags": [], "private": False})

    async def _tree(self, request: web.Request) -> web.Response:
        files = [each for each in sorted(self._folder(request).iterdir()) if each.is_file()]
        listed = [{"type": "file", "path": each.name, "size": each.stat().st_size, "oid": "b" * 40} for each in files]
        return web.json_response(listed)

    async def _file(self, request: web.Request) -> web.Response:
        file = self._folder(request) / request.match_info["file"]
        if not file.is_file():
            raise web.HTTPNotFound(headers={"X-Error-Code": "EntryNotFound", "X-Repo-Commit": _COMMIT})
        data = file.read_bytes()
        if request.method == "GET":
            self.asked.append(file.name)
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": _COMMIT, "Accept-Ranges": "bytes"}
        return web.Response(body=data, headers=headers, content_type="application/octet-stream")
