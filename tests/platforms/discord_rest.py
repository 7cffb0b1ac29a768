"""How Discord reads a request, what it refuses, and how it answers."""

import base64
import json
import re
from typing import Any

from aiohttp import BodyPartReader, web

from tests.platforms.discord_payloads import VOICE_FLAG, Json, snowflake

File = tuple[str, str, bytes]
"""Name, content type, bytes."""


class Refused(Exception):
    """An answer of the kind {"message": …, "code": …}."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def json_response(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """discord/http.py: json_or_text takes a body for JSON only when the content type is exactly this."""
    return web.Response(
        body=json.dumps(data).encode(), status=status, headers={"Content-Type": "application/json", **(headers or {})}
    )


async def read_body(request: web.Request) -> tuple[Json, list[File]]:
    """The JSON of a post and its files as name, content type and bytes."""
    if request.content_type != "multipart/form-data":
        return await request.json(), []
    body: Json = {}
    files: list[File] = []
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        if part.name == "payload_json":
            body = json.loads(await part.text())
        else:
            files.append((part.filename or "", part.headers.get("Content-Type", ""), bytes(await part.read())))
    return body, files


def check_new_message(body: Json, files: list[File], *, target_exists: bool) -> None:
    """Refuse what the official documentation says is refused (developers/resources/message.mdx)."""
    content = body.get("content") or ""
    if len(str(body.get("nonce", ""))) > 25:
        raise Refused(400, 50035, "Invalid Form Body: nonce must be 25 or fewer in length.")
    if len(content) > 2000:
        raise Refused(400, 50035, "Invalid Form Body: content must be 2000 or fewer in length.")
    if not content.strip() and not files:
        raise Refused(400, 50006, "Cannot send an empty message")
    if not target_exists and body["message_reference"].get("fail_if_not_exists", True):
        raise Refused(400, 50035, "Invalid Form Body: message_reference: Unknown message")
    if body.get("flags", 0) & VOICE_FLAG:
        _check_voice(content, body.get("attachments", []), files)


def _check_voice(content: str, attachments: list[Json], files: list[File]) -> None:
    if content:
        raise Refused(400, 50159, "Voice messages do not support additional content.")
    if len(files) != 1 or len(attachments) != 1 or not files[0][1].startswith("audio/"):
        raise Refused(400, 50160, "Voice messages must have a single audio attachment.")
    about = attachments[0]
    if not isinstance(about.get("duration_secs"), int | float) or not isinstance(about.get("waveform"), str):
        raise Refused(400, 50161, "Voice messages must have supporting metadata.")
    if not 0 < len(base64.b64decode(about["waveform"], validate=True)) <= 256:
        raise Refused(400, 50161, "Voice messages must have supporting metadata.")


class Files:
    """The attachments and the CDN, whose addresses are signed and expire."""

    def __init__(self) -> None:
        self.base = ""
        self._blobs: dict[str, bytes] = {}
        self._signatures: set[str] = set()

    def attach(self, file: File) -> Json:
        """Keep a file; returns the attachment as a message tells it."""
        name, content_type, blob = file
        id = snowflake()
        self._blobs[id] = blob
        url = f"{self.base}/cdn/{id}/{name}?ex={self._sign()}"
        return {
            "id": id,
            "filename": name,
            "size": len(blob),
            "url": url,
            "proxy_url": url,
            "content_type": content_type or None,
        }

    def signed_anew(self, attachments: list[Json]) -> list[Json]:
        """The same attachments with addresses that work."""
        return [{**one, "url": re.sub("ex=.*", f"ex={self._sign()}", one["url"])} for one in attachments]

    def expire(self) -> None:
        """Make every address given out so far useless."""
        self._signatures.clear()

    async def serve(self, request: web.Request) -> web.Response:
        """The CDN."""
        blob = self._blobs.get(request.match_info["id"])
        if blob is None or request.query.get("ex") not in self._signatures:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=blob)

    def _sign(self) -> str:
        signature = snowflake()
        self._signatures.add(signature)
        return signature
