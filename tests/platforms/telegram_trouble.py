"""What goes wrong at the local Telegram: refusals, pauses that a chat asks for, answers that never come."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from aiohttp import web

Json = dict[str, Any]


@dataclass(slots=True)
class Failure:
    """What a method answers next, instead of working."""

    code: int
    description: str
    parameters: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the bot, long polls left out: when (monotonic seconds), of what, into which chat (0: none)."""

    at: float
    method: str
    chat: int


@dataclass(slots=True)
class _Limit:
    chat: int
    methods: tuple[str, ...]
    seconds: float
    until: float | None = None


class Trouble:
    """`failures` are answered once each, in order; `pauses` lists when a 429 was answered, and the call's chat."""

    def __init__(self) -> None:
        self.failures: dict[str, list[Failure]] = {}
        self.pauses: list[tuple[float, int]] = []
        self.held = 0
        self._limits: list[_Limit] = []
        self._holding: frozenset[str] = frozenset()
        self._released = asyncio.Event()

    def limit(self, chat: int, seconds: float, *methods: str) -> None:
        """Answer these methods in a chat with 429 for so long, from the first such call on."""
        self._limits.append(_Limit(chat, methods, seconds))

    def hold_answers(self, *methods: str) -> None:
        """Do what these methods ask, and say nothing until `release`; `held` counts such calls."""
        self._holding, self._released = frozenset(methods), asyncio.Event()

    def release(self) -> None:
        """Answer again, what is held too."""
        self._holding = frozenset()
        self._released.set()

    def instead_of(self, method: str, fields: Mapping[str, str]) -> Failure | None:
        """What to answer without doing anything, if there is such a thing."""
        if self.failures.get(method):
            return self.failures[method].pop(0)
        chat = int(fields.get("chat_id", 0))
        now = time.monotonic()
        for limit in self._limits:
            if limit.chat != chat or method not in limit.methods:
                continue
            limit.until = limit.until or now + limit.seconds
            if now < limit.until:
                self.pauses.append((now, chat))
                wait = ceil(limit.until - now)
                return Failure(429, f"Too Many Requests: retry after {wait}", {"retry_after": wait})
        return None

    async def after(self, method: str) -> None:
        """Wait before the answer while it is held."""
        if method in self._holding:
            self.held += 1
            await self._released.wait()


def error(failure: Failure) -> web.Response:
    """A refusal as the Bot API tells it."""
    body: Json = {"ok": False, "error_code": failure.code, "description": failure.description}
    if failure.parameters:
        body["parameters"] = failure.parameters
    return web.json_response(body, status=failure.code)
