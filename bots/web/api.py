"""The chat API under /v1: say something, read the conversation, react, listen. The page uses nothing else."""

import hashlib
import re
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from bots.locales import Phrases
from bots.web.answering import Answering, Step, answer_ref, voice_url
from bots.web.exporting import download
from bots.web.failures import WebError, language_of, preferred_tags
from bots.web.intake import TextIn, Upload, read_message
from bots.web.sound import sound
from bots.web.stream import EventStream
from bots.web.uploads import Uploads
from bots.web.visitors import Named, PersonIn, Visitor, person_of
from core import clock
from core.feedback.ratings import Feedback, bare
from core.lanes.lanes import Lanes
from core.platform import Accept
from core.store.people import People
from core.store.redis import Store
from core.values.channel import ChannelKey, Person
from core.values.events import Message, Reaction

_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_HUNG_UP = 499  # nobody reads it; proxies log it

Channel = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="A conversation; you choose its name.")]
MessageId = Annotated[str, Path(pattern=r"^[A-Za-z0-9]{1,64}$")]


class Answer(BaseModel):
    """An answer. `heard` is the transcript of a voice note; the addresses are of a spoken answer and of a file."""

    message_id: str
    text: str
    heard: str = ""
    voice_url: str | None = None
    file_url: str | None = None
    channel: str


class Sentence(BaseModel):
    """What went wrong, in the language of Accept-Language."""

    message: str


class Problem(BaseModel):
    """Every answer that is not a success, and the `error` event of a stream (which has the message and the status)."""

    error: Sentence


class TurnOut(BaseModel):
    """One message and its answer; `heard` when `said` is a transcript; `reactions` are the emoji you hold on it."""

    message_id: str
    at: float
    said: str
    heard: bool
    reply: str
    voice_url: str | None
    reactions: list[str]


class TurnsOut(BaseModel):
    """What a channel remembers, oldest first."""

    channel: str
    messages: list[TurnOut]


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the API is built on."""

    store: Store
    lanes: Lanes
    feedback: Feedback
    people: People
    answering: Answering
    uploads: Uploads
    phrases: Phrases
    max_upload_bytes: int


class Api:
    """The routes of /v1."""

    def __init__(self, rooms: Rooms, accept: Accept) -> None:
        self._rooms = rooms
        self._accept = accept

    def router(self) -> APIRouter:
        """All routes."""
        router = APIRouter(prefix="/v1/channels/{channel}/messages", tags=["chat"], responses={422: {"model": Problem}})
        router.add_api_route("", self.say, methods=["POST"], response_model=Answer, openapi_extra=_SAY_BODY)
        router.add_api_route("", self.turns, methods=["GET"])
        reaction = "/{message_id}/reactions/{emoji}"
        router.add_api_route(reaction, self.react, methods=["PUT"], status_code=204)
        router.add_api_route(reaction, self.unreact, methods=["DELETE"], status_code=204)
        router.add_api_route("/{message_id}/voice", self.voice, methods=["GET"], response_class=Response)
        router.add_api_route("/{message_id}/file", self.file, methods=["GET"], response_class=Response)
        return router

    async def say(self, channel: Channel, request: Request, visitor: Visitor = "") -> Response:
        """Say something and get the answer.

        JSON with a text, or multipart with a text, a file (voice or image), or both. With `Accept: text/event-stream`
        the answer grows as events: accepted (with `silence_s`, the longest that nothing comes), heard, draft, reply,
        file, voice, error. With an `Idempotency-Key` header the same request can be sent again: it is answered once.
        A program that speaks for several people names each as `person`; what it says without is one person's.
        """
        message, upload = await self._message(ChannelKey("web", channel), request, visitor)
        accept = self._rooms.uploads.accepting(upload, self._accept) if upload else self._accept
        steps = self._rooms.answering.steps(message, accept)
        if "text/event-stream" in request.headers.get("accept", ""):
            first = await anext(steps)
            language = language_of(request.headers.get("accept-language", ""), self._rooms.phrases)
            return EventStream(first, steps, self._rooms.phrases, language)
        async with aclosing(steps):
            answer = await _collect(steps, request)
        return JSONResponse(answer.model_dump()) if answer else Response(status_code=_HUNG_UP)

    async def turns(self, channel: Channel, visitor: Visitor = "", person: Named = "") -> TurnsOut:
        """Read the conversation so far."""
        key = ChannelKey("web", channel)
        dialogue = await self._rooms.lanes.dialogue(key)
        held = await self._rooms.feedback.of_channel(key)
        reader = _reader(visitor, person).id
        messages = [
            TurnOut(
                message_id=turn.id,
                at=turn.at,
                said=turn.said,
                heard=turn.is_transcript,
                reply=turn.reply,
                voice_url=voice_url(key, turn.id) if turn.spoken else None,
                reactions=list(held.get(turn.id, {}).get(reader, ())),
            )
            for turn in dialogue.turns
        ]
        return TurnsOut(channel=channel, messages=messages)

    async def react(
        self, channel: Channel, message_id: MessageId, emoji: str, visitor: Visitor = "", person: Named = ""
    ) -> Response:
        """Put an emoji on an answer; 👍 and 👎 rate it."""
        return await self._react(ChannelKey("web", channel), message_id, _reader(visitor, person), added=emoji)

    async def unreact(
        self, channel: Channel, message_id: MessageId, emoji: str, visitor: Visitor = "", person: Named = ""
    ) -> Response:
        """Take an emoji away."""
        return await self._react(ChannelKey("web", channel), message_id, _reader(visitor, person), removed=emoji)

    async def voice(self, channel: Channel, message_id: MessageId, request: Request) -> Response:
        """Listen to a spoken answer: OGG/Opus; single byte ranges are served."""
        return await sound(self._rooms.store, ChannelKey("web", channel), message_id, request)

    async def file(self, channel: Channel, message_id: MessageId) -> Response:
        """Download a file that came with an answer, within an hour."""
        return await download(self._rooms.store, ChannelKey("web", channel), message_id)

    async def _react(
        self, channel: ChannelKey, message_id: str, sender: Person, *, added: str = "", removed: str = ""
    ) -> Response:
        if not bare(added or removed):
            raise WebError(422, "web_not_emoji")
        if not await self._rooms.answering.known(channel, message_id):
            raise WebError(404, "web_unknown_message")
        reaction = Reaction(
            id=secrets.token_hex(12),
            channel=channel,
            sender=sender,
            sent_at=clock.now(),
            target=answer_ref(channel, message_id),
            added=(added,) if added else (),
            removed=(removed,) if removed else (),
        )
        await self._accept(reaction)
        return Response(status_code=204)

    async def _message(self, channel: ChannelKey, request: Request, visitor: str) -> tuple[Message, Upload | None]:
        message_id = _message_id(channel, request.headers.get("idempotency-key"))
        intake = await read_message(request, self._rooms.max_upload_bytes)
        tags = preferred_tags(request.headers.get("accept-language", ""))
        sender = person_of(visitor, intake.person, tags[0] if tags else "")
        message = Message(
            id=message_id,
            channel=channel,
            sender=sender,
            sent_at=clock.now(),
            text=intake.text,
            ref=message_id,
            group=intake.person is not None and await self._rooms.people.others_than(sender.id, channel),
            waits=True,
        )
        if intake.file is not None:
            message = replace(message, media=(self._rooms.uploads.ref(message, intake.file),))
        return message, intake.file


def _reader(visitor: str, person: str) -> Person:
    return person_of(visitor, PersonIn(id=person, name=person) if person else None)


def _message_id(channel: ChannelKey, key: str | None) -> str:
    """A fresh id, or the one that belongs to an idempotency key in this channel."""
    if key is None:
        return secrets.token_hex(12)
    if not _KEY.fullmatch(key):
        raise WebError(422, "web_idempotency_key")
    return hashlib.sha256(f"{channel}\n{key}".encode()).hexdigest()[:24]


async def _collect(steps: AsyncGenerator[Step], request: Request) -> Answer | None:
    """The whole answer; None when the caller hung up before it came."""
    answer: dict[str, object] = {}
    async for step in steps:
        if step.name in ("reply", "voice", "file"):
            answer |= step.data
        elif step.name == "waiting" and await request.is_disconnected():
            return None
    return Answer.model_validate(answer)


_SAY_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": TextIn.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "text": {"type": "string"},
                        "file": {"type": "string", "format": "binary"},
                        "person": {"type": "string", "description": "JSON with `id` and `name`."},
                    },
                }
            },
        },
    },
    "parameters": [
        {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}},
    ],
}
