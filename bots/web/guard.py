"""Who may talk to the server: ASGI middleware in front of every route.

With a token, `/v1` wants it as a bearer. Without one the server is for this machine alone: the Host header must name
the loopback (a page of another site that points its own name here fails this) and no other site may send anything.
"""

import hmac
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bots.locales import Phrases
from bots.web.failures import WebError, problem
from core.errors import SettingError

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


def check_door(host: str, token: str | None) -> None:
    """SettingError for a page that others than this machine reach without a secret."""
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is None:
            await self._app(scope, receive, send_guarded)
        else:
            answer = problem(refusal, self._phrases, headers.get("accept-language", ""))
            await answer(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> WebError | None:
        if self._token:
            if scope["path"].startswith("/v1/") and not self._knows_token(headers):
                return WebError(401, "web_token")
            return None
        if not is_loopback(_host_name(headers.get("host", ""))):
            return WebError(403, "web_wrong_host")
        if _from_elsewhere(headers) and (scope["method"] not in ("GET", "HEAD") or scope["path"].startswith("/v1/")):
            return WebError(403, "web_cross_origin")
        return None

    def _knows_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("latin-1"), self._token)


def _host_name(host_header: str) -> str:
    try:
        return urlsplit(f"//{host_header}").hostname or ""
    except ValueError:
        return ""


def _from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that another site makes this request; programs say nothing and pass."""
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host", "")
