"""An answer as server-sent events."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from bots.locales import Phrases
from bots.web.answering import Step
from bots.web.failures import WebError
from core.errors import AssistantError, RetryableError
from core.telemetry import log

_LOG = log("web")


class EventStream(StreamingResponse):
    """Server-sent events; an error after the first byte is the last event."""

    def __init__(self, first: Step, rest: AsyncGenerator[Step], phrases: Phrases, language: str) -> None:
        super().__init__(self._lines(first, rest), media_type="text/event-stream")
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Accel-Buffering"] = "no"
        self._rest = rest
        self._phrases = phrases
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all of it and let go of the answer, whoever hangs up first."""
        async with aclosing(self._rest):
            await super().__call__(scope, receive, send)

    async def _lines(self, first: Step, rest: AsyncGenerator[Step]) -> AsyncGenerator[str]:
        yield _event(first.name, first.data)
        try:
            async for step in rest:
                yield ": waiting\n\n" if step.name == "waiting" else _event(step.name, step.data)
        except WebError as error:
            yield _event("error", {"message": error.sentence(self._phrases, self._language), "status": error.status})
        except RetryableError as error:
            _LOG.warning("an answer could not be followed: %s", error)
            sentence = self._phrases.say("web_store_away", self._language)
            yield _event("error", {"message": sentence, "status": 503})
        except AssistantError:
            _LOG.exception("an answer could not be shown")
            yield _event("error", {"message": self._phrases.say("web_bug", self._language), "status": 500})


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
