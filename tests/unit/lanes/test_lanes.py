import asyncio
import os
import re
import socket

import pytest

from core.lanes import lanes
from core.lanes.admin import Upkeep
from core.lanes.claim import Claim, Fenced
from core.lanes.lanes import Lanes
from core.store import keys
from core.store.redis import Store
from core.store.table import TABLE
from core.values.channel import ChannelKey, Person
from core.values.dialogue import Dialogue, append
from core.values.events import Deletion, Message, decode_event
from core.values.parts import Part, TextPart, decode_part
from core.values.turn import Turn
from tests.support.kept import key_names

ANN = Person("1", "Ann")
HERE = ChannelKey("telegram", "42:7")


def message(id: str, channel: ChannelKey = HERE, text: str = "hi") -> Message:
    return Message(id, channel, ANN, 1.0, text)


def part(id: str, index: int = 0) -> Part:
    return TextPart(id, index, HERE, f"answer to {id}")


def turn(id: str) -> Turn:
    return Turn(id, 1.0, "Ann", "hi", "hello", "en", "m", "plain")


async def claim(kept: Lanes, channel: ChannelKey = HERE) -> Claim:
    found = await kept.claim(keys.partition(channel), channel.platform)
    assert found is not None
    return found


async def nothing_due(kept: Lanes, channel: ChannelKey = HERE) -> bool:
    return await kept.claim(keys.partition(channel), channel.platform) is None


async def test_the_same_event_is_accepted_once(store: Store):
    kept = Lanes(store)
    accepted = await asyncio.gather(*(kept.accept(message("a")) for _ in range(5)))
    assert sorted(accepted) == [False, False, False, False, True]
    assert await store.redis.llen(keys.of_channel("in", HERE)) == 1


async def test_a_lane_goes_through_claim_commit_sent_in_order(store: Store):
    kept = Lanes(store)
    for id in "abc":
        await kept.accept(message(id))
    dialogue = Dialogue()
    for id in "abc":
        mine = await claim(kept)
        assert await nothing_due(kept), "a claimed lane is nobody else's"
        assert decode_event(mine.head) == message(id)
        dialogue = append(dialogue, turn(id))
        assert await kept.commit(mine, dialogue, [part(id), part(id, 1)], last=id)
        assert await kept.sent(mine, part(id), f"ref-{id}-0", b"record")
        assert await kept.sent(mine, part(id, 1), f"ref-{id}-1", b"record") == (id != "c")
    assert await nothing_due(kept)
    assert await kept.dialogue(HERE) == dialogue
    assert await store.redis.get(keys.ref(HERE, "ref-b-1")) == b"record"


async def test_a_crash_after_commit_leaves_the_parts_and_not_the_message(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lanes, "LEASE_S", 0.02)
    kept = Lanes(store)
    await kept.accept(message("a"))
    dead = await claim(kept)
    await kept.commit(dead, append(Dialogue(), turn("a")), [part("a"), part("a", 1)], last="a")
    await kept.sent(dead, part("a"), "r", b"record")
    await asyncio.sleep(0.04)
    heir = await claim(kept)
    assert [decode_part(raw) for raw in heir.unsent] == [part("a", 1)]
    assert heir.head == b""


async def test_a_stale_worker_writes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lanes, "LEASE_S", 0.02)
    kept = Lanes(store)
    await kept.accept(message("a"))
    stale = await claim(kept)
    await asyncio.sleep(0.04)
    heir = await claim(kept)
    for write in (
        kept.renew(stale),
        kept.commit(stale, Dialogue(), [part("a")], last="a"),
        kept.sent(stale, part("a"), "r", b"x"),
        kept.free(stale),
        kept.dead_letter(stale, "in"),
    ):
        with pytest.raises(Fenced):
            await write
    assert decode_event(heir.head) == message("a")
    await kept.renew(heir)
    assert await kept.commit(heir, None, [], last="a") is False


async def test_renewing_keeps_the_lane(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lanes, "LEASE_S", 0.1)
    kept = Lanes(store)
    await kept.accept(message("a"))
    mine = await claim(kept)
    for _ in range(4):
        await asyncio.sleep(0.04)
        await kept.renew(mine)
        assert await nothing_due(kept)


async def test_freeing_for_later_hides_the_lane_until_then_even_from_new_messages(store: Store):
    kept = Lanes(store)
    await kept.accept(message("a"))
    await kept.free(await claim(kept), 0.1)
    await kept.accept(message("b"))
    assert await nothing_due(kept)
    await asyncio.sleep(0.12)
    assert decode_event((await claim(kept)).head) == message("a")


async def test_lanes_of_one_partition_are_served_longest_waiting_first(store: Store):
    kept = Lanes(store)
    threads = [ChannelKey("telegram", "42:7", str(number)) for number in range(3)]
    for thread in threads:
        await kept.accept(message(f"m{thread.thread}", thread))
        await asyncio.sleep(0.003)
    claims = [await claim(kept) for _ in threads]
    assert [each.channel for each in claims] == threads
    assert [each.another for each in claims] == [True, True, False]


async def test_a_worker_claims_only_what_its_platforms_can_send(store: Store):
    kept = Lanes(store)
    await kept.accept(message("a"))
    assert await kept.claim(keys.partition(HERE), "discord") is None


async def test_the_unreadable_is_set_aside_and_the_next_message_comes(store: Store):
    kept = Lanes(store)
    await store.redis.rpush(keys.of_channel("in", HERE), b"{broken")
    await kept.accept(message("b"))
    mine = await claim(kept)
    assert mine.head == b"{broken"
    assert await kept.dead_letter(mine, "in")
    assert decode_event((await claim(kept)).head) == message("b")
    (dead,) = await store.redis.lrange(keys.of_channel("dead", HERE), 0, -1)
    assert isinstance(dead, bytes)
    assert re.fullmatch(rb"in@\d{10}:\{broken", dead)


async def test_every_key_stands_in_the_table_and_in_one_slot(store: Store):
    kept = Lanes(store)
    await kept.accept(message("a"))
    mine = await claim(kept)
    await kept.commit(mine, append(Dialogue(), turn("a")), [part("a"), part("a", 1)], last="a")
    await kept.sent(mine, part("a"), "r", b"x")
    await kept.accept(message("b"))
    known = {kind.name: kind for kind in TABLE}
    found = await key_names(store)
    assert len(found) == 12
    for key in found:
        kind = known[key.split(":")[2]]
        assert key.startswith(keys.prefix(keys.partition(HERE)))
        assert await store.redis.type(key) == kind.redis_type.encode()
        assert (await store.redis.ttl(key) > 0) == (kind.lifetime_s is not None)


@pytest.mark.parametrize(
    ("owner", "inherited"),
    [
        (f"{socket.gethostname()}:{{dead}}:1", 1),
        (f"{socket.gethostname()}:{os.getpid()}:the start before this one", 1),
        (f"{socket.gethostname()}:{os.getppid()}:1", 0),
        ("another machine:{dead}:1", 0),
    ],
    ids=["died", "its number is ours now", "lives", "elsewhere"],
)
async def test_what_a_process_held_that_died_here_waits_for_no_lease(store: Store, owner: str, inherited: int):
    killed = await asyncio.create_subprocess_exec("sleep", "60")
    killed.kill()
    await killed.wait()
    before, after = Lanes(store), Lanes(store)
    before.worker_id = owner.format(dead=killed.pid)
    await after.accept(message("a"))
    await claim(before)
    assert await Upkeep(store).inherit(after.worker_id, ["telegram"]) == ({HERE: 0.0} if inherited else {})
    assert await nothing_due(after) == (not inherited)
    assert await Upkeep(store).inherit(after.worker_id, ["telegram"]) == {}


async def test_a_lane_that_owners_died_over_lets_the_others_go_first(store: Store):
    kept = Lanes(store)
    await kept.accept(message("a"))
    for deaths in range(3):
        owner, kept.worker_id = kept.worker_id, f"{socket.gethostname()}:{os.getpid()}:life {deaths}"
        await store.redis.zadd(keys.ready(keys.partition(HERE), "telegram"), {str(HERE): 0})
        mine = await claim(kept)
        kept.worker_id = owner
        assert mine.crashes == deaths
        assert await Upkeep(store).inherit(kept.worker_id, ["telegram"]) == {HERE: pytest.approx(0.3 * deaths)}


async def test_a_lane_in_which_nothing_happens_leaves_nothing(store: Store):
    kept = Lanes(store)
    channels = [ChannelKey("telegram", f"42:{number}") for number in range(20)]
    for channel in channels:
        await kept.accept(Deletion(f"d{channel}", channel, ("m",)))
    for channel in channels:
        mine = await claim(kept, channel)
        assert await store.redis.ttl(keys.of_channel("lane", mine.channel)) == -1
        await kept.commit(mine, None, (), last=f"d{mine.channel}")
    lanes = await store.redis.keys("*:lane:*")
    assert len(lanes) == 20
    for lane in lanes:
        assert 0 < await store.redis.ttl(lane) <= 60


async def test_a_fence_never_comes_again_when_the_lane_has_gone_meanwhile(store: Store):
    kept = Lanes(store)
    await kept.accept(message("a"))
    slow = await claim(kept)
    await store.redis.delete(keys.of_channel("lane", HERE))
    await store.redis.zadd(keys.ready(keys.partition(HERE), "telegram"), {str(HERE): 0})
    mine = await claim(kept)
    assert mine.fence > slow.fence
    with pytest.raises(Fenced):
        await kept.commit(slow, None, (), last="a")
    await kept.commit(mine, None, (), last="a")


async def test_a_lane_that_goes_keeps_the_word_to_stop(store: Store):
    kept = Lanes(store)
    await kept.accept(message("a"))
    mine = await claim(kept)
    await kept.commit(mine, None, (), last="a")
    await kept.accept(message("s", text="/stop"), stop=True)
    assert await store.redis.ttl(keys.of_channel("lane", HERE)) == -1
    assert (await claim(kept)).stop == "s"
