"""Models: their downloads are seen, and an owner sees what is in memory."""

import asyncio
import os
import re
import sys
import termios
from pathlib import Path

import httpx
from aiohttp import web

from core.lm.local import loading
from core.speech import transcription
from tests.platforms.hub_server import HubServer
from tests.scenario.product import environment, run_to_end, running


async def test_downloads_of_both_models_show_a_bar_in_the_terminal(data: Path):
    shown, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (40, 120))
    async with HubServer({"parley/small": loading.SHIPPED, "parley/ears": transcription.SHIPPED}) as hub:
        settings = {
            "HF_ENDPOINT": hub.base,
            "HF_HOME": str(data / "hub"),
            "LM_MODEL": "parley/small",
            "ASR_MODEL": "parley/ears",
            "DATA_DIR": str(data / "d"),
        }
        _, planned = await run_to_end(data, "models", COLUMNS="200", **settings)
        assert planned.count("to be downloaded") == 2
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bots", "doctor"),
            cwd=data,
            env=environment(**settings),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=terminal,
        )
        os.close(terminal)
        printed = await asyncio.to_thread(_read, shown)
        assert await process.wait() == 0, printed
        assert {"model.safetensors", "model.bin"} <= set(hub.asked)
        assert "parley--small" in printed
        assert "parley--ears" in printed
        assert len(re.findall(r"(\d+\.\d)/\1 MB", printed)) >= 2
        _, planned = await run_to_end(data, "models", COLUMNS="200", **settings)
        assert planned.count(", this machine, ") == 2


def _read(terminal: int) -> str:
    """All that is printed, until whoever prints has ended."""
    pieces: list[bytes] = []
    try:
        while piece := os.read(terminal, 4096):
            pieces.append(piece)
    except OSError:  # Linux: the other end is closed
        pass
    os.close(terminal)
    return b"".join(pieces).decode()


async def test_what_a_running_parley_holds_is_listed(data: Path):
    async with running(data, WEB_TOKEN="open sesame") as product:
        await product.ask("Hello!", Authorization="Bearer open sesame")
        port = product.page.rsplit(":", 1)[1]
        settings = {"WEB_PORT": port, "COLUMNS": "200"}
        code, printed = await run_to_end(data, "models", WEB_TOKEN="open sesame", **settings)
        assert code == 0
        assert f"Parley at http://127.0.0.1:{port} holds" in printed
        assert all(name in printed for name in ("parley-small", "parley-ears", "this machine", "3.8 MB"))
        code, printed = await run_to_end(data, "models", WEB_TOKEN="a wrong one", **settings)
        assert code == 2
        assert "parley: WEB_TOKEN: got another secret" in printed
        assert "a wrong one" not in printed
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{product.page}/v1/models")).status_code == 401


async def test_what_the_settings_name_is_listed_when_nothing_runs(data: Path):
    settings = {"WEB_PORT": "1", "COLUMNS": "200"}
    code, printed = await run_to_end(data, "models", **settings)
    assert code == 0
    assert "Nothing runs at http://127.0.0.1:1" in printed
    assert all(name in printed for name in ("parley-small", "parley-ears", "3.8 MB"))
    _, printed = await run_to_end(
        data, "models", LM_URL="http://ann:secret@lm.test:8000/v1", LM_MODEL="big", **settings
    )
    assert all(name in printed for name in ("big", "lm.test"))
    assert "secret" not in printed


async def test_something_else_at_the_port_is_not_taken_for_parley(data: Path):
    async def another(_: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": []})

    app = web.Application()
    app.router.add_get("/v1/models", another)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    code, printed = await run_to_end(data, "models", WEB_PORT=str(runner.addresses[0][1]))
    await runner.cleanup()
    assert code == 2
    assert "wants Parley there, not something else" in printed
