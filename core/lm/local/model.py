"""Any transformers causal model with a chat template, on this machine; without a name, the one that ships with Parley.

Computing happens in one thread of its own, which runs while there is something to do. Answers are made side by side in
slots (`batch`), or one after another by `generate` where the model cannot be served so (`sequential`).
"""

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from core.errors import AssistantError, PermanentError, RetryableError, UserError
from core.lm.base import Capability, ModelStatus, Piece, Request, Text, Usage, Utterance, estimate_word_limit
from core.lm.local.attention import Unservable
from core.lm.local.batch import Batch, Job
from core.lm.local.loading import SHIPPED_NAME, LoadedModel, cache_limit_bytes, load
from core.lm.local.packs import Progress
from core.lm.local.quantization import Quantize, quantized, weight_bits, weight_bytes
from core.lm.local.sampling import sampling_state
from core.lm.stopping import ByteDetokenizer, IncrementalDetokenizer, StopFilter
from core.telemetry import CACHE_BYTES, count_tokens, log

if TYPE_CHECKING:
    from core.lm.local.sequential import Plain

_LONG_CHAT_CHARS = 8_000
"""Tokenising more than this takes long enough to be felt on the event loop."""
_COUNTS = 4096
"""Numbers of tokens that are remembered: a hundred bytes each."""
_SHORT_CHAT_TOKENS = 1024
"""Where there is no memory for an answer to so few, the machine is short of it for the moment."""
_LOG = log("lm")


class LocalModel:
    """A language model in this process."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.name: str = loaded.name
        self.revision: str = loaded.revision
        self.context_tokens: int = loaded.context_tokens
        self._loaded, self._batch = _batch(loaded)
        self._weight_bytes, self._bits = weight_bytes(self._loaded.weights), weight_bits(self._loaded.weights)
        self._counts: OrderedDict[bytes, int] = OrderedDict()
        self._counting = threading.Lock()
        self._calls: deque[Callable[[], None]] = deque()
        self._thread = ThreadPoolExecutor(1, "lm", torch.set_num_threads, (loaded.threads,))
        self._lock = threading.Lock()
        self._working = False
        self._closing = False
        CACHE_BYTES.set_function(lambda: self.status().cache_bytes)

    @classmethod
    def open(
        cls,
        model: str | None,
        quantize: Quantize = "auto",
        keep: Path | None = None,
        progress: Progress | None = None,
    ) -> "LocalModel":
        """Loads a folder, a GGUF file, or with None the shipped model; blocks, for minutes when it has to convert: then
        `progress` is told from 0 to 1, and may raise to stop it. What was converted is kept below `keep`.

        Raises SettingError("LM_MODEL") that names what is missing.
        """
        return cls(load(model, quantize, keep, progress))

    @property
    def weight_bytes(self) -> int:
        """What its weights take in memory."""
        return self._weight_bytes

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Seeds; the one that ships takes no instructions."""
        return frozenset(("seeds",)) if self.name == SHIPPED_NAME else frozenset(("seeds", "instructions"))

    def count_tokens(self, utterances: Sequence[Utterance]) -> int:
        """Tokens of the rendered chat, with what asks for the answer.

        Every turn asks again for all that came before it, so numbers are remembered, and the words by a digest alone.
        """
        known = blake2b(repr(utterances).encode(), digest_size=16).digest()
        with self._counting:
            count = self._counts.pop(known, None)
        if count is None:
            count = len(self._loaded.encode(utterances))
        with self._counting:
            self._counts[known] = count
            if len(self._counts) > _COUNTS:
                self._counts.popitem(last=False)
        return count

    def status(self) -> ModelStatus:
        """What it holds at this moment."""
        slots = self._batch.slots if isinstance(self._batch, Batch) else None
        return ModelStatus(
            name=self.name,
            weight_bytes=self._weight_bytes,
            bits=self._bits,
            context_tokens=self.context_tokens,
            slots_in_use=slots.taken if slots else 0,
            waiting=self._batch.waiting,
            kept_channels=slots.kept if slots else 0,
            cache_bytes=slots.used_bytes if slots else 0,
            cache_limit_bytes=slots.limit_bytes if slots else 0,
        )

    def forget(self, channel: str) -> None:
        """Drop what was computed for a channel, soon; with "" for all."""
        self._call(lambda: self._batch.forget(channel))

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """The answer: texts, at the end the Usage; closing the generator ends the work within a step.

        Raises UserError("message_too_long", limit_words) when the chat leaves no room for an answer or when there is no
        memory for one so long, UserError("image_not_understood") for images, PermanentError when the model fails,
        RetryableError when too many wait or when it is closed meanwhile.
        """
        if any(each.images for each in request.utterances):
            raise UserError("image_not_understood")
        ids, system_tokens = await self._encode(request.utterances)
        budget_tokens = self.context_tokens - len(ids)
        if budget_tokens < 1:
            raise await asyncio.to_thread(self._too_long, request, self.context_tokens)
        answer = _Answer(self._loaded.detokenizer(), request.stop)
        job = Job(
            ids,
            min(budget_tokens, request.max_new_tokens, self._loaded.longest),
            answer.take,
            answer.finish,
            channel=request.channel,
            system_tokens=system_tokens,
            eos_ids=frozenset(self._loaded.generation.ends),
            sampling=sampling_state(request.sampling, self._loaded.generation),
        )
        self._submit(job)
        try:
            while (piece := await answer.pieces.get()) is not None:
                yield Text(piece)
            if answer.error is not None:
                raise await asyncio.to_thread(self._ours, answer.error, request, len(ids))
            count_tokens(len(ids), job.kept_tokens, answer.tokens)
            yield Usage(len(ids), answer.tokens, job.kept_tokens)
        finally:
            job.cancel()
            await answer.finished.wait()  # at most one more step

    async def close(self) -> None:
        """Ends running work, which fails with RetryableError, and frees the thread; idempotent."""
        self._closing = True
        self._call(lambda: self._batch.fail(_closed()))
        await asyncio.to_thread(self._thread.shutdown)

    async def _encode(self, utterances: Sequence[Utterance]) -> tuple[list[int], int]:
        if sum(len(each.text) for each in utterances) > _LONG_CHAT_CHARS:
            return await asyncio.to_thread(self._loaded.encode_with_system, utterances)
        return self._loaded.encode_with_system(utterances)

    def _submit(self, job: Job) -> None:
        if self._closing:
            raise _closed()
        self._call(lambda: self._batch.submit(job))

    def _call(self, work: Callable[[], None]) -> None:
        """Have the thread do this before its next step; nothing when it is closed and has ended."""
        with self._lock:
            self._calls.append(work)
            if not self._working:
                self._working = True
                try:
                    self._thread.submit(self._work)
                except RuntimeError:  # closed: nothing runs any more
                    self._calls.clear()

    def _work(self) -> None:
        """Step until nothing is left to do."""
        try:
            while self._takes_calls():
                if self._batch.busy:
                    self._batch.step()
        except BaseException as error:
            self._batch.fail(error)
            with self._lock:
                self._working = False
            raise

    def _takes_calls(self) -> bool:
        """Do what was asked for meanwhile; False when there is nothing to do."""
        with self._lock:
            calls = list(self._calls)
            self._calls.clear()
            goes_on = self._working = bool(calls) or self._batch.busy
        for call in calls:
            call()
        return goes_on

    def _ours(self, error: BaseException, request: Request, prompt_tokens: int) -> AssistantError:
        if isinstance(error, AssistantError):
            return error
        if isinstance(error, MemoryError):
            _LOG.warning("no memory for an answer to %s tokens: %s", prompt_tokens, error)
            if prompt_tokens > _SHORT_CHAT_TOKENS:
                return self._too_long(request, prompt_tokens // 2)
            return RetryableError("no memory for an answer", after_s=5.0)
        return PermanentError(f"{self.name} failed: {type(error).__name__}: {error}")

    def _too_long(self, request: Request, tokens: int) -> UserError:
        """What to say when a chat may have so many tokens: half of them for the newest message."""
        said = request.utterances[-1].text if request.utterances else ""
        taken = self.count_tokens(request.utterances[-1:])
        return UserError("message_too_long", limit_words=estimate_word_limit(said, taken, tokens // 2))


class _Answer:
    """One answer on its way from the model's thread to the event loop."""

    def __init__(self, detokenizer: IncrementalDetokenizer | ByteDetokenizer, stop: Sequence[str]) -> None:
        self.pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self.finished = asyncio.Event()
        self.error: BaseException | None = None
        self.tokens = 0
        self._loop = asyncio.get_running_loop()
        self._detokenizer = detokenizer
        self._stops = StopFilter(stop)

    def take(self, token: int) -> bool:
        """Show what the token completes; False when a stop string ends the answer or nobody is there."""
        self.tokens += 1
        text = self._stops.feed(self._detokenizer.feed(token))
        heard = self._tell(self.pieces.put_nowait, text) if text else True
        return heard and not self._stops.stopped

    def finish(self, error: BaseException | None) -> None:
        """Show what was held back, and end."""
        rest = self._stops.feed(self._detokenizer.finish()) + self._stops.finish() if error is None else ""
        if rest:
            self._tell(self.pieces.put_nowait, rest)
        self._tell(self._end, error)

    def _end(self, error: BaseException | None) -> None:
        self.error = error
        self.pieces.put_nowait(None)
        self.finished.set()

    def _tell(self, function: Callable[[Any], None], value: Any) -> bool:
        try:
            self._loop.call_soon_threadsafe(function, value)
        except RuntimeError:  # the loop is closed: whoever waited has gone
            return False
        return True


def _batch(loaded: LoadedModel) -> "tuple[LoadedModel, Batch | Plain]":
    """What answers, and what is then held of what was loaded: no second copy of the weights."""
    if not loaded.decoder:
        from core.lm.local.trial import decoder_of  # with transformers, which takes seconds to import

        try:
            loaded = replace(loaded, decoder=decoder_of(loaded.model), model=None)
        except Unservable as reason:
            _LOG.warning("%s answers one chat at a time and keeps nothing between turns: %s", loaded.name, reason)
    if loaded.int8:  # last, because bits that are lost would hide that a model is computed otherwise
        quantized(loaded.weights)
    if loaded.decoder:
        return loaded, Batch(loaded.decoder, cache_limit_bytes())
    from core.lm.local.sequential import Plain

    return loaded, Plain(loaded.model)


def _closed() -> RetryableError:
    return RetryableError("the language model is closing")
