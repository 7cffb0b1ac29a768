"""How Parley ends: Ctrl-C says what it does, a second one ends at once, and no Redis is left behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from aiohttp import web

from tests.scenario.product import Product, environment, running

_SAYS = "Stopping: answers that are being made have 20 s. Ctrl-C again ends at once."


def servers(data: Path) -> list[str]:
    """Processes that hold this data folder."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(data) in line and process.name != str(os.getpid()):
            found.append(line)
    return found


async def ended(product: Product, seconds: float) -> int:
    async with asyncio.timeout(seconds):
        return await product.process.wait()


async def test_ctrl_c_says_what_it_does_and_ends_well(data: Path):
    async with running(data) as product:
        product.process.send_signal(signal.SIGINT)
        assert await ended(product, 15) == 0
        await asyncio.gather(*product._readers)
        assert product.said[-1] == _SAYS
        assert "Traceback" not in "\n".join(product.log)
    assert servers(data) == []


async def test_a_second_ctrl_c_ends_at_once_and_nothing_that_was_kept_is_lost(data: Path):
    async with running(data) as product:
        await product.ask("My name is Zora.")
        product.process.send_signal(signal.SIGINT)
        while _SAYS not in product.said:
            await asyncio.sleep(0.001)
        product.process.send_signal(signal.SIGINT)
        assert await ended(product, 10) in (130, 0)  # 0: it had left already
        assert servers(data) == []
        await (await product.start()).healthy()
        assert "Zora" in (await product.ask("What is my name?"))["text"]


@pytest.mark.parametrize("signals", [1, 2])
async def test_it_ends_while_a_hub_is_silent(data: Path, signals: int):
    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(3600)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", silent)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hub = f"http://127.0.0.1:{runner.addresses[0][1]}"
    product = await Product(data, LM_MODEL="someone/something", HF_ENDPOINT=hub, HF_HOME=str(data / "hf")).start()
    await asyncio.sleep(3)
    for _ in range(signals):
        product.process.send_signal(signal.SIGINT)
        await asyncio.sleep(0.05)
    assert await ended(product, 10) in ((0,) if signals == 1 else (0, 130))  # 0: it had left already
    assert servers(data) == []
    await runner.cleanup()


async def test_chat_ends_on_ctrl_c_before_its_models_are_there(data: Path):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bots", "chat"),
        cwd=data,
        env=environment(DATA_DIR=str(data / "d")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    while not (data / "d" / "redis" / "redis.sock").exists():
        await asyncio.sleep(0.02)
    await asyncio.sleep(1)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(15):
        printed, _ = await process.communicate()
    assert process.returncode in (0, 130)
    assert b"Traceback" not in printed
    assert servers(data) == []
