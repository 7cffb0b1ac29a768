"""Any transformers causal model with a chat template, on this machine; without a name, the one that ships with Parley.

Generation runs in one thread of its own, one request after another, and hands text to the event loop piece by piece.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from core.errors import PermanentError, RetryableError, UserError
from core.lm.base import Request, Sampling, Utterance, words_within
from core.lm.loading import SHIPPED_NAME, Loaded, load
from core.lm.stopping import StopFilter, TextGrower


class LocalModel:
    """A language model in this process."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self.name: str = loaded.name
        self.context_tokens: int = loaded.context_tokens
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lm")
        self._closing = threading.Event()

    @classmethod
    def open(cls, model: str | None) -> "LocalModel":
        """Loads a hub id, a folder, or with None the shipped model; blocks, for minutes when it has to download.

        Raises SettingError("LM_MODEL") that names what is missing.
        """
        return cls(load(model))

    @property
    def instructable(self) -> bool:
        """Not the one that ships."""
        return self.name != SHIPPED_NAME

    def count_tokens(self, utterances: Sequence[Utterance]) -> int:
        """Tokens of the rendered chat, with what asks for the answer."""
        return len(self._loaded.encode(utterances))

    async def stream(self, request: Request) -> AsyncGenerator[str, None]:
        """The answer in pieces; closing the generator ends the work within a token.

        Raises UserError("message_too_long", limit_words) when the chat leaves no room for an answer, PermanentError
        when the model fails, RetryableError when it is closed meanwhile.
        """
        ids = self._loaded.encode(request.utterances)
        room = self.context_tokens - len(ids)
        if room < 1:
            said = request.utterances[-1].content if request.utterances else ""
            taken = self.count_tokens(request.utterances[-1:])
            limit = words_within(said, taken, self.context_tokens // 2)
            raise UserError("message_too_long", limit_words=limit)
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[str | None] = asyncio.Queue()
        cancelled = threading.Event()

        def show(piece: str | None) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def work() -> None:
            try:
                self._generate(ids, request, min(room, request.max_new_tokens, self._loaded.longest), show, cancelled)
            finally:
                show(None)

        self._refuse_when_closing()
        submitted = self._thread.submit(work)
        running = asyncio.wrap_future(submitted)
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            await running
        finally:
            cancelled.set()
            if not submitted.cancel():
                await asyncio.wait([running])  # at most one more token

    def _generate(
        self,
        ids: list[int],
        request: Request,
        max_new_tokens: int,
        show: Callable[[str | None], None],
        cancelled: threading.Event,
    ) -> None:
        """Runs in the model's thread; shows pieces until the answer, a stop string or a cancellation ends it."""
        import torch  # heavy

        self._refuse_when_closing()
        if cancelled.is_set():
            return
        writer = _Writer(self._loaded.decode, StopFilter(request.stop), show, (cancelled, self._closing))
        prompt = torch.tensor([ids], device=self._loaded.device)  # (1, T)
        try:
            with torch.inference_mode(), torch.random.fork_rng(enabled=request.sampling.seed is not None):
                if request.sampling.seed is not None:
                    torch.manual_seed(request.sampling.seed)
                self._loaded.model.generate(
                    prompt,
                    attention_mask=torch.ones_like(prompt),
                    max_new_tokens=max_new_tokens,
                    streamer=writer,
                    stopping_criteria=[writer.is_done],
                    **_drawing(request.sampling),
                )
        except (RuntimeError, ValueError, IndexError) as error:
            raise PermanentError(f"{self.name} failed: {type(error).__name__}: {error}") from error
        self._refuse_when_closing()
        writer.finish()

    def _refuse_when_closing(self) -> None:
        if self._closing.is_set():
            raise RetryableError("the language model is closing")

    async def close(self) -> None:
        """Ends running work, which fails with RetryableError, and frees the thread; idempotent."""
        self._closing.set()
        await asyncio.to_thread(self._thread.shutdown)


def _drawing(sampling: Sampling) -> dict[str, Any]:
    """Arguments of `generate`; those left out come from the model's generation_config."""
    chosen: dict[str, Any] = {}
    if sampling.temperature is not None:
        chosen["do_sample"] = sampling.temperature > 0
        if sampling.temperature > 0:
            chosen["temperature"] = sampling.temperature
    if sampling.top_p is not None and sampling.temperature != 0:
        chosen |= {"do_sample": True, "top_p": sampling.top_p}
    return chosen


class _Writer:
    """The streamer that `generate` writes tokens to, and the question whether it should go on."""

    def __init__(
        self,
        decode: Callable[[list[int]], str],
        stops: StopFilter,
        show: Callable[[str | None], None],
        cancels: Sequence[threading.Event],
    ) -> None:
        self._grower = TextGrower(decode)
        self._stops = stops
        self._show = show
        self._cancels = cancels
        self._prompt_seen = False

    def put(self, value: Any) -> None:
        """Takes the prompt [1, T] once, then each token [1]."""
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        for token in value.reshape(-1).tolist():
            self._pass_on(self._stops.feed(self._grower.feed(token)))

    def end(self) -> None:
        """Nothing: what was held back is shown by `finish`, which knows that there was no error."""

    def finish(self) -> None:
        """Shows what was held back."""
        if not self._cancelled():
            self._pass_on(self._stops.finish())

    def is_done(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        """Asked by `generate` after every token; a bool for each row."""
        return input_ids.new_full((input_ids.shape[0],), self._stops.stopped or self._cancelled()).bool()

    def _cancelled(self) -> bool:
        return any(event.is_set() for event in self._cancels)

    def _pass_on(self, text: str) -> None:
        if text and not self._cancelled():
            self._show(text)
