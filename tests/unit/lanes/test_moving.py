from typing import Any

import pytest

from core.errors import RetryableError
from core.lanes import moving
from core.lanes.admin import Upkeep
from core.lanes.claim import Claim
from core.lanes.lanes import Lanes
from core.store import keys
from core.store.codec import Codec
from core.store.redis import Store
from core.values.channel import ChannelKey, Person, Quote
from core.values.dialogue import Dialogue, append
from core.values.events import Edit, Message, decode_event
from core.values.parts import RemovalPart, TextPart, decode_part
from core.values.turn import Turn

GROUP, UPGRADED = ChannelKey("telegram", "42:-7"), ChannelKey("telegram", "42:-1007")
ANN = Person("1", "Ann")


def said(id: str, channel: ChannelKey, at: float) -> Message:
    return Message(id, channel, ANN, at, "hi", ref=f"r{id}", quote=Quote("Bob", "so?", ref="q"))


def turn(id: str, at: float) -> Turn:
    return Turn(id, at, "Ann", "hi", "hello", "en", "m", "plain", ref=f"r{id}")


async def claimed(lanes: Lanes, channel: ChannelKey) -> Claim:
    found = await lanes.claim(keys.partition(channel), channel.platform)
    assert found is not None
    return found


async def answered(lanes: Lanes, channel: ChannelKey, *turns: Turn) -> None:
    dialogue = Dialogue()
    for each in turns:
        await lanes.accept(said(each.id, channel, each.at))
        dialogue = append(dialogue, each)
        await lanes.commit(await claimed(lanes, channel), dialogue, (), last=each.id)


async def listed(store: Store, kind: str, channel: ChannelKey) -> list[bytes]:
    found: Any = store.redis.lrange(keys.of_channel(kind, channel), 0, -1)
    return await found


async def test_two_memories_become_one_by_time(store: Store):
    lanes = Lanes(store)
    await answered(lanes, GROUP, turn("a", 1.0), turn("c", 3.0))
    await answered(lanes, UPGRADED, turn("b", 2.0), turn("d", 4.0))
    await lanes.accept(said("e", GROUP, 5.0))
    await Upkeep(store).move(await claimed(lanes, GROUP), UPGRADED)
    assert [each.id for each in (await lanes.dialogue(UPGRADED)).turns] == ["a", "b", "c", "d"]
    assert (await lanes.dialogue(GROUP)).turns == ()


async def test_what_is_accepted_in_the_midst_of_a_move_goes_along_or_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    lanes, read, late = Lanes(store), moving._read, iter([GROUP, UPGRADED])

    async def interrupted(pipe: Any, codec: Codec, channel: ChannelKey) -> Any:
        found = await read(pipe, codec, channel)
        for name in late:
            await lanes.accept(said(f"late {name.space}", name, 9.0))
        return found

    monkeypatch.setattr(moving, "_read", interrupted)
    await lanes.accept(said("a", GROUP, 1.0))
    await Upkeep(store).move(await claimed(lanes, GROUP), UPGRADED)
    waiting = [decode_event(raw).id for raw in await listed(store, "in", UPGRADED)]
    assert waiting == ["a", "late 42:-7", "late 42:-1007"]
    assert await listed(store, "in", GROUP) == []


async def test_a_move_waits_for_whoever_works_under_the_new_name(store: Store):
    lanes = Lanes(store)
    await lanes.accept(said("a", GROUP, 1.0))
    await lanes.accept(said("b", UPGRADED, 2.0))
    here, there = await claimed(lanes, GROUP), await claimed(lanes, UPGRADED)
    with pytest.raises(RetryableError):
        await Upkeep(store).move(here, UPGRADED)
    answer = TextPart("b", 0, UPGRADED, "x")
    await lanes.commit(there, append(Dialogue(), turn("b", 2.0)), [answer], last="b")
    with pytest.raises(RetryableError):
        await Upkeep(store).move(here, UPGRADED)
    await lanes.sent(there, answer, "r", b"record")
    await Upkeep(store).move(here, UPGRADED)
    assert decode_event((await claimed(lanes, UPGRADED)).head).id == "a"


async def test_what_nobody_can_read_moves_as_it_is_and_costs_only_itself(store: Store):
    lanes = Lanes(store)
    await lanes.accept(said("a", GROUP, 1.0))
    await store.redis.rpush(keys.of_channel("in", GROUP), b"{newer")
    await lanes.accept(said("b", GROUP, 2.0))
    await store.redis.rpush(keys.of_channel("out", GROUP), b"{part")
    await store.redis.set(keys.of_channel("dlg", GROUP), b"{memory")
    await answered(lanes, UPGRADED, turn("c", 3.0))
    await Upkeep(store).move(await claimed(lanes, GROUP), UPGRADED)
    first, unreadable, last = await listed(store, "in", UPGRADED)
    assert (decode_event(first).id, unreadable, decode_event(last).id) == ("a", b"{newer", "b")
    assert await listed(store, "out", UPGRADED) == [b"{part"]
    assert [each.id for each in (await lanes.dialogue(UPGRADED)).turns] == ["c"]
    assert [entry.partition(b":")[2] for entry in await listed(store, "dead", UPGRADED)] == [b"{memory"]


async def test_what_moves_points_to_no_message_of_the_old_name(store: Store):
    """A Telegram supergroup counts its messages from one again: the same number is another message there."""
    lanes = Lanes(store)
    await answered(lanes, GROUP, turn("a", 1.0))
    await lanes.accept(said("b", GROUP, 2.0))
    await lanes.accept(Edit("e", GROUP, said("b", GROUP, 2.0)))
    mine = await claimed(lanes, GROUP)
    parts = [
        TextPart("b", 0, GROUP, "x", reply_to="rb", replaces="9"),
        RemovalPart("b", 1, GROUP, "8"),
    ]
    await lanes.commit(mine, None, parts, last="b")
    await lanes.accept(said("c", GROUP, 3.0))
    await Upkeep(store).move(mine, UPGRADED)
    assert [decode_part(raw) for raw in await listed(store, "out", UPGRADED)] == [TextPart("b", 0, UPGRADED, "x")]
    edit, message = (decode_event(raw) for raw in await listed(store, "in", UPGRADED))
    assert isinstance(edit, Edit)
    for each in (edit.message, message):
        assert isinstance(each, Message)
        assert (each.channel, each.ref) == (UPGRADED, "")
        assert each.quote is not None
        assert each.quote.ref == ""
    assert [each.ref for each in (await lanes.dialogue(UPGRADED)).turns] == [""]
