"""How far the models are that are being fetched: bars in a terminal, a line at each tenth elsewhere."""

import threading
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress

from core.models.progress import Progress


class Bars:
    """A bar for each model. `show` may be called from several threads, each within its own `with`."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(20), DownloadColumn(), TransferSpeedColumn())
        self._bars = RichProgress(*columns, TimeRemainingColumn(compact=True), console=self._console)
        self._tasks: dict[str, TaskID] = {}
        self._tenths: dict[str, int] = {}
        self._users = 0
        self._lock = threading.Lock()

    def __enter__(self) -> "Bars":
        with self._lock:
            self._users += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            self._users -= 1
            if self._tasks and not self._users:
                self._bars.stop()

    def end(self) -> None:
        """Take all bars away."""
        with self._lock:
            for task in self._tasks.values():
                self._bars.remove_task(task)
            self._tasks.clear()
            self._bars.stop()

    def show(self, progress: Progress) -> None:
        """Draw how far a model is."""
        with self._lock:
            if self._console.is_terminal:
                self._draw(progress)
            else:
                self._tell(progress)

    def _draw(self, progress: Progress) -> None:
        self._bars.start()
        if progress.model not in self._tasks:
            self._tasks[progress.model] = self._bars.add_task(progress.model, total=progress.total)
        self._bars.update(self._tasks[progress.model], completed=progress.done, total=progress.total)

    def _tell(self, progress: Progress) -> None:
        tenth = 10 * progress.done // max(progress.total, 1)
        if tenth > self._tenths.get(progress.model, -1):
            self._tenths[progress.model] = tenth
            self._console.print(f"{progress.model}: {10 * tenth} %", highlight=False)
