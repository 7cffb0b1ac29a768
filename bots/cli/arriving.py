"""The starter models in the owner's terminal: asked for once, then a bar for each until it is there."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from rich.filesize import decimal

from bots.cli import env_file
from bots.cli.bars import Bars
from bots.locales import Phrases
from core.models.arriving import Arrival
from core.models.catalogue import Entry
from core.models.progress import Progress

Agrees = Callable[[Sequence[Entry]], Awaitable[bool]]
"""Whether these models may be fetched."""
_NO = ("n", "no", "否", "不")


class Terminal:
    """What the terminal of a Parley says of models on their way; `say` prints a line."""

    def __init__(self, phrases: Phrases, language: str, say: Callable[[str], None]) -> None:
        self._phrases = phrases
        self._language = language
        self._say = say
        self._bars = Bars()

    async def agrees(self, wanted: Sequence[Entry]) -> bool:
        """Ask whether models may be fetched, Enter being yes; where nobody sits there, they may.

        A no is written into `.env`, so that it is asked once.
        """
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return True
        from core.models import hub  # huggingface_hub takes half a second to import

        size, names = decimal(sum(entry.size or 0 for entry in wanted)), ", ".join(entry.name for entry in wanted)
        self._tell("starter_ask", names=names, size=size, host=hub.host())
        if (await _line()).strip().lower() not in _NO:
            return True
        await asyncio.to_thread(env_file.change, Path(".env"), {"MODELS": "builtin"})
        self._tell("starter_no")
        return False

    async def asked_now(self, wanted: Sequence[Entry]) -> Agrees:
        """Ask at once, if there is anything to ask, for whoever needs the answer later."""
        word = bool(wanted) and await self.agrees(wanted)

        async def agrees(_: Sequence[Entry]) -> bool:
            return word

        return agrees

    def tell_end(self, arrival: Arrival) -> None:
        """Say how a model's way ended, and nothing before; from any thread."""
        if arrival.state in ("here", "failed"):
            self.watch(arrival)

    def watch(self, arrival: Arrival) -> None:
        """Show how far a model is; from any thread."""
        if arrival.state in ("fetching", "opening"):
            what = self._phrases.say(f"starter_{arrival.state}", self._language, name=arrival.name)
            self._bars.show(Progress(what, what, arrival.done, arrival.total))
        else:
            self._bars.end()
            self._tell(f"starter_{arrival.state}", name=arrival.name, reason=arrival.reason)

    def _tell(self, key: str, **params: object) -> None:
        self._say(self._phrases.say(key, self._language, **params))


async def _line() -> str:
    """What is typed next; a daemon thread waits for it, so that leaving does not."""
    loop, answered = asyncio.get_running_loop(), asyncio.Event()
    typed: list[str] = []

    def read() -> None:
        typed.append(sys.stdin.readline())
        loop.call_soon_threadsafe(answered.set)

    threading.Thread(target=read, name="question", daemon=True).start()
    await answered.wait()
    return typed[0]
