"""What the API says when it cannot: one sentence in the caller's language, as {"error": {"message": ...}}.

`WebError` is raised wherever a request is read; everything else that can escape a route is turned into one here.
"""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from bots.locales import FALLBACK, Phrases
from core.errors import AssistantError, RetryableError, UserError
from core.telemetry import log

_LOG = log("web")
_UNPROCESSABLE = 422
_STATUS_OF_PHRASE = {"busy": 429, "quota": 429, "file_too_large": 413}
_PHRASE_OF_PLACE = {"channel": "web_channel_name", "Parley-Visitor": "web_visitor", "person": "web_person"}
_PHRASE_OF_STATUS = {404: "web_not_found", 405: "web_wrong_method", 400: "web_unreadable"}


class WebError(AssistantError):
    """A request that gets a sentence instead of an answer.

    `key` names a phrase and `params` fill its blanks.
    """

    def __init__(self, status: int, key: str, **params: object) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.params = params
        self._text = ""

    @classmethod
    def saying(cls, status: int, text: str) -> "WebError":
        """A sentence that is already in the sender's language."""
        error = cls(status, "")
        error._text = text
        return error

    def sentence(self, phrases: Phrases, language: str) -> str:
        """What to say."""
        return self._text or phrases.say(self.key, language, **self.params)


def preferred_tags(accept_language: str) -> list[str]:
    """The tags of an Accept-Language header, best first."""
    weighed: list[tuple[float, str]] = []
    for entry in accept_language.split(","):
        tag, _, quality = entry.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if tag and tag != "*" and weight > 0:
            weighed.append((weight, tag))
    return [tag for _, tag in sorted(weighed, key=lambda pair: -pair[0])]


def language_of(accept_language: str, phrases: Phrases) -> str:
    """The language with a file that the caller likes best."""
    for tag in preferred_tags(accept_language):
        known = phrases.closest(tag)
        if known.lower().split("-")[0] == tag.lower().split("-")[0]:
            return known
    return FALLBACK


def from_user_error(error: UserError) -> WebError:
    """Something the sender can mend, with the status that fits its phrase."""
    return WebError(_STATUS_OF_PHRASE.get(error.key, _UNPROCESSABLE), error.key, **error.params)


def problem(error: WebError, phrases: Phrases, accept_language: str) -> JSONResponse:
    """The response that says it."""
    sentence = error.sentence(phrases, language_of(accept_language, phrases))
    headers = {"Retry-After": "1"} if error.status == 503 else {}
    return JSONResponse({"error": {"message": sentence}}, error.status, headers)


def install(app: FastAPI, phrases: Phrases) -> None:
    """Answer every error of the app's routes in this shape."""

    def say(error: WebError, request: Request) -> Response:
        return problem(error, phrases, request.headers.get("accept-language", ""))

    async def known(request: Request, error: Exception) -> Response:
        return say(_as_web_error(error), request)

    async def gone(request: Request, error: Exception) -> Response:
        return Response(status_code=400)

    async def bug(request: Request, error: Exception) -> Response:
        return say(WebError(500, "web_bug"), request)

    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        AssistantError: known,
        HTTPException: known,
        RequestValidationError: known,
        ClientDisconnect: gone,
        Exception: bug,  # Starlette sends this answer and raises the error again, so that the server logs it
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _as_web_error(error: Exception) -> WebError:
    match error:
        case WebError():
            return error
        case UserError():
            return from_user_error(error)
        case RetryableError():
            _LOG.warning("a request could not be served: %s", error)
            return WebError(503, "web_store_away")
        case HTTPException():
            return WebError(error.status_code, _PHRASE_OF_STATUS.get(error.status_code, "web_unreadable"))
        case RequestValidationError():
            wrong = {place for found in error.errors() for place in found["loc"]}
            phrases = (phrase for place, phrase in _PHRASE_OF_PLACE.items() if place in wrong)
            if phrase := next(phrases, ""):
                return WebError(_UNPROCESSABLE, phrase)
            return WebError(404, "web_unknown_message")
        case _:
            _LOG.error("a request failed for good", exc_info=error)
            return WebError(500, "web_bug")
