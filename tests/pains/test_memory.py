"""What was told long ago, through the product with the models that ship, and through a kill."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from core.lanes.lanes import Lanes
from core.store.redis import open_store
from core.values.channel import ChannelKey
from tests.scenario.product import Product

pytestmark = pytest.mark.asyncio(loop_scope="session")
SMALL_TALK = ("Hello!", "How are you?", "Thank you!", "What can you do?", "Tell me more.", "Good night.")
PROBES = (
    ("english", "My name is Anna.", "What is my name?", "Anna"),
    ("english", "I live in Paris.", "Where do I live?", "Paris"),
    ("english", "My dog is called Rex.", "What is my dog called?", "Rex"),
    ("english", "My favourite colour is green.", "What is my favourite colour?", "green"),
    ("chinese", "我叫小明。", "我叫什么名字？", "小明"),
)
ROOMS = ("english", "chinese")
_TURNS = 200


async def test_pain_16_a_fact_told_200_turns_ago_survives_a_summary_and_a_kill():
    with tempfile.TemporaryDirectory(prefix="parley-", ignore_cleanup_errors=True) as folder:
        product = Product(Path(folder))
        await (await product.start()).healthy()
        try:
            async with asyncio.TaskGroup() as group:
                for room in ROOMS:
                    group.create_task(_talk(product, room))
            await product.kill()
            await (await product.start()).healthy()
            answers = [(await product.ask(question, room))["text"] for room, _, question, _ in PROBES]
        finally:
            await product.stop()
        async with open_store("", Path(folder) / "d") as store:
            kept = {room: await Lanes(store).dialogue(ChannelKey("web", room)) for room in ROOMS}
    for (room, told, _, word), answer in zip(PROBES, answers, strict=True):
        assert word in answer, (told, answer)
        assert word in kept[room].summary


async def _talk(product: Product, room: str) -> None:
    for where, told, _, _ in PROBES:
        if where == room:
            await product.ask(told, room)
    for number in range(_TURNS):
        await product.ask(SMALL_TALK[number % len(SMALL_TALK)], room)
