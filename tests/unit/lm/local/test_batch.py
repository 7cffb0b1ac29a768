"""Who runs, who waits and what is computed again, without weights."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from core.errors import RetryableError
from core.lm.local import batch as batching
from core.lm.local.batch import Batch, Job
from core.lm.local.slots import BLOCK_TOKENS, OutOfMemory
from tests.fakes.executor import HEAVY, POISON, FakeExecutor, answer

PLENTY = 1 << 40


@dataclass
class Asked:
    """A job and what came of it."""

    job: Job
    said: list[int] = field(default_factory=list)
    ends: list[BaseException | None] = field(default_factory=list)


def ask(
    batch: Batch, ids: Sequence[int], tokens: int = 5, channel: str = "", system: int = 0, ends: Sequence[int] = ()
) -> Asked:
    said: list[int] = []
    over: list[BaseException | None] = []
    job = Job(ids, tokens, lambda token: said.append(token) is None, over.append, channel, system, frozenset(ends))
    batch.submit(job)
    return Asked(job, said, over)


def finish(batch: Batch, steps: int = 10_000) -> None:
    for _ in range(steps):
        if not batch.busy:
            return
        batch.step()
    raise AssertionError("it never ends")


def test_alone_and_in_company_the_same_is_said():
    batch = Batch(FakeExecutor(), PLENTY)
    asked = [ask(batch, range(length), 3 + length % 4) for length in range(1, 40)]
    finish(batch)
    for length, each in enumerate(asked, 1):
        assert each.said == answer(range(length), 3 + length % 4)
        assert each.ends == [None]


def test_a_token_that_ends_is_not_passed_on():
    whole = answer([1, 2, 3], 5)
    batch = Batch(FakeExecutor(), PLENTY)
    asked = ask(batch, [1, 2, 3], 5, ends=whole[2:3])
    finish(batch)
    assert asked.said == whole[: whole.index(whole[2])]


def test_the_next_turn_computes_only_its_new_words():
    executor = FakeExecutor()
    batch = Batch(executor, PLENTY)
    first = ask(batch, range(90), 5, "a")
    finish(batch)
    before = executor.computed
    prompt = [*range(90), *first.said, 7, 8, 9]
    second = ask(batch, prompt, 1, "a")
    finish(batch)
    assert second.said == answer(prompt, 1)
    assert executor.computed - before == 4  # the last token of the answer was never computed


@pytest.mark.parametrize("at", [0, 1, 40, 88, 89])
def test_from_the_first_token_that_differs_all_is_computed_again(at: int):
    executor = FakeExecutor()
    batch = Batch(executor, PLENTY)
    ask(batch, range(90), 3, "a")
    finish(batch)
    before = executor.computed
    prompt = [*range(at), 96, *range(at + 1, 90)]
    second = ask(batch, prompt, 1, "a")
    finish(batch)
    assert second.said == answer(prompt, 1)
    assert executor.computed - before == 90 - at


def test_the_same_prompt_again_computes_one_token():
    executor = FakeExecutor()
    batch = Batch(executor, PLENTY)
    before = 0
    for _ in range(2):
        before = executor.computed
        asked = ask(batch, range(30), 1, "a")
        finish(batch)
        assert asked.said == answer(range(30), 1)
    assert executor.computed - before == 1


def test_channels_share_the_system_words_and_nothing_else():
    executor = FakeExecutor()
    batch = Batch(executor, PLENTY)
    ask(batch, [*range(20), 50, 51, 52], 1, "a", system=20)
    finish(batch)
    before = executor.computed
    other = ask(batch, [*range(20), 50, 51, 60], 1, "b", system=20)
    finish(batch)
    assert executor.copied == 20
    assert executor.computed - before == 3
    assert other.said == answer([*range(20), 50, 51, 60], 1)


def test_without_system_words_nothing_is_shared():
    executor = FakeExecutor()
    batch = Batch(executor, PLENTY)
    for channel in "ab":
        ask(batch, range(30), 1, channel)
        finish(batch)
    assert (executor.copied, executor.computed) == (0, 60)


def test_forgotten_channels_are_computed_again_and_their_memory_is_free():
    executor = FakeExecutor()
    batch = Batch(executor, PLENTY)
    ask(batch, range(30), 1, "a")
    finish(batch)
    batch.forget("a")
    assert not executor.held
    assert batch.slots.used_bytes == 0
    ask(batch, range(30), 1, "a")
    finish(batch)
    assert executor.computed == 60


def test_a_channel_that_is_forgotten_while_it_runs_is_not_kept():
    executor = FakeExecutor()
    batch = Batch(executor, PLENTY)
    ask(batch, range(30), 5, "a")
    batch.step()
    batch.forget("a")
    finish(batch)
    assert not executor.held


def test_a_channel_that_is_forgotten_while_it_waits_is_not_kept():
    executor = FakeExecutor()
    batch = Batch(executor, PLENTY, max_batch=1)
    ask(batch, range(30), 5, "a")
    ask(batch, range(30), 5, "b")
    batch.step()
    batch.forget("b")
    finish(batch)
    assert list(batch.slots._kept) == ["a"]


def test_all_channels_are_forgotten_at_once():
    executor = FakeExecutor()
    batch = Batch(executor, PLENTY, max_batch=1)
    for channel in "abc":
        ask(batch, range(30), 1, channel)
        finish(batch)
    ask(batch, range(30), 5, "d")
    ask(batch, range(30), 5, "e")
    batch.step()
    batch.forget("")
    finish(batch)
    assert not executor.held


def test_the_least_recently_used_gives_way():
    executor = FakeExecutor()
    batch = Batch(executor, 3 * BLOCK_TOKENS * executor.token_bytes)
    for channel in ["a", "b", "c", "a", "d"]:
        ask(batch, range(30), 1, channel)
        finish(batch)
    assert (batch.slots.kept, batch.slots.used_bytes) == (3, batch.slots.limit_bytes)
    before = executor.computed
    for channel in ["a", "c", "d"]:
        ask(batch, range(30), 1, channel)
        finish(batch)
    assert executor.computed - before == 3
    ask(batch, range(30), 1, "b")
    finish(batch)
    assert executor.computed - before == 33


def test_a_full_house_queues_in_order_and_a_crowd_is_sent_away():
    batch = Batch(FakeExecutor(), PLENTY, max_batch=2, waiting=3)
    asked = [ask(batch, range(number, number + 9), 2) for number in range(3)]
    batch.step()
    assert (batch.slots.taken, batch.waiting) == (2, 1)
    asked += [ask(batch, range(number, number + 9), 2) for number in range(3, 8)]
    sent_away = [each for each in asked if each.ends]
    assert sent_away == asked[5:]
    assert all(isinstance(each.ends[0], RetryableError) for each in sent_away)
    finish(batch)
    assert [each.said for each in asked[:5]] == [answer(range(number, number + 9), 2) for number in range(5)]


def test_what_does_not_fit_beside_the_others_waits_for_them():
    executor = FakeExecutor()
    batch = Batch(executor, 2 * BLOCK_TOKENS * executor.token_bytes)
    small = [ask(batch, range(9), 3) for _ in range(2)]
    large = ask(batch, [1] * 3 * BLOCK_TOKENS, 2)
    last = ask(batch, range(9), 2)
    batch.step()
    assert (batch.slots.taken, batch.waiting) == (2, 2)
    finish(batch)
    assert large.said == answer([1] * 3 * BLOCK_TOKENS, 2)
    assert [len(each.said) for each in (*small, last)] == [3, 3, 2]


def test_reading_a_long_prompt_stalls_nobody_who_writes():
    executor = FakeExecutor()
    batch = Batch(executor, PLENTY)
    writer = ask(batch, range(5), 40)
    batch.step()
    reader = ask(batch, [1] * 4_000, 1)
    while len(writer.said) < 40:
        said = len(writer.said)
        batch.step()
        assert len(writer.said) == said + 1
        assert sum(len(span.ids) for span in executor.forwards[-1]) <= batching.READ_BESIDE_TOKENS + 1
    finish(batch)
    assert reader.said == answer([1] * 4_000, 1)
    assert max(len(span.ids) for spans in executor.forwards for span in spans) == batching.READ_TOKENS


def test_a_short_prompt_does_not_wait_for_a_long_one():
    executor = FakeExecutor()
    batch = Batch(executor, PLENTY)
    long = ask(batch, [1] * 5_000, 1)
    batch.step()
    short = ask(batch, range(20), 1)
    batch.step()
    assert short.ends == [None]
    assert not long.ends
    assert sum(len(span.ids) for span in executor.forwards[-1]) == batching.READ_TOKENS


@pytest.mark.parametrize("steps", [0, 1, 2, 4])
def test_a_cancelled_job_ends_within_a_step_and_others_go_on(steps: int):
    batch = Batch(FakeExecutor(), PLENTY, max_batch=2)
    gone, stays, waits = (ask(batch, [number] * 700, 6, "abc"[number]) for number in range(3))
    for _ in range(steps):
        batch.step()
    gone.job.cancel()
    waits.job.cancel()
    said = len(gone.said)
    batch.step()
    assert gone.ends == waits.ends == [None]
    finish(batch)
    assert len(gone.said) == said
    assert stays.said == answer([1] * 700, 6)


def test_what_a_cancelled_answer_computed_is_used_again():
    executor = FakeExecutor()
    batch = Batch(executor, PLENTY)
    first = ask(batch, range(90), 50, "a")
    batch.step()
    batch.step()
    first.job.cancel()
    finish(batch)
    before = executor.computed
    second = ask(batch, [*range(90), 5], 1, "a")
    finish(batch)
    assert second.said == answer([*range(90), 5], 1)
    assert executor.computed - before == 1


def test_two_answers_of_one_channel_do_not_meet():
    batch = Batch(FakeExecutor(), PLENTY)
    asked = [ask(batch, range(number, 30), 9, "a") for number in range(2)]
    finish(batch)
    assert [each.said for each in asked] == [answer(range(number, 30), 9) for number in range(2)]
    assert batch.slots.kept == 1


@pytest.mark.parametrize(("bad", "error"), [(POISON, RuntimeError), (HEAVY, OutOfMemory)])
def test_only_what_cannot_be_computed_fails(bad: int, error: type[Exception]):
    batch = Batch(FakeExecutor(), PLENTY)
    good = [ask(batch, range(number, 30), 9) for number in range(3)]
    batch.step()
    wrong = ask(batch, [1, bad, 2], 9, "a")
    finish(batch)
    assert isinstance(wrong.ends[0], error)
    assert [each.said for each in good] == [answer(range(number, 30), 9) for number in range(3)]
    assert (batch.slots.kept, batch.slots.used_bytes) == (0, 0)


def test_short_memory_takes_what_is_kept_before_a_job_fails():
    executor = FakeExecutor(room=3 * BLOCK_TOKENS)
    batch = Batch(executor, PLENTY)
    for channel in "ab":
        ask(batch, range(9), 1, channel)
        finish(batch)
    fits = ask(batch, [1] * 2 * BLOCK_TOKENS, 1)
    finish(batch)
    assert fits.said == answer([1] * 2 * BLOCK_TOKENS, 1)
    small = ask(batch, range(9), 400)
    batch.step()
    huge = ask(batch, [1] * 3 * BLOCK_TOKENS, 1)
    finish(batch)
    assert isinstance(huge.ends[0], OutOfMemory)
    assert small.said == answer(range(9), 400)
    assert not executor.held


def test_an_answer_that_outgrows_the_memory_fails_alone():
    batch = Batch(FakeExecutor(room=3 * BLOCK_TOKENS), PLENTY)
    first, second = (ask(batch, range(number), BLOCK_TOKENS + 50) for number in (9, 8))
    finish(batch)
    assert first.said == answer(range(9), BLOCK_TOKENS + 50)
    assert second.said == answer(range(8), BLOCK_TOKENS - 8 + 1)
    assert isinstance(second.ends[0], OutOfMemory)


def test_all_jobs_can_be_failed_at_once():
    batch = Batch(FakeExecutor(), PLENTY, max_batch=1)
    asked = [ask(batch, range(9), 9, "a") for _ in range(3)]
    batch.step()
    error = RetryableError("closing")
    batch.fail(error)
    assert [each.ends for each in asked] == [[error]] * 3
    assert not batch.busy
    assert batch.slots.used_bytes == 0
