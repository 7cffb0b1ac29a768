"""What Ctrl-C and SIGTERM do: the first asks a running Parley to stop, the next ends the process at once.

Signal handlers of Python's own, not the event loop's: they also work while a library keeps the loop busy.
This is the first thing that the command imports, so it takes next to no time.
"""

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Generator
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ASKED = "Stopping: answers that are being made have {seconds:.0f} s. Ctrl-C again ends at once."


def watch() -> None:
    """From here on both end the process at once, without a traceback, and leave no Redis of its own behind."""
    for number in _SIGNALS:
        signal.signal(number, _at_once)


@contextlib.contextmanager
def asking_first(leave: Callable[[], object], say: Callable[[str], None], seconds: float) -> Generator[None]:
    """Inside, the first of them calls `leave` on the event loop, which has so many seconds."""
    import asyncio  # whoever has an event loop has it already

    loop = asyncio.get_running_loop()

    def ask(number: int, _: FrameType | None) -> None:
        watch()
        if number == signal.SIGINT:
            say(_ASKED.format(seconds=seconds))
        loop.call_soon_threadsafe(leave)

    for number in _SIGNALS:
        signal.signal(number, ask)
    try:
        yield
    finally:
        watch()


def end(code: int) -> NoReturn:
    """End the process now: threads that load or download a model are not waited for, and nothing of ours is open."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # closed, or in the middle of a write
            stream.flush()
    os._exit(code)


def _at_once(number: int, _: FrameType | None) -> None:
    # Nothing is imported here: the signal may have come in the middle of an import.
    if (store := sys.modules.get("core.store.redis")) and hasattr(store, "abandon"):
        store.abandon()
    os._exit(128 + number)
