"""Calls that nobody can interrupt, made in a daemon thread, so that whoever waits can leave."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Event, Thread
from typing import TypeVar

from core import clock
from core.errors import RetryableError

_Result = TypeVar("_Result")
POLL_S = 0.1


class Stopped(RetryableError):
    """Whoever wanted it does not any more."""

    def __init__(self) -> None:
        super().__init__("it was stopped; what is here already is gone on from")


def aside(work: Callable[[], _Result], stop: Event, limit_s: float | None = None) -> _Result:
    """What `work` returns or raises. Blocks; Stopped soon after `stop` is set, TimeoutError after `limit_s` seconds.

    The thread is not waited for then: a name server or a socket that is silent may hold it for longer.
    """
    future: Future[_Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, name="fetching", daemon=True).start()
    deadline = None if limit_s is None else clock.monotonic() + limit_s
    while not wait([future], timeout=POLL_S).done:
        if stop.is_set():
            raise Stopped
        if deadline is not None and clock.monotonic() > deadline:
            raise TimeoutError
    return future.result()
