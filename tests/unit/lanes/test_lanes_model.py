"""The scripts of the lanes held against a small model of them, in whatever order hypothesis likes."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.errors import UserError
from core.lanes import lanes
from core.lanes.claim import Claim, Fenced
from core.lanes.lanes import Charge, Lanes
from core.store import keys
from core.store.codec import EVENT, PART, Codec, home_of
from core.store.redis import Store, open_store
from core.values.channel import ChannelKey, Person
from core.values.dialogue import Dialogue, append
from core.values.events import Message
from core.values.parts import NoticePart, OwedVoicePart, Part, TextPart
from core.values.turn import Turn
from tests.fakes.codec import Veiled

pytestmark = pytest.mark.slow

HERE = ChannelKey("telegram", "42:7")
ANN, BOB = Person("1", "Ann"), Person("2", "Bob")
LONGEST, URGENT = 4, 2
FAR_S = 4e9


def mark_of(parts: Sequence[Part]) -> str:
    """As delivery does: a voice note is marked at the moment that it is sent."""
    return parts[0].nonce if parts and parts[0].kind != "voice" else ""


class Repeating(Lanes):
    """Says every second thing twice, as redis-py does when an answer does not come."""

    calls = 0

    async def _call(self, name: str, lane: Sequence[str], arguments: Sequence[str | bytes | int]) -> Any:
        self.calls += 1
        answer = await super()._call(name, lane, arguments)
        if self.calls % 2 and name not in ("accept", "claim", "cancel"):
            assert await super()._call(name, lane, arguments) == answer
        return answer


class LaneMachine(RuleBasedStateMachine):
    """One lane. The model: what waits, what is unsent, what is remembered, who owns it and how often it was tried."""

    loop: asyncio.AbstractEventLoop
    store: Store

    @initialize(sealed=st.booleans())
    def start(self, sealed: bool) -> None:
        self.run(self.store.redis.flushall())
        self.codec = Veiled() if sealed else Codec()
        self.lanes = Repeating(replace(self.store, codec=self.codec))
        self.number = 0
        self.waiting: list[str] = []
        self.planned: dict[str, float] = {}
        self.unsent: list[Part] = []
        self.remembered: list[str] = []
        self.dead = 0
        self.stop = ""
        self.sending = ""
        self.gone = False
        self.tries = 0
        self.deaths = 0
        self.held = False
        self.owner: Claim | None = None
        self.late: list[Claim] = []
        self.stale: list[Claim] = []

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @rule(again=st.booleans(), stop=st.booleans(), first=st.booleans(), who=st.sampled_from([ANN, BOB]))
    def accept(self, again: bool, stop: bool, first: bool, who: Person) -> None:
        self.number += 1
        id = f"m{self.number}"
        for repeated in (False, True) if again else (False,):
            full = len(self.waiting) >= LONGEST + URGENT * (stop or first) and not repeated
            try:
                new = self.run(self.lanes.accept(Message(id, HERE, who, 1.0, "hi"), stop=stop, first=first))
            except UserError:
                assert full or (repeated and id not in self.waiting)
                return
            assert new is not repeated
            if new:
                assert not full
                self.waiting.insert(0 if first else len(self.waiting), id)
                self.stop = id if stop else self.stop
                if stop or first:
                    owed = bool(self.unsent) and self.unsent[0].kind == "voice" and not self.on_its_way
                    if dropped := owed and (stop or who == ANN):
                        self.unsent.pop(0)
                        self.tries, self.deaths, self.sending = 0, 0, ""
                    if dropped or not self.unsent:
                        self.lose()
                        self.fence_off()
                        self.held = False

    @property
    def on_its_way(self) -> bool:
        return self.sending == self.unsent[0].nonce

    def lose(self) -> None:
        if self.owner is not None:
            self.late.append(self.owner)
            self.owner = None
        self.run(self.store.redis.zadd(keys.ready(keys.partition(HERE), "telegram"), {str(HERE): 0}, xx=True))

    def fence_off(self) -> None:
        self.stale += self.late
        self.late = []

    @rule(ago=st.booleans(), again=st.booleans())
    def schedule(self, ago: bool, again: bool) -> None:
        self.number += 0 if again and self.planned else 1
        id = next(iter(self.planned)) if again and self.planned else f"m{self.number}"
        at = float(self.number) if ago else FAR_S
        assert self.run(self.lanes.schedule(Message(id, HERE, ANN, 1.0, "hi"), at))
        self.planned[id] = at

    @precondition(lambda self: self.planned)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.planned)))
        assert self.run(self.lanes.cancel(HERE, id)) is True
        assert self.run(super(Repeating, self.lanes).cancel(HERE, id)) is False
        del self.planned[id]

    @precondition(lambda self: self.planned)
    @rule()
    def time_passes(self) -> None:
        """All that is planned is due."""
        later = keys.later(keys.partition(HERE), "telegram")
        for place, id in enumerate(sorted(self.planned)):
            self.planned[id] = float(place)
            self.run(self.store.redis.zadd(later, {keys.due(HERE, id): 1000 * place}, xx=True))

    def come_due(self) -> None:
        due = sorted((at, id) for id, at in self.planned.items() if at < FAR_S)
        self.waiting += [id for _, id in due]
        for _, id in due:
            del self.planned[id]
            assert self.run(self.lanes.schedule(Message(id, HERE, ANN, 1.0, "once more"), 1.0)) is False

    @rule()
    def claim(self) -> None:
        found = self.run(self.lanes.claim(keys.partition(HERE), "telegram"))
        self.come_due()
        if self.owner is not None or not (self.waiting or self.unsent):
            assert found is None
            return
        self.deaths += self.held
        self.held = True
        assert (found.attempts, found.crashes) == (self.tries, self.deaths)
        assert (found.stop, found.sending, found.gone) == (self.stop, self.sending, self.gone)
        assert (found.event().id if found.head else "") == (self.waiting[0] if self.waiting else "")
        assert found.parts() == self.unsent
        self.owner = found
        self.fence_off()

    @precondition(lambda self: self.owner is not None)
    @rule()
    def lease_ends(self) -> None:
        self.lose()

    @precondition(lambda self: self.owner is not None and not self.unsent and self.waiting)
    @rule(texts=st.integers(0, 3), voice=st.booleans(), remember=st.booleans())
    def commit(self, texts: int, voice: bool, remember: bool) -> None:
        assert self.owner is not None
        head = self.waiting[0]
        memory = Dialogue()
        for id in [*self.remembered, head]:
            memory = append(memory, Turn(id, 1.0, "Ann", "hi", "hello", "en", "m", "plain"))
        made = [TextPart(head, index, HERE, "x", person=ANN.id) for index in range(texts)]
        made += [OwedVoicePart(head, texts, HERE, "x", person=ANN.id)] if voice else []
        first = mark_of(made)
        kept = memory if remember else None
        more = self.run(self.lanes.commit(self.owner, kept, made, last=head, sending=first))
        self.sending = first if made else self.sending
        self.waiting.pop(0)
        self.unsent += made
        self.remembered += [head] if remember else []
        self.tries = self.deaths = 0
        self.stop = "" if self.stop == head else self.stop
        assert more == bool(self.waiting or self.unsent)
        if not self.unsent:
            self.give_back()

    @precondition(lambda self: self.owner is not None and self.unsent)
    @rule()
    def note_sending(self) -> None:
        assert self.owner is not None
        self.sending = self.unsent[0].nonce
        self.run(self.lanes.note_sending(self.owner, self.sending))

    @precondition(lambda self: self.owner is not None and self.unsent)
    @rule()
    def sent(self) -> None:
        assert self.owner is not None
        part = self.unsent.pop(0)
        self.sending = mark_of(self.unsent)
        more = self.run(self.lanes.sent(self.owner, part, "r", b"record", sending=self.sending))
        self.tries, self.deaths, self.gone = 0, 0, False
        assert more == bool(self.waiting or self.unsent)
        if not self.unsent:
            self.give_back()

    @precondition(lambda self: self.owner is not None)
    @rule(charged=st.sampled_from(["attempts", "crashes", ""]))
    def free(self, charged: Charge) -> None:
        assert self.owner is not None
        assert self.run(self.lanes.free(self.owner, charged=charged)) == bool(self.waiting or self.unsent)
        self.tries += charged == "attempts"
        self.deaths += charged == "crashes"
        self.give_back()

    def give_back(self) -> None:
        self.owner, self.held = None, False

    @precondition(lambda self: self.owner is not None and (self.waiting or self.unsent))
    @rule(apologise=st.booleans(), gone=st.booleans(), keep=st.booleans())
    def bury(self, apologise: bool, gone: bool, keep: bool) -> None:
        assert self.owner is not None
        kind = "out" if self.unsent else "in"
        sorry = [NoticePart("sorry", 0, HERE, "x", person=ANN.id)] if apologise else []
        more = self.run(self.lanes.dead_letter(self.owner, kind, sorry, gone=gone, keep=keep))
        self.sending, self.gone = "", self.gone or gone
        (self.unsent if kind == "out" else self.waiting).pop(0)
        self.dead += 1
        self.unsent += sorry
        self.tries = self.deaths = 0
        assert more == bool(self.waiting or self.unsent)
        if not (keep and self.unsent):
            self.give_back()

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def a_stale_owner_writes(self, data: st.DataObject) -> None:
        old = data.draw(st.sampled_from(self.stale))
        part = TextPart("stale", 0, HERE, "x")
        for write in (
            lambda: self.lanes.renew(old),
            lambda: self.lanes.commit(old, Dialogue(), [part], last="stale"),
            lambda: self.lanes.sent(old, part, "r", b"x"),
            lambda: self.lanes.note_sending(old, "x"),
            lambda: self.lanes.free(old),
            lambda: self.lanes.dead_letter(old, "in"),
        ):
            with pytest.raises(Fenced):
                self.run(write())

    @invariant()
    def redis_holds_what_the_model_holds(self) -> None:
        redis = self.store.redis
        held = [self.run(redis.lrange(keys.of_channel(kind, HERE), 0, -1)) for kind in ("in", "out", "dead")]
        assert [self.codec.open(EVENT, home_of(HERE), raw).id for raw in held[0]] == self.waiting
        assert [self.codec.open(PART, home_of(HERE), raw) for raw in held[1]] == self.unsent
        assert len(held[2]) == self.dead
        assert [turn.id for turn in self.run(self.lanes.dialogue(HERE)).turns] == self.remembered
        listed = self.run(redis.zscore(keys.ready(keys.partition(HERE), "telegram"), str(HERE))) is not None
        assert listed == bool(self.waiting or self.unsent)
        planned = self.run(redis.hgetall(keys.of_channel("planned", HERE)))
        assert {self.codec.open(EVENT, home_of(HERE), raw).id for raw in planned.values()} == set(self.planned)
        due = self.run(redis.zrange(keys.later(keys.partition(HERE), "telegram"), 0, -1, withscores=True))
        assert {name.decode(): at_ms for name, at_ms in due} == {
            keys.due(HERE, id): 1000 * at for id, at in self.planned.items()
        }


def test_lanes_do_what_their_model_does(monkeypatch: Any) -> None:
    monkeypatch.setattr(lanes, "LONGEST", LONGEST)
    monkeypatch.setattr(lanes, "_URGENT", URGENT)
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        opened = open_store("", Path(folder))
        LaneMachine.loop, LaneMachine.store = loop, loop.run_until_complete(opened.__aenter__())
        try:
            run_as_test(LaneMachine)
        finally:
            loop.run_until_complete(opened.__aexit__(None, None, None))
            loop.close()


def run_as_test(machine: type[RuleBasedStateMachine]) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    every: Any = HealthCheck  # a list of itself, which its types do not say
    calm = settings(
        max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(every), database=None
    )
    run_state_machine_as_test(machine, settings=calm)
