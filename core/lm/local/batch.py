"""Answers made side by side: they join and leave at every step. Without torch; everything but `cancel` in one thread.

A step is one forward: one token of each answer that is being written, and a share of the prompts that are being read.
Prompts share what a step reads evenly, so that a short one never waits for a long one; while somebody writes, less is
read in a step, so that writing goes on.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.errors import RetryableError
from core.lm.local.sampling import SamplingState
from core.lm.local.slots import Executor, OutOfMemory, Slot, Slots, Span

MAX_BATCH = 16
WAITING = 256
READ_TOKENS = 256
"""Prompt tokens of a step while nobody writes."""
READ_BESIDE_TOKENS = 64
"""And while somebody does."""
FAILURES = (RuntimeError, ValueError, IndexError, MemoryError)
"""What torch raises."""


@dataclass(slots=True, eq=False)
class Job:
    """One answer wanted: prompt ids, and where its tokens go.

    `on_token` gets each token and says whether to go on; `on_end` is called once, with what went wrong or None. Both
    run in the batch's thread and must not block. A token of `eos_ids` ends the answer and is not passed on. With a
    `channel` the slot is kept for its next job. The first `system_tokens` are the same for every channel. `kept_tokens`
    is told when it begins: how much of the prompt need not be computed again.
    """

    ids: Sequence[int]
    max_new_tokens: int
    on_token: Callable[[int], bool]
    on_end: Callable[[BaseException | None], None]
    channel: str = ""
    system_tokens: int = 0
    eos_ids: frozenset[int] = frozenset()
    sampling: SamplingState = field(default_factory=SamplingState)
    cancelled: bool = field(default=False, init=False)
    kept_tokens: int = field(default=0, init=False)

    def cancel(self) -> None:
        """End it at the next step; from any thread."""
        self.cancelled = True


@dataclass(slots=True, eq=False)
class _Row:
    """A job that runs: `ids` are its prompt and its answer, of which the slot's are computed."""

    job: Job
    slot: Slot
    ids: list[int]

    @property
    def rest(self) -> int:
        """Tokens to compute before the next can be drawn; 1 while it writes."""
        return len(self.ids) - len(self.slot.ids)

    def span(self, tokens: int) -> Span:
        start = len(self.slot.ids)
        sampling = self.job.sampling if tokens == self.rest else None
        return Span(self.slot.number, start, self.ids[start : start + tokens], sampling, self.ids)


class Batch:
    """Jobs over one executor: at most `max_batch` at once, the others wait in their order."""

    def __init__(
        self, executor: Executor, limit_bytes: int, *, max_batch: int = MAX_BATCH, waiting: int = WAITING
    ) -> None:
        self._executor = executor
        self._max_batch = max_batch
        self._most_waiting = waiting
        self._waiting: deque[Job] = deque()
        self._rows: list[_Row] = []
        self.slots = Slots(executor, limit_bytes)

    @property
    def busy(self) -> bool:
        """Whether a step would do anything."""
        return bool(self._rows or self._waiting)

    @property
    def waiting(self) -> int:
        """Jobs that have no slot yet."""
        return len(self._waiting)

    def submit(self, job: Job) -> None:
        """Let a job wait for its slot; when too many wait, it is done at once with RetryableError."""
        if len(self._waiting) >= self._most_waiting:
            job.on_end(RetryableError(f"{len(self._waiting)} answers wait for the language model", after_s=5.0))
            return
        self._waiting.append(job)

    def forget(self, channel: str) -> None:
        """Drop what is kept for a channel, with "" for all; an answer of it that runs or waits is not kept either."""
        if channel:
            self.slots.forget(channel)
        else:
            self.slots.drop_kept()
        for job in (*self._waiting, *(row.job for row in self._rows)):
            if channel in ("", job.channel):
                job.channel = ""

    def step(self) -> None:
        """One forward. Jobs that were cancelled leave before it, jobs that are finished after it."""
        self._part()
        self._admit()
        planned = self._plan()
        if planned:
            for row, span, token in self._run(planned):
                row.slot.ids += span.ids
                if token is not None:
                    self._write(row, token)

    def fail(self, error: BaseException) -> None:
        """End every job with this error."""
        for job in self._waiting:
            job.on_end(error)
        self._waiting.clear()
        for row in list(self._rows):
            self._end(row, error)

    def _part(self) -> None:
        for job in [job for job in self._waiting if job.cancelled]:
            self._waiting.remove(job)
            job.on_end(None)
        for row in [row for row in self._rows if row.job.cancelled]:
            self._end(row)

    def _admit(self) -> None:
        while self._waiting and len(self._rows) < self._max_batch:
            job = self._waiting[0]
            if not self.slots.fits(job.channel, len(job.ids) + 1):
                return
            self._waiting.popleft()
            try:
                slot = self.slots.take(job.channel, job.ids, job.system_tokens)
            except OutOfMemory as error:
                job.on_end(error)
                continue
            job.kept_tokens = len(slot.ids)
            self._rows.append(_Row(job, slot, list(job.ids)))

    def _plan(self) -> list[tuple[_Row, Span]]:
        """What this step computes; a row that finds no room for it ends."""
        writing = [row for row in self._rows if row.rest == 1]
        reading = [row for row in self._rows if row.rest > 1]
        shares = _share(READ_BESIDE_TOKENS if writing else READ_TOKENS, [row.rest for row in reading])
        planned: list[tuple[_Row, Span]] = []
        for row, tokens in [*((row, 1) for row in writing), *zip(reading, shares, strict=True)]:
            try:
                self.slots.grow(row.slot, len(row.slot.ids) + tokens)
            except OutOfMemory as error:
                self._end(row, error)
            else:
                planned.append((row, row.span(tokens)))
        return planned

    def _run(self, planned: Sequence[tuple[_Row, Span]]) -> list[tuple[_Row, Span, int | None]]:
        """One forward; when it fails, each row alone, so that only those end that cannot be served."""
        try:
            tokens = self._executor.run([span for _, span in planned])
        except FAILURES as error:
            if isinstance(error, MemoryError):
                self.slots.drop_kept()
            return [done for row, span in planned if (done := self._run_alone(row, span))]
        return [(row, span, token) for (row, span), token in zip(planned, tokens, strict=True)]

    def _run_alone(self, row: _Row, span: Span) -> tuple[_Row, Span, int | None] | None:
        try:
            return row, span, self._executor.run([span])[0]
        except FAILURES as error:
            self._end(row, error)
            return None

    def _write(self, row: _Row, token: int) -> None:
        job = row.job
        if job.cancelled or token in job.eos_ids:
            self._end(row)
            return
        row.ids.append(token)
        if not job.on_token(token) or len(row.ids) - len(job.ids) >= job.max_new_tokens:
            self._end(row)

    def _end(self, row: _Row, error: BaseException | None = None) -> None:
        self._rows.remove(row)
        self.slots.leave(row.slot, "" if error else row.job.channel)
        row.job.on_end(error)


def _share(tokens: int, wants: Sequence[int]) -> list[int]:
    """Tokens split evenly; who wants less leaves the rest to the others. Everybody gets at least one."""
    shares = [0] * len(wants)
    left = tokens
    order = sorted(range(len(wants)), key=wants.__getitem__)
    for place, at in enumerate(order):
        shares[at] = max(1, min(wants[at], left // (len(wants) - place)))
        left -= shares[at]
    return shares
