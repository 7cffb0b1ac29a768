"""Two lanes of which one is given the other's name, held against a small model, in whatever order hypothesis likes."""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.errors import PermanentError, RetryableError
from core.lanes.admin import Upkeep
from core.lanes.claim import Claim, Fenced
from core.lanes.lanes import Lanes
from core.store import keys
from core.store.redis import Store, open_store
from core.values.channel import ChannelKey, Person
from core.values.dialogue import append, decode
from core.values.events import Message, decode_event
from core.values.parts import TextPart, decode_part
from core.values.turn import Turn
from tests.unit.lanes.test_lanes_model import run_as_test

pytestmark = pytest.mark.slow

GROUP, UPGRADED = ChannelKey("telegram", "42:-7"), ChannelKey("telegram", "42:-1007")
ANN = Person("1", "Ann")
NAMES = st.sampled_from([GROUP, UPGRADED])


@dataclass
class Side:
    """What the model knows of one lane: ids of what waits and of whose answers are unsent, and who owns it."""

    waiting: list[str] = field(default_factory=list[str])
    unsent: list[str] = field(default_factory=list[str])
    owner: Claim | None = None
    held: bool = False
    draft: bool = False
    stop: str = ""
    late: list[Claim] = field(default_factory=list[Claim])

    @property
    def busy(self) -> bool:
        return self.held or self.draft or bool(self.unsent)


def any_side(holds: Callable[[Side], bool]) -> Any:
    """Whether a rule has a lane to work on."""
    return precondition(lambda machine: any(holds(side) for side in machine.sides.values()))


def _owned(side: Side) -> bool:
    return side.owner is not None


def _thinks(side: Side) -> bool:
    return side.owner is not None and not side.unsent and bool(side.waiting)


def _sends(side: Side) -> bool:
    return side.owner is not None and bool(side.unsent)


def _moves(side: Side) -> bool:
    return _owned(side) or _due(side)


def _due(side: Side) -> bool:
    return side.owner is None and bool(side.waiting or side.unsent)


class MovingMachine(RuleBasedStateMachine):
    """The model: nothing that was accepted is lost or answered twice, and what one name was told stays in order."""

    loop: asyncio.AbstractEventLoop
    store: Store

    @initialize()
    def start(self) -> None:
        self.run(self.store.redis.flushall())
        self.lanes, self.upkeep = Lanes(self.store), Upkeep(self.store)
        self.sides = {GROUP: Side(), UPGRADED: Side()}
        self.stale: list[Claim] = []
        self.accepted: dict[ChannelKey, list[str]] = {GROUP: [], UPGRADED: []}
        self.answered: list[str] = []
        self.sent: list[str] = []
        self.unreadable: list[str] = []
        self.aside: list[str] = []
        self.number = 0

    def side(self, data: st.DataObject, holds: Callable[[Side], bool]) -> tuple[ChannelKey, Side]:
        return data.draw(st.sampled_from([(name, side) for name, side in self.sides.items() if holds(side)]))

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @rule(name=NAMES, stop=st.booleans())
    def accept(self, name: ChannelKey, stop: bool) -> None:
        self.number += 1
        id, side = f"m{self.number}", self.sides[name]
        assert self.run(self.lanes.accept(Message(id, name, ANN, float(self.number), "hi", ref=id), stop=stop))
        side.waiting.append(id)
        self.accepted[name].append(id)
        if stop:
            side.stop = id
            if not side.unsent:
                self.fence_off(side)
                side.held = False

    @rule(name=NAMES)
    def a_newer_version_wrote(self, name: ChannelKey) -> None:
        self.number += 1
        raw = f"x{self.number}"
        self.run(self.store.redis.rpush(keys.of_channel("in", name), raw))
        ready = keys.ready(keys.partition(name), "telegram")
        self.run(self.store.redis.zadd(ready, {str(name): 0}, nx=True))
        self.sides[name].waiting.append(raw)
        self.unreadable.append(raw)

    def fence_off(self, side: Side) -> None:
        """Whoever had it is known to have lost it."""
        self.lose(side)
        self.stale += side.late
        side.late = []

    def lose(self, side: Side) -> None:
        """Its lease ended; until another comes, what it does late is as good as in time."""
        if side.owner is not None:
            side.late.append(side.owner)
            side.owner = None

    @any_side(_due)
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        name, side = self.side(data, _due)
        found = self.run(self.lanes.claim(keys.partition(name), "telegram"))
        assert found is not None
        assert found.stop == side.stop
        assert (found.head and _id(found.head)) == (side.waiting[0] if side.waiting else b"")
        assert [decode_part(raw).turn for raw in found.unsent] == side.unsent
        self.fence_off(side)
        side.owner, side.held = found, True

    @any_side(_owned)
    @rule(data=st.data())
    def its_owner_dies(self, data: st.DataObject) -> None:
        name, side = self.side(data, _owned)
        self.lose(side)
        ready = keys.ready(keys.partition(name), "telegram")
        self.run(self.store.redis.zadd(ready, {str(name): 0}, xx=True))

    @any_side(_thinks)
    @rule(data=st.data(), parts=st.integers(0, 2))
    def answer(self, data: st.DataObject, parts: int) -> None:
        name, side = self.side(data, _thinks)
        assert side.owner is not None
        id = side.waiting.pop(0)
        if id in self.unreadable:
            self.run(self.lanes.dead_letter(side.owner, "in"))
            self.aside.append(id)
            side.owner, side.held = None, False
            return
        turn = Turn(id, float(id[1:]), "Ann", "hi", "hello", "en", "m", "plain", ref=id)
        memory = append(decode(side.owner.memory), turn)
        made = [TextPart(id, index, name, "x", reply_to=id) for index in range(parts)]
        self.run(self.lanes.commit(side.owner, memory, made, last=id))
        self.answered.append(id)
        side.unsent, side.draft = [id] * parts, False
        side.stop = "" if side.stop == id else side.stop
        if not parts:
            side.owner, side.held = None, False

    @any_side(_sends)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        name, side = self.side(data, _sends)
        assert side.owner is not None
        turn = side.unsent.pop(0)
        self.sent.append(turn)
        self.run(
            self.lanes.sent(
                side.owner,
                TextPart(turn, 0, name, "an answer"),
                f"r{len(self.sent)}",
                b"record",
            )
        )
        if not side.unsent:
            side.owner, side.held = None, False

    @any_side(_thinks)
    @rule(data=st.data())
    def an_answer_grows(self, data: st.DataObject) -> None:
        _, side = self.side(data, _thinks)
        assert side.owner is not None
        if side.waiting[0] in self.unreadable:
            return
        self.run(self.lanes.note_draft(side.owner, side.waiting[0], "r"))
        side.draft = True

    @any_side(_owned)
    @rule(data=st.data())
    def put_off(self, data: st.DataObject) -> None:
        _, side = self.side(data, _owned)
        assert side.owner is not None
        self.run(self.lanes.free(side.owner, charged="attempts"))
        side.owner, side.held = None, False

    @any_side(_moves)
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        name, side = self.side(data, _moves)
        to = UPGRADED if name == GROUP else GROUP
        old, new = side, self.sides[to]
        if old.owner is None:
            self.fence_off(old)
            old.owner = self.run(self.lanes.claim(keys.partition(name), "telegram"))
            old.held = True
        assert old.owner is not None
        try:
            self.run(self.upkeep.move(old.owner, to))
        except RetryableError:
            assert new.busy
            return
        assert not new.busy, "somebody works there"
        waiting = [_id(raw) for raw in self.run(self.store.redis.lrange(keys.of_channel("in", to), 0, -1))]
        assert sorted(waiting) == sorted(old.waiting + new.waiting)
        for side in (old, new):
            assert [id for id in waiting if id in side.waiting] == side.waiting
        said = [int(id[1:]) for id in waiting if id not in self.unreadable]
        assert said == sorted(said), "by time"
        self.fence_off(old)
        self.fence_off(new)
        self.sides[to] = Side(waiting, old.unsent, stop=new.stop or old.stop)
        self.sides[name] = Side()

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def who_comes_late_writes_nothing(self, data: st.DataObject) -> None:
        old = data.draw(st.sampled_from(self.stale))
        to = UPGRADED if old.channel == GROUP else GROUP
        writes = (
            lambda: self.lanes.commit(
                old,
                None,
                [TextPart("stale", 0, old.channel, "late")],
                last="stale",
            ),
            lambda: self.lanes.sent(
                old,
                TextPart("stale", 0, old.channel, "late"),
                "r",
                b"x",
            ),
            lambda: self.lanes.free(old),
            lambda: self.upkeep.move(old, to),
        )
        for write in writes:
            try:
                self.run(write())
            except Fenced:
                continue
            raise AssertionError("a stale owner wrote")

    @invariant()
    def nothing_is_lost_and_nothing_answered_twice(self) -> None:
        waiting = [id for side in self.sides.values() for id in side.waiting if id not in self.unreadable]
        everything = [id for ids in self.accepted.values() for id in ids]
        assert sorted(self.answered + waiting) == sorted(everything)
        remembered = [turn.id for name in self.sides for turn in self.run(self.lanes.dialogue(name)).turns]
        assert sorted(remembered) == sorted(self.answered)
        assert len(self.aside) == sum(
            self.run(self.store.redis.llen(keys.of_channel("dead", name))) for name in self.sides
        )

    @invariant()
    def what_one_name_was_told_is_served_in_order(self) -> None:
        for name, side in self.sides.items():
            for told in self.accepted.values():
                waiting = [id for id in side.waiting if id in told]
                assert waiting == sorted(waiting, key=told.index), name

    @invariant()
    def redis_holds_what_the_model_holds(self) -> None:
        redis = self.store.redis
        for name, side in self.sides.items():
            raws = [self.run(redis.lrange(keys.of_channel(kind, name), 0, -1)) for kind in ("in", "out")]
            assert [_id(raw) for raw in raws[0]] == side.waiting
            parts = [decode_part(raw) for raw in raws[1]]
            assert [part.turn for part in parts] == side.unsent
            assert {part.channel for part in parts} <= {name}
            listed = self.run(redis.zscore(keys.ready(keys.partition(name), "telegram"), str(name))) is not None
            assert listed == bool(side.waiting or side.unsent)


def _id(raw: bytes) -> str:
    try:
        return decode_event(raw).id
    except PermanentError:
        return raw.decode()


def test_a_move_loses_nothing_and_has_nothing_answered_twice() -> None:
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        opened = open_store("", Path(folder))
        MovingMachine.loop, MovingMachine.store = loop, loop.run_until_complete(opened.__aenter__())
        try:
            run_as_test(MovingMachine)
        finally:
            loop.run_until_complete(opened.__aexit__(None, None, None))
            loop.close()
