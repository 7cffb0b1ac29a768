"""Any order of asking, cancelling, forgetting and short memory: what is said is what a lone run says."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.lm.local.batch import Batch, Job
from core.lm.local.slots import BLOCK_TOKENS, OutOfMemory
from tests.fakes.executor import FakeExecutor, answer

pytestmark = pytest.mark.slow

CHANNELS = st.sampled_from(["", "a", "b", "c", "d"])
SYSTEM = tuple(range(40, 52))


class Chats(RuleBasedStateMachine):
    """Four channels over memory for a few blocks; each turn goes on from the last, from a part of it, or anew."""

    def __init__(self) -> None:
        super().__init__()
        self.executor = FakeExecutor(room=9 * BLOCK_TOKENS)
        self.batch = Batch(self.executor, 6 * BLOCK_TOKENS * FakeExecutor.token_bytes, max_batch=3, waiting=4)
        self.history: dict[str, list[int]] = {}
        self.running: list[tuple[Job, list[int], list[BaseException | None]]] = []

    @rule(
        channel=CHANNELS,
        kept=st.floats(0, 1),
        more=st.lists(st.integers(0, 9), min_size=1, max_size=6),
        times=st.sampled_from([1, 1, 1, 60]),
        tokens=st.integers(1, 6),
    )
    def ask(self, channel: str, kept: float, more: list[int], times: int, tokens: int) -> None:
        before = self.history.get(channel, list(SYSTEM))
        ids = [*(before[: max(len(SYSTEM), int(len(before) * kept))]), *more * times]
        said: list[int] = []
        over: list[BaseException | None] = []
        job = Job(ids, tokens, lambda token: said.append(token) is None, over.append, channel, len(SYSTEM))
        self.history[channel] = ids
        self.running.append((job, said, over))
        self.batch.submit(job)

    @rule(steps=st.integers(1, 12))
    def step(self, steps: int) -> None:
        for _ in range(steps):
            if self.batch.busy:
                self.batch.step()

    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        if self.running:
            self.running[which % len(self.running)][0].cancel()

    @rule(channel=CHANNELS)
    def forget(self, channel: str) -> None:
        self.batch.forget(channel)

    @rule(blocks=st.integers(1, 9))
    def squeeze(self, blocks: int) -> None:
        self.executor.room = blocks * BLOCK_TOKENS

    @invariant()
    def memory_is_accounted_for(self) -> None:
        slots = self.batch.slots
        assert slots.used_bytes == sum(map(len, self.executor.held.values())) * self.executor.token_bytes
        assert len(self.executor.held) == slots.taken + slots.kept
        assert slots.kept == 0 or slots.used_bytes <= slots.limit_bytes

    @invariant()
    def what_is_said_is_right(self) -> None:
        for job, said, over in self.running:
            assert said == answer(job.ids, len(said))
            assert len(over) <= 1
            if over == [None] and not job.cancelled:
                assert len(said) == job.max_new_tokens
        self.running = [each for each in self.running if not each[2]]

    def teardown(self) -> None:
        for _ in range(2_000):
            if not self.batch.busy:
                break
            self.batch.step()
        assert not self.batch.busy
        for _, _, over in self.running:
            assert len(over) == 1
            assert over[0] is None or isinstance(over[0], OutOfMemory)


Chats.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestChats = Chats.TestCase
