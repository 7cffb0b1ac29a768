"""The only user of `time`: wall time for records, monotonic time for deadlines."""

import time


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def monotonic() -> float:
    """Seconds on a clock that never goes back."""
    return time.monotonic()
