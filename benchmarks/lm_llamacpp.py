"""llama.cpp through llama-cpp-python's low-level interface: several sequences in one batch, greedy.

It works in a child process, `python -m benchmarks.lm_llamacpp FILE`, which has a libgomp of its own: in one process
with torch its threads would wait as Parley tells torch's to.
"""

import ctypes
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

os.environ.pop("GOMP_SPINCOUNT", None)  # before libgomp is loaded, which the next line does
lib: Any = importlib.import_module("llama_cpp.llama_cpp")  # which only the extra "bench" installs

from benchmarks.weights import prompt  # noqa: E402 - torch, which brings a libgomp too

_READ_TOKENS = 512


class LlamaCppChild:
    """A `LlamaCpp` in a process of its own, which does nothing until it is asked."""

    name = "llama.cpp, Q8_0"

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.lm_llamacpp", str(path)]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self, tokens: int) -> float:
        return self._ask("read", tokens)

    def write(self, chats: int, context: int, tokens: int) -> float:
        return self._ask("write", chats, context, tokens)

    def close(self) -> None:
        self._child.communicate()

    def _ask(self, *asked: str | int) -> float:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(asked) + "\n")
        self._child.stdin.flush()
        return float(self._child.stdout.readline())


class LlamaCpp:
    """One model; a context for each number of chats and length, which stays as it is between measurements."""

    def __init__(self, path: Path) -> None:
        lib.llama_log_set(_quiet, ctypes.c_void_p())
        lib.llama_backend_init()
        self._model = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
        assert self._model, f"{path} cannot be loaded"
        self._vocabulary = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self._model))
        self._contexts: dict[tuple[int, int], Any] = {}

    def read(self, tokens: int) -> float:
        """Prompt tokens a second until the first token of the answer."""
        context = self._context(1, tokens)
        lib.llama_memory_clear(lib.llama_get_memory(context), True)
        start = time.perf_counter()
        self._feed(context, [(token, place, 0) for place, token in enumerate(prompt(tokens))])
        self._next(context, [tokens - 1])
        return tokens / (time.perf_counter() - start)

    def write(self, chats: int, context_tokens: int, tokens: int) -> float:
        """Tokens a second of all chats together, each after so many of context."""
        primed = (chats, context_tokens) in self._contexts
        context = self._context(chats, context_tokens)
        if not primed:
            for chat in range(chats):
                self._feed(context, [(token, at, chat) for at, token in enumerate(prompt(context_tokens, chat))])
        last = [prompt(context_tokens, chat)[-1] for chat in range(chats)]
        start = time.perf_counter()
        for place in range(context_tokens, context_tokens + tokens):
            self._feed(context, [(token, place, chat) for chat, token in enumerate(last)], every=True)
            last = self._next(context, range(chats))
        took_s = time.perf_counter() - start
        for chat in range(chats):
            lib.llama_memory_seq_rm(lib.llama_get_memory(context), chat, context_tokens, -1)
        return chats * tokens / took_s

    def logits(self, ids: Sequence[int]) -> Any:
        """float32[V] after these tokens."""
        context = self._context(1, len(ids))
        lib.llama_memory_clear(lib.llama_get_memory(context), True)
        self._feed(context, [(token, place, 0) for place, token in enumerate(ids)])
        return self._logits(context, len(ids) - 1).copy()

    def _context(self, chats: int, tokens: int) -> Any:
        """Room for the longest answer that is measured after so many tokens of each chat."""
        if (chats, tokens) not in self._contexts:
            asked = lib.llama_context_default_params()
            asked.n_seq_max, asked.n_ctx = chats, chats * (tokens + 256)
            asked.n_batch = asked.n_ubatch = _READ_TOKENS
            asked.n_threads = asked.n_threads_batch = len(os.sched_getaffinity(0))
            self._contexts[chats, tokens] = lib.llama_init_from_model(self._model, asked)
        return self._contexts[chats, tokens]

    def _feed(self, context: Any, tokens: Sequence[tuple[int, int, int]], *, every: bool = False) -> None:
        """Compute (token, place, sequence); logits of every one, or of the last."""
        for start in range(0, len(tokens), _READ_TOKENS):
            part = tokens[start : start + _READ_TOKENS]
            batch = lib.llama_batch_init(len(part), 0, 1)
            batch.n_tokens = len(part)
            for at, (token, place, sequence) in enumerate(part):
                batch.token[at], batch.pos[at] = token, place
                batch.n_seq_id[at], batch.seq_id[at][0] = 1, sequence
                batch.logits[at] = every or start + at == len(tokens) - 1
            failed = lib.llama_decode(context, batch)
            lib.llama_batch_free(batch)
            assert not failed, f"llama_decode: {failed}"

    def _next(self, context: Any, at: Sequence[int]) -> list[int]:
        return [int(self._logits(context, each).argmax()) for each in at]

    def _logits(self, context: Any, at: int) -> Any:
        return np.ctypeslib.as_array(lib.llama_get_logits_ith(context, at), shape=(self._vocabulary,))


@lib.llama_log_callback
def _quiet(level: int, text: bytes, data: Any) -> None:
    """It says a great deal."""


def main(path: str) -> None:
    """Answer each line of stdin, a method and its arguments, with what it returns."""
    model = LlamaCpp(Path(path))
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(getattr(model, method)(*arguments), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
