"""What goes wrong at the local Discord: canned answers, lost ones, pauses that a route asks for, answers held back."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from aiohttp import web

from tests.platforms.discord_payloads import Json
from tests.platforms.discord_rest import json_response

Said = Callable[[str], bool]
"""Whether a request with this body is meant."""


def whatever(body: str) -> bool:
    """Any body."""
    return True


@dataclass(slots=True)
class _Limit:
    method: str
    path: str
    seconds: float
    until: float | None = None


@dataclass(slots=True)
class _Hold:
    method: str
    path: str
    said: Said
    done: bool
    released: asyncio.Event


class Trouble:
    """A route is a method and the beginning of a path. `pauses` lists when a 429 was answered, `held` what waited."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.held = 0
        self._canned: list[tuple[str, str, web.Response | None]] = []
        self._cut: list[tuple[str, str]] = []
        self._limits: list[_Limit] = []
        self._holds: list[_Hold] = []

    def answer_next(
        self, method: str, path: str, status: int, body: Json | None = None, headers: dict[str, str] | None = None
    ) -> None:
        """Answer the next call of this route like this; status 0 resets the connection."""
        self._canned.append((method, path, json_response(body or {}, status, headers) if status else None))

    def lose_next_answer(self, method: str, path: str) -> None:
        """Do what the next call of this route asks, and reset the connection instead of answering."""
        self._cut.append((method, path))

    def limit(self, method: str, path: str, seconds: float) -> None:
        """Answer this route with 429 for so long, from its first call on (developers/topics/rate-limits)."""
        self._limits.append(_Limit(method, path, seconds))

    def hold(self, method: str, path: str, said: Said = whatever, *, done: bool) -> None:
        """Let the calls of this route wait until `release`: `done` before they are answered, else before they are done,
        and then those that hang up meanwhile have done nothing.
        """
        self._holds.append(_Hold(method, path, said, done, asyncio.Event()))

    def release(self) -> None:
        """Hold nothing any more."""
        for hold in self._holds:
            hold.released.set()
        self._holds.clear()

    async def instead_of(self, request: web.Request, path: str) -> web.Response | None:
        """The answer to give without doing anything, if there is one."""
        for position, (method, prefix, canned) in enumerate(self._canned):
            if request.method == method and path.startswith(prefix):
                del self._canned[position]
                return canned or _reset(request)
        for limit in self._limits:
            if request.method == limit.method and path.startswith(limit.path):
                now = time.monotonic()
                limit.until = limit.until or now + limit.seconds
                if now < limit.until:
                    self.pauses.append(now)
                    return _too_many(limit.until - now)
        await self._wait(request, path, done=False)
        return None

    async def after(self, request: web.Request, path: str) -> web.Response | None:
        """The answer to give after doing it, if there is one."""
        for cut in self._cut:
            if request.method == cut[0] and path.startswith(cut[1]):
                self._cut.remove(cut)
                return _reset(request)
        await self._wait(request, path, done=True)
        return None

    async def _wait(self, request: web.Request, path: str, *, done: bool) -> None:
        for hold in [hold for hold in self._holds if hold.done == done]:
            meant = request.method == hold.method and path.startswith(hold.path)
            # A multipart body can be read only once, and nobody looks into one.
            if meant and (hold.said is whatever or hold.said(await request.text())):
                self.held += 1
                await hold.released.wait()
                if not done and (request.transport is None or request.transport.is_closing()):
                    raise ConnectionResetError


def _too_many(seconds: float) -> web.Response:
    told: Json = {"message": "You are being rate limited.", "retry_after": round(seconds, 3), "global": False}
    headers = {
        "Via": "1.1 google",
        "Retry-After": str(round(seconds + 0.5)),
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": f"{time.time() + seconds:.3f}",
        "X-RateLimit-Reset-After": f"{seconds:.3f}",
        "X-RateLimit-Bucket": "local",
        "X-RateLimit-Scope": "user",
    }
    return json_response(told, 429, headers)


def _reset(request: web.Request) -> web.Response:
    if request.transport:
        cast(asyncio.WriteTransport, request.transport).abort()
    return web.Response()
