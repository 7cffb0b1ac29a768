"""A minute of a busy house. Through the page's API, which has no pace of its own as Telegram and Discord have."""

import asyncio
import time
from collections import defaultdict
from pathlib import Path
from statistics import quantiles

import httpx

from tests.fault.conftest import Note
from tests.fault.model_server import MODEL, ModelServer, answer_to
from tests.fault.world import cpu_s, memory_mb
from tests.scenario.product import Product

_SECONDS, _EACH_SECOND, _CHANNELS = 60, 100, 1000
_WARM_AT, _LAST_AT = 1500, 5900
_GROWN_MB = 40


async def test_24_a_hundred_messages_a_second_over_a_thousand_channels(data: Path, note: Note):
    took_s: list[float] = []
    answers: dict[str, list[str]] = defaultdict(list)
    memory: dict[int, float] = {}
    cpu: dict[int, float] = {}
    async with ModelServer() as model:
        product = Product(data, LM_URL=model.base, LM_MODEL=MODEL)
        await (await product.start()).healthy()
        try:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=200)
            async with httpx.AsyncClient(timeout=120, limits=limits) as client, asyncio.TaskGroup() as group:
                began = time.monotonic()

                async def say(number: int) -> None:
                    text, channel = f"message {number}", f"c{number % _CHANNELS}"
                    asked = time.monotonic()
                    url = f"{product.page}/v1/channels/{channel}/messages"
                    answer = await client.post(url, json={"text": text})
                    took_s.append(time.monotonic() - asked)
                    answers[channel].append(answer.json().get("text") or answer.text)

                for number in range(_SECONDS * _EACH_SECOND):
                    await asyncio.sleep(began + number / _EACH_SECOND - time.monotonic())
                    group.create_task(say(number))
                    if number in (_WARM_AT, _LAST_AT):
                        memory[number], cpu[number] = memory_mb(product), cpu_s(product)
                pace = _SECONDS * _EACH_SECOND / (time.monotonic() - began)
        finally:
            await product.stop()
    expected = {f"c{channel}": [answer_to(f"message {number}") for number in range(channel, 6000, _CHANNELS)]
                for channel in range(_CHANNELS)}  # fmt: skip
    grown_mb = memory[_LAST_AT] - memory[_WARM_AT]
    cuts = quantiles(took_s, n=100)
    note(
        f"{len(took_s)} messages at {pace:.0f}/s, p50 {1000 * cuts[49]:.0f} ms, p99 {1000 * cuts[98]:.0f} ms, memory "
        f"{memory[_WARM_AT]:.0f} MB after {_WARM_AT // _EACH_SECOND} s and {grown_mb:+.0f} MB in the rest, processor "
        f"{1000 * (cpu[_LAST_AT] - cpu[_WARM_AT]) / (_LAST_AT - _WARM_AT):.1f} ms a message"
    )
    assert answers == expected
    assert len(model.asked) == _SECONDS * _EACH_SECOND
    assert grown_mb < _GROWN_MB
