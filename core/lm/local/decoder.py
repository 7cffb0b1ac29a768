"""The executor of slots: a model's forward over them, and one preallocated tensor a slot."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

from core.lm.local.attention import BatchView
from core.lm.local.sampling import choose
from core.lm.local.slots import OutOfMemory, Span

_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "could not create a memory")


@dataclass(frozen=True, slots=True)
class Size:
    """How keys and values of a token are kept."""

    layers: int
    kv_heads: int
    head_dim: int
    dtype: torch.dtype
    device: torch.device


class Net(Protocol):
    """A model over slots: layers of our own (`Fused`), or transformers' (`Whole`)."""

    @property
    def weights(self) -> torch.nn.Module:
        """What holds its weights."""
        ...

    def logits(self, ids: torch.Tensor, positions: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """Logits, [N, V], after the tokens at `last`, int[N], of all rows' new tokens one after another, int[T]."""
        ...


class Decoder:
    """A model over slots."""

    def __init__(self, net: Net, view: BatchView, size: Size) -> None:
        """`view` is what the net's layers write to and attend by."""
        self.net = net
        self._view = view
        self._size = size
        self._slots: dict[int, torch.Tensor] = {}

    @property
    def token_bytes(self) -> int:
        """Cache bytes of one token of one slot: a key and a value for each layer."""
        size = self._size
        return size.layers * 2 * size.kv_heads * size.head_dim * size.dtype.itemsize

    def run(self, spans: Sequence[Span]) -> list[int | None]:
        """One forward over all spans, and the next token of those that draw one."""
        sampled = [span for span in spans if span.sampling is not None]
        with torch.inference_mode(), _memory():
            logits = self._logits(spans)
            if not sampled:
                return [None] * len(spans)
            states = [span.sampling for span in sampled if span.sampling is not None]
            tokens = iter(choose(logits, states, [span.seen for span in sampled]))
        return [None if span.sampling is None else next(tokens) for span in spans]

    def reserve(self, slot: int, tokens: int) -> None:
        """Room for so many tokens in a slot, what it holds copied over."""
        before = self._slots.get(slot)
        size = self._size
        shape = (size.layers, 2, 1, size.kv_heads, tokens, size.head_dim)
        with torch.inference_mode(), _memory():
            room = torch.empty(shape, dtype=size.dtype, device=size.device)
            if before is not None:
                room[:, :, :, :, : before.shape[4]] = before
        self._slots[slot] = room

    def copy(self, source: int, target: int, tokens: int) -> None:
        """Copy the first tokens of a slot into another."""
        with torch.inference_mode():
            self._slots[target][:, :, :, :, :tokens] = self._slots[source][:, :, :, :, :tokens]

    def release(self, slot: int) -> None:
        """Free a slot's memory."""
        self._slots.pop(slot, None)

    def logits(self, spans: Sequence[Span]) -> torch.Tensor:
        """Logits, [N, V], after the last token of each span that draws."""
        with torch.inference_mode(), _memory():
            return self._logits(spans)

    def _logits(self, spans: Sequence[Span]) -> torch.Tensor:
        device = self._size.device
        ids, positions, last = [], [], []
        for span in spans:
            ids += span.ids
            positions += range(span.start, span.start + len(span.ids))
            if span.sampling is not None:
                last.append(len(ids) - 1)
        self._view.lay_out(spans, self._slots)
        try:
            numbers = (torch.tensor(each, dtype=torch.long, device=device) for each in (ids, positions, last))
            return self.net.logits(*numbers)
        finally:
            self._view.clear()


@contextmanager
def _memory() -> Generator[None]:
    """The ways in which torch says that there is no memory become one."""
    try:
        yield
    except MemoryError as error:
        raise OutOfMemory(str(error)) from error
    except RuntimeError as error:
        if not any(sign in str(error) for sign in _NO_MEMORY):
            raise
        raise OutOfMemory(str(error).splitlines()[0]) from error
