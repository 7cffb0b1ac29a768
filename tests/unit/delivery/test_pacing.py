import asyncio
import time

from core.delivery.pacing import Pacing
from core.platform import Budget
from core.store import keys
from core.store.redis import Store
from core.values.channel import ChannelKey

HERE = ChannelKey("telegram", "42:7")
THERE = ChannelKey("telegram", "42:8")
OWN = (Budget(0.1, 3),)


async def _waited(pacing: Pacing, channel: ChannelKey, budgets: tuple[Budget, ...]) -> float:
    start = time.monotonic()
    await pacing.wait_for_turn(channel, budgets)
    return time.monotonic() - start


async def _places(store: Store, channel: ChannelKey, budget: str = "") -> float:
    """Milliseconds until the budget is unused again."""
    free = float(await store.redis.get(keys.pace(channel, budget)) or 0)
    seconds, micros = await store.redis.time()
    return free - 1000 * seconds - micros / 1000


async def test_a_burst_goes_at_once_and_the_rest_at_the_budgets_pace(store: Store):
    pacing = Pacing(store)
    start = time.monotonic()
    await asyncio.gather(*(pacing.wait_for_turn(HERE, OWN) for _ in range(8)))
    assert time.monotonic() - start > 0.45, "five of eight wait, the last for five times the pace"


async def test_chats_have_budgets_of_their_own_and_share_the_bots(store: Store):
    pacing = Pacing(store)
    for _ in range(3):
        await pacing.wait_for_turn(HERE, OWN)
    assert await _places(store, THERE) < 0
    shared = (Budget(10, 5, name="bot"),)
    await pacing.wait_for_turn(HERE, shared)
    await pacing.wait_for_turn(THERE, shared)
    assert await _places(store, HERE, "bot") > 15_000


async def test_drafts_leave_room_for_answers(store: Store):
    pacing = Pacing(store)
    slow = (Budget(30, 4),)
    drawn = [await pacing.has_room(HERE, slow) for _ in range(4)]
    assert drawn == [True, True, False, False]
    assert await _waited(pacing, HERE, slow) < 5, "an answer still has its place"


async def test_a_pause_that_the_platform_asks_for_stops_one_chat_for_its_time(store: Store):
    pacing = Pacing(store)
    await pacing.hold(HERE, OWN, 0.4)
    assert not await pacing.has_room(HERE, OWN)
    assert await pacing.has_room(THERE, OWN)
    assert await _waited(pacing, HERE, OWN) >= 0.39
