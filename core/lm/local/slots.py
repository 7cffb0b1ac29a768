"""Who sits in which slot of the key/value cache, and at what length: bookkeeping, without torch.

A slot is one conversation's stretch of the cache. It belongs to a running answer, or is kept for its channel until the
next turn, which then computes its new words only. What an executor holds is told by token ids: a slot's `ids` are
those whose keys and values are in it, so that the longest common prefix says what can be used again.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from core.lm.local.sampling import SamplingState

BLOCK_TOKENS = 256
"""Slots grow in steps of so many tokens."""


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the longest common prefix."""
    length = min(len(one), len(other))
    return next((at for at in range(length) if one[at] != other[at]), length)


class OutOfMemory(MemoryError):
    """The executor found no room; it is as it was before."""


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens to compute, from position `start` of a slot on. With `sampling` the token after them is wanted.

    `seen` are all tokens of the conversation so far, for what depends on them.
    """

    slot: int
    start: int
    ids: Sequence[int]
    sampling: SamplingState | None = None
    seen: Sequence[int] = ()


class Executor(Protocol):
    """What computes: the model with its key/value cache. Knows slots by number, and nothing of channels."""

    @property
    def token_bytes(self) -> int:
        """Cache bytes of one token of one slot."""
        ...

    def run(self, spans: Sequence[Span]) -> Sequence[int | None]:
        """One forward over all spans: writes their keys and values, and draws the next token where one is wanted.

        Spans are of different slots, and each slot has room for its span. Running the same spans again gives the same.
        Raises OutOfMemory.
        """
        ...

    def reserve(self, slot: int, tokens: int) -> None:
        """Give a slot, which may be new, room for so many tokens and keep what it holds; raises OutOfMemory."""
        ...

    def copy(self, source: int, target: int, tokens: int) -> None:
        """Copy a slot's first tokens into another that has room for them."""
        ...

    def release(self, slot: int) -> None:
        """Give back a slot's memory."""
        ...


@dataclass(slots=True, eq=False)
class Slot:
    """`ids` are the tokens computed, `capacity` those there is room for, `system` those that any channel may copy."""

    number: int
    ids: list[int] = field(default_factory=list)
    capacity: int = 0
    system: tuple[int, ...] = ()


class Slots:
    """All slots, bounded in bytes: those of running answers, and those kept for channels, least recently used first."""

    def __init__(self, executor: Executor, limit_bytes: int) -> None:
        self._executor = executor
        self._numbers = count()
        self._taken: list[Slot] = []
        self._kept: OrderedDict[str, Slot] = OrderedDict()
        self.limit_bytes = limit_bytes

    @property
    def taken(self) -> int:
        """Slots of running answers."""
        return len(self._taken)

    @property
    def kept(self) -> int:
        """Channels whose slot is kept."""
        return len(self._kept)

    @property
    def used_bytes(self) -> int:
        """Bytes of all slots."""
        return sum(slot.capacity for slot in self._all()) * self._executor.token_bytes

    def fits(self, channel: str, tokens: int) -> bool:
        """Whether a prompt of so many tokens has room beside the running answers; alone it always has."""
        own = self._kept.get(channel)
        needed = max(_blocks(tokens), own.capacity if own else 0)
        running = sum(slot.capacity for slot in self._taken)
        return not self._taken or (running + needed) * self._executor.token_bytes <= self.limit_bytes

    def take(self, channel: str, ids: Sequence[int], system_tokens: int) -> Slot:
        """A slot for a prompt, with room for it and as much of it computed as was kept: never all of it.

        The first `system_tokens` of it are the same for everybody and may come from another slot. Raises OutOfMemory.
        """
        slot = self._kept.pop(channel, None) or Slot(next(self._numbers))
        del slot.ids[common_prefix(slot.ids, ids[:-1]) :]
        slot.system = tuple(ids[: min(system_tokens, len(ids) - 1)])
        self._taken.append(slot)
        try:
            self.grow(slot, len(ids) + 1)
        except OutOfMemory:
            self._drop(slot)
            raise
        self._copy_system(slot)
        return slot

    def grow(self, slot: Slot, tokens: int) -> None:
        """Room for so many tokens; kept slots give way, and where memory is short they all do. Raises OutOfMemory."""
        capacity = _blocks(tokens)
        if capacity <= slot.capacity:
            return
        self._make_room((capacity - slot.capacity) * self._executor.token_bytes)
        try:
            self._executor.reserve(slot.number, capacity)
        except OutOfMemory:
            if not self.drop_kept():
                raise
            self._executor.reserve(slot.number, capacity)
        slot.capacity = capacity

    def leave(self, slot: Slot, channel: str) -> None:
        """The answer has ended; its slot is kept for `channel`, unless that is ""."""
        if not channel:
            self._drop(slot)
            return
        self.forget(channel)
        self._taken.remove(slot)
        self._kept[channel] = slot
        self._make_room(0)

    def forget(self, channel: str) -> None:
        """Drop what is kept for a channel."""
        if channel in self._kept:
            self._executor.release(self._kept.pop(channel).number)

    def drop_kept(self) -> bool:
        """Drop everything that is kept; whether there was anything."""
        had = bool(self._kept)
        while self._kept:
            self.forget(next(iter(self._kept)))
        return had

    def _drop(self, slot: Slot) -> None:
        self._taken.remove(slot)
        self._executor.release(slot.number)

    def _make_room(self, more_bytes: int) -> None:
        while self._kept and self.used_bytes + more_bytes > self.limit_bytes:
            self.forget(next(iter(self._kept)))

    def _copy_system(self, slot: Slot) -> None:
        """The system words from any slot that begins with the same ones."""
        system = slot.system
        if len(slot.ids) >= len(system):
            return
        for source in self._all():
            if source is not slot and source.system == system and len(source.ids) >= len(system):
                self._executor.copy(source.number, slot.number, len(system))
                slot.ids[:] = system
                return

    def _all(self) -> list[Slot]:
        return [*self._taken, *self._kept.values()]


def _blocks(tokens: int) -> int:
    return -(-tokens // BLOCK_TOKENS) * BLOCK_TOKENS
