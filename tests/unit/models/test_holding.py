"""Models that are switched while turns borrow them."""

import asyncio
import random

import pytest

from core.errors import PermanentError, SettingError
from core.models.holding import Holding


class Weights:
    """A model that takes some bytes and tells when it is closed."""

    def __init__(self, name: str, weight_bytes: int = 10) -> None:
        self.name = name
        self.weight_bytes = weight_bytes
        self.closed = False

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed = True


class Shelf:
    """Opens models by name; keeps all that it opened."""

    def __init__(self, **sizes: int) -> None:
        self.opened: list[Weights] = []
        self._sizes = sizes

    async def open(self, name: str) -> Weights:
        await asyncio.sleep(0)
        if name.startswith("no"):
            raise SettingError("LM_MODEL", repr(name), "a model")
        self.opened.append(Weights(name, self._sizes.get(name, 10)))
        return self.opened[-1]


async def test_a_turn_ends_on_the_model_with_which_it_began():
    shelf = Shelf()
    holding = Holding(shelf.open)
    await holding.use("small")
    async with holding.borrow() as old:
        await holding.use("large")
        assert (old.name, old.closed, holding.default.name) == ("small", False, "large")
        async with holding.borrow() as new:
            assert new.name == "large"
    assert old.closed
    assert not new.closed


async def test_one_that_nobody_uses_goes_at_once():
    shelf = Shelf()
    holding = Holding(shelf.open)
    await holding.use("small")
    await holding.use("large")
    assert [model.closed for model in shelf.opened] == [True, False]


async def test_what_cannot_be_opened_leaves_the_one_before():
    holding = Holding(Shelf().open)
    await holding.use("small")
    with pytest.raises(SettingError):
        await holding.use("none")
    assert holding.default.name == "small"
    async with holding.borrow("none") as model:
        assert model.name == "small"


async def test_of_those_beside_the_default_the_longest_unused_goes():
    shelf = Shelf()
    holding = Holding(shelf.open, limit_bytes=30)
    await holding.use("small")
    for name in ("a", "b", "a", "c"):
        async with holding.borrow(name) as model:
            assert model.name == name
    assert [model.name for model in holding.models] == ["small", "a", "c"]
    assert [model.name for model in shelf.opened if model.closed] == ["b"]


async def test_one_that_is_too_large_is_refused_and_the_default_stands_in():
    holding = Holding(Shelf(huge=100).open, limit_bytes=30)
    await holding.use("small")
    with pytest.raises(PermanentError, match="huge and small together pass the limit"):
        await holding.ready("huge")
    async with holding.borrow("huge") as model:
        assert model.name == "small"


async def test_one_that_turns_use_is_not_put_away_for_another():
    holding = Holding(Shelf().open, limit_bytes=20)
    await holding.use("small")
    async with holding.borrow("a") as first, holding.borrow("b") as second:
        assert (first.name, second.name) == ("a", "small")
    async with holding.borrow("b") as second:
        assert second.name == "b"


async def test_whatever_is_borrowed_stays_open_while_models_are_switched():
    shelf = Shelf()
    holding = Holding(shelf.open, limit_bytes=30)
    await holding.use("m0")
    dice = random.Random(7)

    async def talk() -> None:
        for _ in range(40):
            async with holding.borrow(dice.choice(["", "m1", "m2", "m3"])) as model:
                for _ in range(dice.randrange(4)):
                    await asyncio.sleep(0)
                    assert not model.closed

    async def switch() -> None:
        for _ in range(30):
            await holding.use(f"m{dice.randrange(5)}")
            await asyncio.sleep(0)

    await asyncio.gather(switch(), *(talk() for _ in range(20)))
    still = [model for model in shelf.opened if not model.closed]
    assert sorted(model.name for model in still) == sorted(model.name for model in holding.models)
    await holding.close()
    assert all(model.closed for model in shelf.opened)
