"""The language model's server hangs, refuses, raises or breaks off."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bots.locales import Phrases
from core.store import keys
from core.store.redis import open_store
from core.values.channel import ChannelKey
from tests.fault.conftest import Note
from tests.fault.model_server import Trouble
from tests.fault.world import World, until

_WENT_WRONG, _UNAVAILABLE, _SLOW = (Phrases().say(key, "en") for key in ("went_wrong", "unavailable", "model_slow"))
_HANG_S = 120
"""A model that hangs is given up after 60 s (core/lm/remote.py)."""


async def test_11_a_message_that_always_raises(world: World, data: Path, note: Note):
    world.model.trouble = lambda said: Trouble(status=400) if said == "poison" else None
    world.say(1, "poison")
    world.say(1, "the next one")
    verdict = await world.answered({"the next one"})
    dead = await _dead_letters(data, ChannelKey("telegram", "42:1"))
    apologised = next(at for sent, at in zip(world.telegram.sent, world.telegram.sent_at, strict=True)
                      if sent.text == _WENT_WRONG)  # fmt: skip
    note(
        f"asked {world.model.times_asked('poison')} times, apologised after {apologised - world.said_at['poison']:.1f} "
        f"s, the next one answered {world.shown_at('the next one')[0] - apologised:.2f} s later, dead letters {dead}, "
        f"said {list(verdict.other)}"
    )
    assert verdict.other == (_WENT_WRONG,)
    assert dead == 1
    assert verdict.lost == ("poison",)
    assert not verdict.doubled


async def _refuse(world: World) -> None:
    await world.model.refuse()


async def _fail(world: World) -> None:
    world.model.trouble = lambda said: Trouble(status=500)


async def _hang(world: World) -> None:
    world.model.trouble = lambda said: Trouble(hang=True)


async def _recover(world: World) -> None:
    world.model.trouble = lambda said: None
    await world.model.refuse()
    await world.model.listen()


@pytest.mark.parametrize("begin", [_refuse, _fail, _hang])
async def test_12_the_model_is_away(world: World, note: Note, begin: Callable[[World], Awaitable[None]]):
    world.say(1, "before")
    await world.answered()
    await begin(world)
    asked = world.say(1, "meanwhile")
    took_s = await until(lambda: world.verdict().other, "an honest sentence", _HANG_S)
    await _recover(world)
    world.say(1, "after")
    verdict = await world.answered({"before", "after"})
    tries = world.model.times_asked(asked)
    again_s = max(world.telegram.sent_at) - world.said_at["after"]
    note(
        f"{begin.__name__}: one sentence after {took_s:.1f} s and {tries} requests that arrived; after the recovery an "
        f"answer in {again_s:.1f} s"
    )
    assert verdict.other == (_SLOW if begin is _hang else _UNAVAILABLE,)
    assert verdict.lost == (asked,)
    assert not verdict.doubled


@pytest.mark.parametrize("times", [1, 10**6])
async def test_13_the_answer_breaks_off(world: World, note: Note, times: int):
    said = " ".join(f"word{number}" for number in range(40))
    world.model.word_s = 0.05
    world.model.trouble = lambda text: Trouble(cut_after=20) if world.model.times_asked(text) <= times else None
    world.say(1, said)
    took_s = await until(lambda: world.telegram.sent, "a message")
    await asyncio.sleep(1)
    await world.telegram.wait_quiet()
    verdict = world.verdict()
    heard = "the whole answer" if not verdict.lost else verdict.other
    often, asked = "once" if times == 1 else "always", world.model.times_asked(said)
    note(f"cut {often}: {heard} after {took_s:.1f} s, asked {asked}, {len(world.telegram.drafts)} drafts before it")
    assert world.telegram.drafts
    assert len(world.telegram.sent) == 1
    assert verdict.perfect or verdict.other == (_UNAVAILABLE,)


async def _dead_letters(data: Path, channel: ChannelKey) -> int:
    async with open_store("", data / "d") as store:
        return await store.redis.llen(keys.of_channel("dead", channel))
