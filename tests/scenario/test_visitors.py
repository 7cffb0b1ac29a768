"""Two browsers at one page: neither exports, rates or erases what the other said."""

from pathlib import Path
from typing import Any

import httpx

from tests.scenario.product import Product, running

ANN, BEN, PROGRAM = {"Parley-Visitor": "a" * 32}, {"Parley-Visitor": "b" * 32}, dict[str, str]()


async def said(product: Product, channel: str) -> list[str]:
    async with httpx.AsyncClient(timeout=60) as client:
        turns = (await client.get(f"{product.page}/v1/channels/{channel}/messages")).json()["messages"]
    return [turn["said"] for turn in turns]


async def export(product: Product, who: dict[str, str]) -> dict[str, Any]:
    answer = await product.ask("/export", "aside", **who)
    async with httpx.AsyncClient(timeout=60) as client:
        return (await client.get(f"{product.page}{answer['file_url']}")).json()


def exported(found: dict[str, Any]) -> set[str]:
    return {turn["said"] for room in found["channels"] for turn in room["turns"]}


async def test_what_a_browser_said_is_its_own(data: Path):
    async with running(data) as product:
        await product.ask("I like marble", "ann", **ANN)
        await product.ask("I like basalt", "ben", **BEN)
        await product.ask("I like granite", "both", **ANN)
        await product.ask("I like slate", "both", **BEN)
        await product.ask("I like chalk", "old", **PROGRAM)
        assert "You allowed on" in (await product.ask("/privacy allow", "ann", **ANN))["text"]
        assert exported(found := await export(product, ANN)) == {"I like marble", "I like granite"}
        assert found["improving_the_model"]["allowed"]
        assert exported(found := await export(product, BEN)) == {"I like basalt", "I like slate"}
        assert not found["improving_the_model"]
        assert exported(await export(product, PROGRAM)) == {"I like chalk"}

        assert "messages with my answers 2" in (await product.ask("/forget me", "elsewhere", **ANN))["text"]
        assert await said(product, "ann") == []
        assert await said(product, "both") == ["I like slate"]
        assert await said(product, "ben") == ["I like basalt"]
        assert exported(await export(product, BEN)) == {"I like basalt", "I like slate"}
        assert "messages with my answers 1" in (await product.ask("/forget me", "elsewhere", **PROGRAM))["text"]
        assert await said(product, "old") == []
