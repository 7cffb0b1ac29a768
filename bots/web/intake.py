"""Reads what a caller sends: JSON or multipart, never more of it than the limit."""

import asyncio
import mimetypes
from dataclasses import dataclass
from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError, WithJsonSchema
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.types import Message

from bots.web.failures import WebError
from bots.web.visitors import PersonIn
from core.values.channel import MediaKind

MAX_TEXT_BYTES = 2**20
_MAX_JSON_BYTES = 4 * MAX_TEXT_BYTES  # "\u4f60" is six bytes of JSON for three of text
_FORM_OVERHEAD_BYTES = MAX_TEXT_BYTES + 2**16
_READ_S = 120.0
_DRAIN_BYTES = 64 * 2**20
_DRAIN_S = 10.0


class TextIn(BaseModel):
    """A message as JSON."""

    text: str = Field(description="What to say to the assistant.", examples=["Hello, what can you do?"])
    person: Annotated[PersonIn | None, WithJsonSchema(PersonIn.model_json_schema())] = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a message."""

    data: bytes
    name: str
    kind: MediaKind


@dataclass(frozen=True, slots=True)
class Intake:
    """What a caller said: text, a file, or both, and for whom."""

    text: str
    file: Upload | None
    person: PersonIn | None


async def read_message(request: Request, max_file_bytes: int) -> Intake:
    """The text and the file of a request; WebError 4xx with a sentence when there is no such thing in it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        async with asyncio.timeout(_READ_S):
            if kind == "application/json":
                found = await _read_json(request)
            elif kind == "multipart/form-data":
                found = await _read_form(request, max_file_bytes)
            else:
                raise WebError(415, "web_content_type")
    except TimeoutError as error:
        raise WebError(408, "web_slow") from error
    if len(found.text.encode()) > MAX_TEXT_BYTES:
        raise WebError(413, "web_text_too_long")
    if not found.text.strip() and found.file is None:
        raise WebError(422, "web_empty")
    return found


class _TooLarge(Exception):
    pass


class _Body:
    """The body of a request, with a limit."""

    def __init__(self, request: Request, max_bytes: int) -> None:
        self.request = Request(request.scope, self._receive)
        self._from_client = request.receive
        self._left = max_bytes
        self._more = True

    async def _receive(self) -> Message:
        message = await self._from_client()
        self._more = bool(message.get("more_body"))
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLarge
        return message

    async def drain(self) -> None:
        """Read on for a while and forget it: a client that is still sending would see a broken pipe, no sentence."""
        drained = 0
        try:
            async with asyncio.timeout(_DRAIN_S):
                while self._more and drained < _DRAIN_BYTES:
                    message = await self._from_client()
                    self._more = bool(message.get("more_body"))
                    drained += len(message.get("body", b""))
        except TimeoutError:
            return


async def _read_json(request: Request) -> Intake:
    body = _Body(request, _MAX_JSON_BYTES)
    try:
        found = TextIn.model_validate_json(await body.request.body())
        return Intake(found.text, None, found.person)
    except _TooLarge as error:
        await body.drain()
        raise WebError(413, "web_text_too_long") from error
    except ValidationError as error:
        about_person = any("person" in wrong["loc"] for wrong in error.errors())
        raise WebError(422, "web_person" if about_person else "web_json") from error


async def _read_form(request: Request, max_file_bytes: int) -> Intake:
    mib = max_file_bytes // 2**20
    body = _Body(request, max_file_bytes + _FORM_OVERHEAD_BYTES)
    try:
        async with body.request.form(max_files=1, max_fields=4, max_part_size=_MAX_JSON_BYTES) as form:
            text, file, person = form.get("text", ""), form.get("file"), form.get("person", "")
            if not isinstance(text, str) or isinstance(file, str) or not isinstance(person, str):
                raise WebError(422, "web_form")
            if file is not None and (file.size or 0) > max_file_bytes:
                raise WebError(413, "file_too_large", mib=mib)
            named = PersonIn.model_validate_json(person) if person else None
            return Intake(text, await _read_file(file) if file is not None else None, named)
    except ValidationError as error:
        raise WebError(422, "web_person") from error
    except _TooLarge as error:
        await body.drain()
        raise WebError(413, "file_too_large", mib=mib) from error
    except HTTPException as error:
        await body.drain()
        if error.detail.startswith("Part exceeded"):
            raise WebError(413, "web_text_too_long") from error
        raise WebError(422, "web_form") from error


async def _read_file(file: UploadFile) -> Upload:
    data = await file.read()
    if not data:
        raise WebError(422, "web_file_empty")
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2][:120]
    stated = (file.content_type or "").lower()
    if not stated or stated == "application/octet-stream":
        stated = mimetypes.guess_type(name)[0] or ""
    family = stated.partition("/")[0]
    # A browser names a sound recording video/webm when it was given no name; a video note's sound is what matters.
    kind: MediaKind = "audio" if family in ("audio", "video") else "image" if family == "image" else "other"
    return Upload(data, name, kind)
