"""Who may talk to the server: ASGI middleware in front of every route.

With a token, `/v1`, the metrics and every websocket want it as a bearer. Without one the server is for this machine
alone: the Host header must name the loopback (a page of another site that points its own name here fails this) and no
other site may send anything.
"""

import asyncio
import hmac
import re
from collections import Counter
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bots.locales import Phrases
from bots.web.failures import WebError, problem
from core.errors import SettingError

_LOCKED = ("/v1/", "/metrics")
_POLICY = 1008
"""RFC 6455: closed because of a policy; before the opening it becomes a 403."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


_TOKEN = re.compile(r"[!-~][ -~]{6,}[!-~]")
"""NIST SP 800-63B asks for 8 characters where tries are slowed; a browser sends no others than these in a header."""
_HOLD_S = 1.0
_MOST_HELD = 10
"""Wrong tries of one address that are held at once: it cannot make more in each `_HOLD_S`."""


def check_door(host: str, token: str | None) -> None:
    """SettingError for a page that others than this machine reach without a secret, and for one that can be guessed."""
    if token and not _TOKEN.fullmatch(token):
        wants = "at least 8 letters, digits or signs of ASCII, such as what `openssl rand -hex 12` prints"
        raise SettingError("WEB_TOKEN", "a value that is not shown", wants)
    if not token and not is_loopback(host):
        wants = f"a secret, because WEB_HOST {host} is not this machine alone"
        raise SettingError("WEB_TOKEN", "nothing", wants)


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets a request through or answers it with one sentence; adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, token: str | None, phrases: Phrases) -> None:
        self._app = app
        self._token = token.encode() if token else b""
        self._phrases = phrases
        self._held = Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or a websocket that asks to be opened."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        refusal = await self._refusal(scope, headers)
        if refusal is None:
            await self._app(scope, receive, send_guarded)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY})
        else:
            answer = problem(refusal, self._phrases, headers.get("accept-language", ""))
            await answer(scope, receive, send_guarded)

    async def _refusal(self, scope: Scope, headers: Headers) -> WebError | None:
        locked = scope["type"] == "websocket" or scope["path"].startswith(_LOCKED)
        if self._token:
            return await self._without_token(scope, headers) if locked else None
        if not is_loopback(_host_name(headers.get("host", ""))):
            return WebError(403, "web_wrong_host")
        if _from_elsewhere(headers) and (locked or scope["method"] not in ("GET", "HEAD")):
            return WebError(403, "web_cross_origin")
        return None

    async def _without_token(self, scope: Scope, headers: Headers) -> WebError | None:
        """Why a request does not come in; a wrong token is told so late that guessing takes too long."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return WebError(401, "web_token")
        address = (scope.get("client") or ("",))[0]
        if self._held[address] >= _MOST_HELD:
            return WebError(429, "web_token_tries")
        if hmac.compare_digest(given.strip().encode("latin-1"), self._token):
            return None
        self._held[address] += 1
        try:
            await asyncio.sleep(_HOLD_S)
        finally:
            self._held[address] -= 1
            if not self._held[address]:
                del self._held[address]
        return WebError(401, "web_token")


def _host_name(host_header: str) -> str:
    try:
        return urlsplit(f"//{host_header}").hostname or ""
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    """The host and port of an Origin header, "" for what is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that another site makes this request; programs say nothing and pass."""
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    origin = headers.get("origin")
    return origin is not None and _netloc(origin) != headers.get("host", "")
