"""A local package index (PEP 503) over a real socket, and wheels made up for it.

async with PackageIndex({"odd-name-1": [wheel("odd-name-1", {"odd_name_1/data/part1": b"..."})]}) as index:
    index.url                                           for PIP_INDEX_URL
    index.asked                                         the files that were downloaded
    index.silent = True                                 it takes connections and never answers
"""

import asyncio
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiohttp import web


class Package(NamedTuple):
    """A file of the index."""

    file: str
    data: bytes


def wheel(name: str, members: Mapping[str, bytes], version: str = "1.0") -> Package:
    """A wheel as pip takes it, with these members beside what every wheel has."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    always = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in {**members, **always}.items():
            archive.writestr(path, data)
    return Package(f"{stem}-py3-none-any.whl", buffer.getvalue())


class PackageIndex:
    """Packages by name, each with its files."""

    def __init__(self, packages: Mapping[str, Sequence[Package]]) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.silent = False
        self._packages = packages
        self._leaving = asyncio.Event()

    async def __aenter__(self) -> "PackageIndex":
        app = web.Application()
        app.router.add_get("/simple/{name}/", self._page)
        app.router.add_get("/files/{name}/{file}", self._file)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/simple"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving.set()
        await self._runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        if self.silent:
            await self._leaving.wait()
        name = request.match_info["name"]
        if name not in self._packages:
            raise web.HTTPNotFound
        links = "".join(f'<a href="/files/{name}/{each.file}">{each.file}</a>' for each in self._packages[name])
        return web.Response(text=f"<!DOCTYPE html><html><body>{links}</body></html>", content_type="text/html")

    async def _file(self, request: web.Request) -> web.Response:
        name, file = request.match_info["name"], request.match_info["file"]
        self.asked.append(file)
        data = next(each.data for each in self._packages[name] if each.file == file)
        return web.Response(body=data, content_type="application/octet-stream")
