"""A circuit breaker (M. Nygard, Release It!, 2007): a server that keeps failing is left alone for a moment.

Whoever asks meanwhile is told at once, and its turn waits in its lane instead of in a connection.
"""

from core import clock
from core.errors import RetryableError

_FAILURES = 5
_OPEN_S = 5.0


class Breaker:
    """Counts failures in a row. Closed: everyone may ask; open: nobody; after a pause one may try for all."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._failures = 0
        self._closed_at = 0.0

    def ask(self) -> None:
        """RetryableError, with the time that is left, while the server is left alone."""
        if self._failures < _FAILURES:
            return
        left_s = self._closed_at - clock.monotonic()
        if left_s > 0:
            raise RetryableError(f"{self._what} failed {self._failures} times in a row and is left alone", left_s)
        self._closed_at = clock.monotonic() + _OPEN_S  # this one tries, the others wait for what comes of it

    def failed(self) -> None:
        """It did not work."""
        self._failures += 1
        self._closed_at = clock.monotonic() + _OPEN_S

    def worked(self) -> None:
        """It works."""
        self._failures = 0
