"""`parley chat`: a whole Parley for one terminal."""

import asyncio

import typer

from bots import starter
from bots.cli import stopping
from bots.cli.arriving import Terminal
from bots.console.platform import ConsolePlatform
from bots.locales import Phrases, language_of_terminal
from core.settings import Settings
from core.store.redis import open_store


async def converse(settings: Settings) -> None:
    """`parley chat`: a whole Parley for this terminal, until the person leaves."""
    from bots.app import LEAVE_S, App  # brings the models' libraries, which the terminal itself does without

    async with open_store(settings.redis_url, settings.data_dir, settings.redis_fsync) as store:
        terminal = Terminal(Phrases(), language_of_terminal(), typer.echo)
        # Asked before the chat takes the terminal; bars would be drawn into the conversation.
        agrees = await terminal.asked_now(await asyncio.to_thread(starter.missing, settings))
        app = App(settings, store, agrees=agrees, watch=terminal.tell_end)
        console = ConsolePlatform(app.phrases, exports=settings.data_dir / "exports", loading=lambda: app.loading)
        with stopping.asking_first(app.leave, typer.echo, LEAVE_S):
            await app.run({"console": console})
