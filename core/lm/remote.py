"""A language model behind any OpenAI-compatible server: vLLM, Ray Serve, llama.cpp, Ollama, a hosted one.

Speaks through the `openai` client; its errors become ours here, and never carry the key or what the server said.
"""

import asyncio
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from core import clock
from core.errors import AssistantError, PermanentError, RetryableError, SettingError, UserError
from core.lm import server
from core.lm.base import Request, Utterance
from core.lm.circuit_breaker import Breaker
from core.lm.special_tokens import defused, pattern
from core.lm.stopping import StopFilter, WholeCharacters
from core.telemetry import TOKENS, log

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncStream
    from openai.types.chat import ChatCompletionChunk

FIRST_TEXT_S = 60.0
BETWEEN_TEXT_S = 30.0
TOTAL_S = 300.0
DEFAULT_CONTEXT_TOKENS = 8192
_CHARS_PER_TOKEN = 3.5
_TOKENS_PER_UTTERANCE = 4
_MARKERS = pattern()
_TOO_LONG = re.compile("context_length_exceeded|context (?:length|size|window)")
"""What OpenAI, vLLM ("maximum context length") and llama.cpp ("the available context size") say of too long a chat."""
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
        self._asked = url, model, api_key
        self._given_tokens = context_tokens
        self._met = False
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

    @property
    def instructable(self) -> bool:
        """Always: whoever runs a server runs a real model."""
        return True

    def count_tokens(self, utterances: Sequence[Utterance]) -> int:
        """An estimate, for the server's tokenizer is not known here.

        3.5 characters a token for ASCII text, one token for every other character, four for each utterance: somewhat
        more than most tokenizers make of English and Chinese.
        """
        plain = sum(sum(char.isascii() for char in each.content) for each in utterances)
        other = sum(len(each.content) for each in utterances) - plain
        return math.ceil(plain / _CHARS_PER_TOKEN) + other + _TOKENS_PER_UTTERANCE * len(utterances)

    async def stream(self, request: Request) -> AsyncGenerator[str, None]:
        """The answer in pieces; closing the generator hangs up, which ends the work on most servers.

        Raises RetryableError when the server is busy or gone, UserError("model_slow") after a deadline,
        UserError("model_unreachable") when it refuses the key or does not know the model, UserError("message_too_long")
        when it finds the chat too long, PermanentError when it refuses the request otherwise.
        """
        ends_at = clock.monotonic() + TOTAL_S
        stops, whole = StopFilter(request.stop), WholeCharacters()
        self._breaker.ask()
        await self._meet()
        stream = await self._within(FIRST_TEXT_S, ends_at, self._begin(request))
        chunks = aiter(stream)
        wait_s = FIRST_TEXT_S
        try:
            while (chunk := await self._within(wait_s, ends_at, _next(chunks))) is not None:
                _count(chunk)
                if text := stops.feed(whole.feed(_text_of(chunk))):
                    wait_s = BETWEEN_TEXT_S
                    yield text
                if stops.stopped:
                    break
            self._breaker.worked()
            if rest := stops.finish():
                yield rest
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
        chat: Any = [{"role": each.role, "content": defused(each.content, _MARKERS)} for each in request.utterances]
        sampling = request.sampling
        chosen: dict[str, Any] = {
            key: value
            for key, value in (
                ("temperature", sampling.temperature),
                ("top_p", sampling.top_p),
                ("seed", sampling.seed),
                ("stop", list(request.stop[:4]) or None),  # servers take four; the filter knows them all
            )
            if value is not None
        }
        return await self._client.chat.completions.create(
            model=self.name,
            messages=chat,
            max_tokens=request.max_new_tokens,
            stream=True,
            stream_options={"include_usage": True},
            **chosen,
        )

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
        if status == 413 or _TOO_LONG.search(f"{error.code} {error.message}"):
            return UserError("message_too_long", limit_words=self.context_tokens // 4)
        return PermanentError(f"the language model's server refused the request: {status}")


async def _next(chunks: "AsyncIterator[ChatCompletionChunk]") -> "ChatCompletionChunk | None":
    return await anext(chunks, None)


def _count(chunk: "ChatCompletionChunk") -> None:
    """The last chunk tells how many tokens went in and came out, where the server does."""
    if chunk.usage is not None:
        TOKENS.labels("in").inc(chunk.usage.prompt_tokens)
        TOKENS.labels("out").inc(chunk.usage.completion_tokens)


def _text_of(chunk: "ChatCompletionChunk") -> str:
    return (chunk.choices[0].delta.content or "") if chunk.choices else ""


def _retry_after_s(error: "APIStatusError") -> float:
    try:
        return min(60.0, max(1.0, float(error.response.headers.get("retry-after", "2"))))
    except ValueError:
        return 2.0
