"""What people are told of what is kept of them, and what they decide, through a worker on a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from bots.locales import Phrases
from core import clock
from core.privacy.cache_invalidation import Invalidation
from core.privacy.consent import Consents
from core.privacy.service import Terms
from core.store import keys
from core.store.redis import Store
from core.values.channel import ChannelKey
from core.values.events import Summary
from tests.support.house import ANN, BOB, HERE, House, told, working
from tests.support.settings import settings_of

SAY = Phrases().say


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    made = House(store)
    async with working(made):
        yield made


async def test_words_improve_the_model_only_for_those_who_allow_it(house: House, monkeypatch: pytest.MonkeyPatch):
    consents = Consents(house.store)
    assert SAY("consent_none", "en") in await told(house, "/privacy")
    assert await consents.of("telegram", ANN.id) is None
    monkeypatch.setattr(clock, "now", lambda: datetime(2031, 5, 17, 12, tzinfo=UTC).timestamp())
    given = SAY("consent_given", "en", date="2031-05-17")
    assert await told(house, "/privacy allow") == given
    assert given in await told(house, "/privacy")
    kept = await consents.of("telegram", ANN.id)
    assert kept is not None
    assert (kept.given, kept.at) == (True, clock.now())
    assert SAY("consent_none", "en") in await told(house, "/privacy", who=BOB)
    assert await told(house, "/privacy refuse") == SAY("consent_refused", "en", date="2031-05-17")
    kept = await consents.of("telegram", ANN.id)
    assert kept is not None
    assert not kept.given
    assert "allow, refuse" in await told(house, "/privacy perhaps")


async def test_in_a_group_it_is_told_to_the_one_who_asks(house: House):
    await told(house, "/privacy", who=BOB, group=True)
    assert house.platform.sent[-1].private_to == BOB.id


def test_the_terms_name_the_machines_that_words_go_to():
    assert Terms.of(settings_of()) == Terms(365)
    near = settings_of(
        redis_url="redis://127.0.0.1:6379/0", lm_url="http://[::1]:8000/v1", tts_url="http://localhost/v1"
    )
    assert Terms.of(near) == Terms(365)
    far = settings_of(
        redis_url="rediss://user:secret@db.example:6379/0",
        lm_url="https://lm.example/v1",
        lm_api_key=SecretStr("key"),
        tts_url="https://lm.example/v1",
    )
    assert Terms.of(far) == Terms(365, "db.example", ("lm.example",))


async def test_what_is_forgotten_is_dropped_by_every_process(house: House, store: Store):
    others: list[ChannelKey | None] = []
    other = Invalidation(store, (others.append,))
    listening = asyncio.create_task(other.listen())
    try:
        await until_subscribed(store)
        await told(house, "hello", "how are you")
        assert house.model.forgotten == []
        await told(house, "/undo")
        await told(house, "/new")
        async with asyncio.timeout(10):
            while len(others) < 2:
                await asyncio.sleep(0.01)
        assert others == [HERE, HERE]
        assert house.model.forgotten == [str(HERE)] * 2
        await store.redis.client_kill_filter(_type="pubsub")
        async with asyncio.timeout(10):
            while others[-1] is not None:
                await asyncio.sleep(0.01)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def until_subscribed(store: Store) -> None:
    async with asyncio.timeout(10):
        while not dict(await store.redis.pubsub_numsub(keys.FORGOTTEN)).get(keys.FORGOTTEN.encode()):
            await asyncio.sleep(0.01)


async def test_a_summary_of_what_was_taken_out_meanwhile_is_void(house: House):
    await told(house, "hello", "the secret is out", "how are you")
    before = await house.lanes.dialogue(HERE)
    await told(house, "/undo")
    upto = before.turns[0].id
    await house.lanes.accept(Summary("s", HERE, "They told a secret.", upto, told_by=("1",), edition=before.edition))
    await house.quiet()
    assert (await house.lanes.dialogue(HERE)).summary == ""
    edition = before.edition + 1
    await house.lanes.accept(Summary("t", HERE, "They said hello.", upto, 5.0, ("1",), edition))
    await house.quiet()
    kept = await house.lanes.dialogue(HERE)
    assert (kept.summary, kept.since, kept.told_by) == ("They said hello.", 5.0, ("1",))
