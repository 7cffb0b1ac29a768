"""Parley's own engine, as it stands in the product: `core.lm.local.batch` over `core.lm.local.decoder`."""

import time
from collections.abc import Sequence
from typing import Any

from benchmarks.weights import prompt
from core.lm.local.batch import Batch, Job
from core.lm.local.loading import cache_limit_bytes
from core.lm.local.quantization import quantized
from core.lm.local.trial import decoder_of


class Parley:
    """A model in slots."""

    name = "Parley"

    def __init__(self, model: Any, *, int8: bool = False) -> None:
        decoder = decoder_of(model)
        self._batch = Batch(decoder, cache_limit_bytes())
        if int8:
            quantized(decoder.net.weights)

    def read(self, tokens: int) -> float:
        """Prompt tokens a second until the first token of the answer."""
        return tokens / self.say(prompt(tokens))[0]

    def write(self, chats: int, context: int, tokens: int) -> float:
        """Tokens a second of all chats together, each after so many of context."""
        counts = [0] * chats
        for chat in range(chats):

            def take(token: int, chat: int = chat) -> bool:
                counts[chat] += 1
                return True

            self._batch.submit(Job(prompt(context, chat), tokens + 1, take, _fine, channel=f"{context}-{chat}"))
        while not all(counts):
            self._batch.step()
        before, start = sum(counts), time.perf_counter()
        while self._batch.busy:
            self._batch.step()
        return (sum(counts) - before) / (time.perf_counter() - start)

    def say(self, ids: Sequence[int], tokens: int = 1, channel: str = "", system: int = 0) -> tuple[float, list[int]]:
        """Seconds to the first token of an answer, and the answer."""
        said: list[int] = []
        firsts: list[float] = []
        start = time.perf_counter()

        def take(token: int) -> bool:
            if not said:
                firsts.append(time.perf_counter() - start)
            said.append(token)
            return True

        self._batch.submit(Job(ids, tokens, take, _fine, channel=channel, system_tokens=system))
        while self._batch.busy:
            self._batch.step()
        return firsts[0], said

    def forget(self, channel: str) -> None:
        """Drop what is kept for a channel."""
        self._batch.forget(channel)


def _fine(error: BaseException | None) -> None:
    if error is not None:
        raise error
