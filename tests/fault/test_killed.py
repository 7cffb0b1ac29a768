"""The product is killed, or told to leave, in the middle of its work."""

import asyncio
import random
import time

from tests.fault.conftest import Note
from tests.fault.world import World, until

_KILLS = 20


async def test_01_killed_while_it_generates(world: World, note: Note):
    chance = random.Random(1)
    world.model.first_s = lambda said: chance.uniform(0.0, 0.6)
    world.model.word_s = 0.05
    began, mid_generation = time.monotonic(), 0
    world.say_everywhere(range(1, 11), 2)
    for number in range(_KILLS):
        if number % 5 == 0:
            world.say_everywhere(range(1, 11), 1)
        await until(lambda: world.model.running > 0, "a generation")
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        mid_generation += world.model.running > 0
        await world.kill()
        await world.product.start()
    verdict = await world.answered()
    note(
        f"{_KILLS} kills, {mid_generation} of them in a generation, in {time.monotonic() - began:.0f} s: "
        f"{verdict.messages} messages, lost {len(verdict.lost)}, shown twice {len(verdict.doubled)}, "
        f"asked {len(world.model.asked)} times"
    )
    assert verdict.messages == 60
    assert verdict.kept, verdict
    assert all(world.doubled_by_a_kill(text) for text in verdict.doubled)


async def test_02_killed_between_commit_and_send(world: World, note: Note):
    world.telegram.hold()
    for chat in range(1, 6):
        world.say(chat)
    await until(lambda: world.telegram.held == 5, "answers on their way out")
    await world.kill()
    world.telegram.take()
    await world.product.start()
    restarted = time.monotonic()
    verdict = await world.answered()
    last = max(world.telegram.sent_at) - restarted
    note(f"5 answers {last:.1f} s after the restart, shown twice {len(verdict.doubled)}")
    assert verdict.kept, verdict
    assert all(len(world.shown_at(text)) <= 2 for text in verdict.doubled)
    assert [world.model.times_asked(text) for text in world.said_at] == [1] * 5
