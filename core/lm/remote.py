"""A language model behind any OpenAI-compatible server: vLLM, Ray Serve, llama.cpp, Ollama, a hosted one.

Speaks through the `openai` client; its errors become ours here, and never carry the key or what the server said.
"""

import asyncio
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from core import clock
from core.errors import AssistantError, PermanentError, RetryableError, SettingError, UserError
from core.lm import chat_completions, server
from core.lm.base import Capability, Piece, Request, Text, ToolCall, Usage, Utterance
from core.lm.chat_completions import Chunks
from core.lm.circuit_breaker import Breaker
from core.lm.stopping import StopFilter, WholeCharacters
from core.telemetry import count_tokens, log

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncStream
    from openai.types.chat import ChatCompletionChunk

FIRST_TEXT_S = 60.0
BETWEEN_TEXT_S = 30.0
TOTAL_S = 300.0
DEFAULT_CONTEXT_TOKENS = 8192
_CHARS_PER_TOKEN = 3.5
_TOKENS_PER_UTTERANCE = 4
_TOKENS_PER_IMAGE = 1445
"""What OpenAI counts at most: 85, and 170 for each of eight tiles (platform.openai.com/docs/guides/images-vision)."""
_TOO_LONG = re.compile("context_length_exceeded|context (?:length|size|window)")
"""What OpenAI, vLLM ("maximum context length") and llama.cpp ("the available context size") say of too long a chat."""
_NO_TOOLS = re.compile("tool|function", re.IGNORECASE)
_NO_IMAGES = re.compile("image|vision|multimodal|mmproj", re.IGNORECASE)
"""What servers say of when their model does not know what they are asked for."""
_LACKS = (400, 404, 415, 422, 500, 501)
"""How they answer then: vLLM 400, OpenRouter 404, llama.cpp 500."""
Answer = TypeVar("Answer")
_LOG = log("lm")


class RemoteModel:
    """One model of one server; with no name the only one that it has.

    `context_tokens` 0 is what the server says, and DEFAULT_CONTEXT_TOKENS where it does not. Nothing is tried again
    here: what has begun to be said would be said twice. A RetryableError leaves the message in its lane, and the
    worker comes back with growing pauses, or after the time that the server asked for.
    """

    def __init__(self, url: str, model: str, api_key: str = "", *, context_tokens: int = 0) -> None:
        from openai import AsyncOpenAI  # slow to import

        self.name = model
        self.context_tokens = context_tokens or DEFAULT_CONTEXT_TOKENS
        self.revision = model
        self.capabilities: frozenset[Capability] = frozenset(("instructions", "images", "tools"))
        self._asked = url, model, api_key
        self._given_tokens = context_tokens
        self._met = False
        self._usage: Literal["asked", "told", "refused"] = "asked"
        self._client = AsyncOpenAI(base_url=url, api_key=api_key or "none", max_retries=0, timeout=TOTAL_S)
        self._breaker = Breaker("the language model's server")

    def meet(self) -> None:
        """Ask the server for the model, which takes its name and context length from there; blocks.

        Errors as of `core.lm.server.find`. Whoever does not ask has it done by the first message.
        """
        told = server.find(*self._asked)
        self._met = True
        if not self._asked[1]:
            _LOG.info("LM_URL has one model, %s: taking it", told.name)
        if not (self._given_tokens or told.context_tokens):
            _LOG.warning(
                "LM_URL does not say how much %s reads: LM_CONTEXT_TOKENS can; %d until then",
                told.name,
                DEFAULT_CONTEXT_TOKENS,
            )
        self.name = told.name
        self.context_tokens = self._given_tokens or told.context_tokens or DEFAULT_CONTEXT_TOKENS

    @property
    def weight_bytes(self) -> int:
        """Nothing here."""
        return 0

    def count_tokens(self, utterances: Sequence[Utterance]) -> int:
        """An estimate, for the server's tokenizer is not known here.

        3.5 characters a token for ASCII text, one token for every other character, four for each utterance: somewhat
        more than most tokenizers make of English and Chinese.
        """
        said = "".join(each.text for each in utterances)
        plain = sum(char.isascii() for char in said)
        images = sum(len(each.images) for each in utterances)
        more = _TOKENS_PER_UTTERANCE * len(utterances) + _TOKENS_PER_IMAGE * images
        return math.ceil(plain / _CHARS_PER_TOKEN) + len(said) - plain + more

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """The answer; closing the generator hangs up, which ends the work on most servers. The Usage is an estimate
        where the server does not tell it.

        Raises RetryableError when the server is busy or gone, UserError("model_slow") after a deadline,
        UserError("model_unreachable") when it refuses the key or does not know the model, UserError("message_too_long")
        when it finds the chat too long, UserError("image_not_understood") when its model sees none,
        UserError("no_answer") when it calls tools that nobody offered, PermanentError when it refuses the request
        otherwise.
        """
        ends_at = clock.monotonic() + TOTAL_S
        stops, whole = StopFilter(request.stop), WholeCharacters()
        self._breaker.ask()
        await self._meet()
        stream = await self._within(FIRST_TEXT_S, ends_at, self._begin(request))
        chunks, told, shown = aiter(stream), Chunks(), ""
        wait_s = FIRST_TEXT_S
        try:
            while (chunk := await self._within(wait_s, ends_at, _next(chunks))) is not None:
                if text := stops.feed(whole.feed(told.feed(chunk))):
                    wait_s = BETWEEN_TEXT_S
                    shown += text
                    yield Text(text)
                if stops.stopped:
                    break
            self._breaker.worked()
            self.revision = told.revision or self.name
            if rest := stops.finish():
                shown += rest
                yield Text(rest)
            for call in self._calls(request, told, shown):
                yield call
            if told.usage:
                count_tokens(told.usage.prompt_tokens, told.usage.cached_tokens, told.usage.completion_tokens)
            yield told.usage or await asyncio.to_thread(self._estimated, request, shown)
        finally:
            await stream.close()

    def forget(self, channel: str) -> None:
        """Nothing: nothing is kept here, and the server knows no channels."""

    async def close(self) -> None:
        """Closes the connections; idempotent."""
        await self._client.close()

    async def _meet(self) -> None:
        if self._met:
            return
        try:
            await asyncio.to_thread(self.meet)
        except RetryableError:
            self._breaker.failed()
            raise
        except SettingError as error:
            _LOG.error("%s", error)
            raise UserError("model_unreachable") from None

    async def _begin(self, request: Request) -> "AsyncStream[ChatCompletionChunk]":
        """The answer as it begins, asked for once more without what the server does not take."""
        from openai import APIStatusError

        request = request if "tools" in self.capabilities else replace(request, tools=())
        try:
            stream = await self._create(request, usage=self._usage != "refused")
            self._usage = "told" if self._usage == "asked" else self._usage
            return stream
        except APIStatusError as error:
            if _lacks(error, _NO_IMAGES) and any(each.images for each in request.utterances):
                self.capabilities -= {"images"}
                raise UserError("image_not_understood") from None
            if _lacks(error, _NO_TOOLS) and request.tools:
                self.capabilities -= {"tools"}
                return await self._begin(request)
            if self._usage != "asked" or error.status_code not in (400, 422) or _is_too_long(error):
                raise
        stream = await self._create(request, usage=False)
        self._usage = "refused"
        return stream

    async def _create(self, request: Request, *, usage: bool) -> "AsyncStream[ChatCompletionChunk]":
        more: dict[str, Any] = {"stream_options": {"include_usage": True}} if usage else {}
        body = {**chat_completions.asked(request), **more}
        return await self._client.chat.completions.create(model=self.name, stream=True, **body)

    def _calls(self, request: Request, told: Chunks, shown: str) -> tuple[ToolCall, ...]:
        """The tools to call; what nobody offered is no answer."""
        if request.tools or not told.calls:
            return told.calls
        _LOG.warning("%s called a tool that nobody offered", self.name)
        if not shown.strip():
            raise UserError("no_answer")
        return ()

    def _estimated(self, request: Request, shown: str) -> Usage:
        prompt_tokens = self.count_tokens(request.utterances)
        return Usage(prompt_tokens, self.count_tokens((Utterance.of("assistant", shown),)) - _TOKENS_PER_UTTERANCE)

    async def _within(self, wait_s: float, ends_at: float, work: Awaitable[Answer]) -> Answer:
        """What `work` gives, before the earlier of the two deadlines; the client's errors become ours."""
        from openai import OpenAIError

        try:
            return await asyncio.wait_for(work, max(0.0, min(wait_s, ends_at - clock.monotonic())))
        except TimeoutError:
            self._breaker.failed()
            raise UserError("model_slow") from None
        except (OpenAIError, ValueError) as error:  # ValueError: what came is no text, or no JSON
            ours = self._ours(error)
            if isinstance(ours, RetryableError):
                self._breaker.failed()
            # `from None`: the causes hold the server's words and our headers.
            raise ours from None

    def _ours(self, error: Exception) -> AssistantError:
        from openai import APIStatusError

        if not isinstance(error, APIStatusError):
            return RetryableError(f"the language model cannot be reached: {type(error).__name__}", after_s=5.0)
        status = error.status_code
        if status in (408, 409, 429) or status >= 500:
            return RetryableError(f"the language model's server answered {status}", after_s=_retry_after_s(error))
        if status in (401, 403, 404):
            _LOG.error("LM_URL answered %s: check LM_URL, LM_MODEL (%s) and LM_API_KEY", status, self.name)
            return UserError("model_unreachable")
        if _is_too_long(error):
            return UserError("message_too_long", limit_words=self.context_tokens // 4)
        return PermanentError(f"the language model's server refused the request: {status}")


async def _next(chunks: "AsyncIterator[ChatCompletionChunk]") -> "ChatCompletionChunk | None":
    return await anext(chunks, None)


def _lacks(error: "APIStatusError", named: re.Pattern[str]) -> bool:
    """Whether a server refuses something of that name."""
    return error.status_code in _LACKS and named.search(_words_of(error)) is not None


def _is_too_long(error: "APIStatusError") -> bool:
    return error.status_code == 413 or _TOO_LONG.search(_words_of(error)) is not None


def _words_of(error: "APIStatusError") -> str:
    return f"{error.code} {error.message}"


def _retry_after_s(error: "APIStatusError") -> float:
    try:
        return min(60.0, max(1.0, float(error.response.headers.get("retry-after", "2"))))
    except ValueError:
        return 2.0
