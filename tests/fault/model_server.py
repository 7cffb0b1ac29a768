"""A local OpenAI-compatible server that repeats what it is told, word by word, and fails on demand.

async with ModelServer() as model:
    model.word_s = 0.05                              seconds before each word
    model.first_s = lambda said: random.random()     seconds before the first one
    model.answer = lambda said: "No."                what it answers instead
    model.tells_all = True                           it repeats the whole chat that it is shown
    model.trouble = lambda said: Trouble(status=500) what goes wrong with a message; None: nothing
    await model.refuse()                             nobody listens any more, until model.listen()
    model.asked                                      the whole journal
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

MODEL = "echo"


@dataclass(frozen=True, slots=True)
class Trouble:
    """An HTTP status instead of an answer, nothing at all for ever, or a line that breaks after so many words."""

    status: int = 0
    hang: bool = False
    cut_after: int | None = None


@dataclass(slots=True)
class Asked:
    """One request: the last message of its chat, all of it (role: content), and whether it was answered to the end."""

    said: str
    at: float
    finished: bool = False
    chat: tuple[str, ...] = ()


def answer_to(said: str) -> str:
    """What this model answers."""
    return f"You said: {said}"


class ModelServer:
    """One model. `base` goes into LM_URL, `MODEL` into LM_MODEL."""

    def __init__(self) -> None:
        self.word_s = 0.0
        self.first_s: Callable[[str], float] = lambda said: 0.0
        self.answer: Callable[[str], str] = answer_to
        self.tells_all = False
        self.trouble: Callable[[str], Trouble | None] = lambda said: None
        self.asked: list[Asked] = []
        self.running = 0
        self._port = 0

    @property
    def base(self) -> str:
        """The address for LM_URL."""
        return f"http://127.0.0.1:{self._port}/v1"

    def times_asked(self, said: str) -> int:
        """How often this message was to be answered."""
        return sum(asked.said == said for asked in self.asked)

    def finished(self) -> set[str]:
        """The messages that were answered to the end."""
        return {asked.said for asked in self.asked if asked.finished}

    async def __aenter__(self) -> "ModelServer":
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    async def listen(self) -> None:
        """Listen, on the same port as before."""
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def refuse(self) -> None:
        """Break every connection and refuse new ones."""
        await self._runner.cleanup()

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        messages = (await request.json())["messages"]
        said = messages[-1]["content"]
        chat = tuple(f"{message['role']}: {message['content']}" for message in messages)
        asked = Asked(said, time.monotonic(), chat=chat)
        self.asked.append(asked)
        self.running += 1
        try:
            return await self._answer(request, asked, self.trouble(said) or Trouble())
        finally:
            self.running -= 1

    async def _answer(self, request: web.Request, asked: Asked, trouble: Trouble) -> web.StreamResponse:
        if trouble.hang:
            await asyncio.Event().wait()
        await asyncio.sleep(self.first_s(asked.said))
        if trouble.status:
            return web.json_response({"error": {"message": "no"}}, status=trouble.status)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            text = "\n".join(asked.chat) if self.tells_all else self.answer(asked.said)
            for count, word in enumerate(text.split(" ")):
                if count == trouble.cut_after:
                    _break(request)
                    return response
                await asyncio.sleep(self.word_s)
                await response.write(_event(word if count == 0 else f" {word}"))
            await response.write(_event("", "stop") + b"data: [DONE]\n\n")
            asked.finished = True
        return response


def _break(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _event(text: str, reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n".encode()
