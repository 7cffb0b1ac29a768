"""The starter models in the owner's terminal: asked for once, then a bar for each until it is there."""

import asyncio
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from bots.cli import env_file
from bots.locales import Phrases
from core.models import hub
from core.models.arriving import Arrival
from core.models.catalogue import Entry
from core.telemetry import log

_LOG = log("models")
_NO = ("n", "no", "否", "不")
_LOGGED = 25
"""Percent between two lines of a log that nobody watches."""


class Terminal:
    """What the terminal of `parley run` says of models on their way. `watch` may be called from any thread."""

    def __init__(self, phrases: Phrases, language: str) -> None:
        self._phrases = phrases
        self._language = language
        self._console = Console()
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._last: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()

    async def agrees(self, wanted: Sequence[Entry]) -> bool:
        """Ask whether models may be fetched, Enter being yes; where nobody sits there, they may.

        A no is written into `.env`, so that it is asked once.
        """
        if not (sys.stdin.isatty() and self._console.is_terminal):
            return True
        size, names = decimal(sum(entry.size or 0 for entry in wanted)), ", ".join(entry.name for entry in wanted)
        self._console.print(self._say("starter_ask", names=names, size=size, host=hub.host()), end=" ")
        if (await _line()).strip().lower() not in _NO:
            return True
        await asyncio.to_thread(env_file.change, Path(".env"), {"MODELS": "builtin"})
        self._console.print(self._say("starter_no"))
        return False

    def watch(self, arrival: Arrival) -> None:
        """Show how far a model is."""
        with self._lock:
            if self._console.is_terminal:
                self._draw(arrival)
            self._write_down(arrival)

    def close(self) -> None:
        """Take the bars away."""
        with self._lock:
            if self._bars is not None:
                self._bars.stop()

    def _draw(self, arrival: Arrival) -> None:
        if self._bars is None:
            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
            self._bars = Progress(*columns, console=self._console, transient=True)
            self._bars.start()
        if arrival.name not in self._tasks:
            self._tasks[arrival.name] = self._bars.add_task(arrival.name)
        task = self._tasks[arrival.name]
        self._bars.update(task, description=self._title(arrival), completed=arrival.done, total=arrival.total or None)
        if arrival.state in ("here", "failed"):
            self._bars.remove_task(self._tasks.pop(arrival.name))
            self._bars.console.print(self._title(arrival))
        if not self._tasks:
            self._bars.stop()
            self._bars = None

    def _title(self, arrival: Arrival) -> str:
        return self._say(f"starter_{arrival.state}", name=arrival.name, reason=arrival.reason)

    def _write_down(self, arrival: Arrival) -> None:
        """A line in the log for each step, and one for some of the bytes."""
        now = (arrival.state, arrival.percent // _LOGGED)
        if self._last.get(arrival.name) != now:
            self._last[arrival.name] = now
            _LOG.info("%s: %s %d %%", arrival.name, arrival.state, arrival.percent)

    def _say(self, key: str, **params: object) -> str:
        return self._phrases.say(key, self._language, **params)


async def _line() -> str:
    """What is typed next; a daemon thread waits for it, so that leaving does not."""
    loop, answer = asyncio.get_running_loop(), asyncio.Event()
    typed: list[str] = []

    def read() -> None:
        typed.append(sys.stdin.readline())
        loop.call_soon_threadsafe(answer.set)

    threading.Thread(target=read, name="question", daemon=True).start()
    await answer.wait()
    return typed[0]
