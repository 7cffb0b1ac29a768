"""`parley run`: one process of Parley from its settings until it is told to stop."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping

from bots.app import LEAVE_S, Account, App
from bots.cli import stopping
from bots.cli.arriving import Terminal
from bots.locales import Phrases, language_of_terminal
from bots.platforms import open_platforms
from bots.web.platform import WebPlatform
from core.errors import RetryableError
from core.intake.access import Rule
from core.platform import Platform
from core.settings import Settings
from core.store.redis import open_store
from core.telemetry import log

_LOG = log("serving")
_RULES: Mapping[Rule, str] = {
    "pairing": "strangers get a code; confirm it with `parley pair CODE`",
    "list": "whoever ALLOWED and OWNERS name",
    "open": "everybody who finds the bot",
}


async def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """`parley run`: the web page and every platform with a token, until SIGTERM or Ctrl-C."""
    async with open_store(settings.redis_url, settings.data_dir, settings.redis_fsync) as store:
        terminal = Terminal(Phrases(), language_of_terminal(), announce)
        app = App(settings, store, agrees=terminal.agrees, watch=terminal.watch)
        platforms = open_platforms(app)
        accounts = [platform for platform in platforms.values() if isinstance(platform, Account)]
        me = asyncio.current_task()
        assert me is not None
        with stopping.asking_first(me.cancel, announce, 0):
            for platform in accounts:
                await _introduce(platform, announce)
        if accounts:
            announce(f"access: {_RULES[settings.access]}")
        with stopping.asking_first(app.leave, announce, LEAVE_S):
            async with asyncio.TaskGroup() as group:
                group.create_task(app.run(platforms))
                group.create_task(_announce_page(platforms["web"], announce))


async def _introduce(platform: Account, announce: Callable[[str], None]) -> None:
    try:
        announce(f"{platform.name}: {await platform.check()}")
    except RetryableError as error:
        _LOG.warning("%s cannot be reached yet, trying on: %s", platform.name, error)


async def _announce_page(web: Platform, announce: Callable[[str], None]) -> None:
    if isinstance(web, WebPlatform):
        await web.started.wait()
        announce(f"web: {_as_others_reach(web.address)}")


def _as_others_reach(address: str) -> str:
    """The page's address for other machines of the network, where it listens for all."""
    for anywhere, family, far in (("0.0.0.0", socket.AF_INET, "192.0.2.1"), ("[::]", socket.AF_INET6, "2001:db8::1")):
        if f"//{anywhere}:" in address:
            with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((far, 9))  # sends nothing: it only chooses the way out, and with it our address
                own = str(probe.getsockname()[0])
                return address.replace(anywhere, f"[{own}]" if ":" in own else own)
            return address.replace(anywhere, "127.0.0.1" if family == socket.AF_INET else "[::1]")
    return address
