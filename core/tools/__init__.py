"""Exact small things that need no model: sums, units, dates and the time.

Each answers when the whole message is such a question, in English or Chinese, and else returns "".
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from core.tools import dates, following, sums, units, weekdays

_MOST_CHARS = 200


def local_time(at: float, zone: str) -> datetime:
    """The time at `at` (seconds since the epoch) in a zone of the IANA database; "": this machine's."""
    return datetime.fromtimestamp(at, ZoneInfo(zone)) if zone else datetime.fromtimestamp(at).astimezone()


def answer(text: str, now: datetime, *, chinese: bool, before: str = "") -> str:
    """The exact answer to a message that is such a question, by itself or after the one `before` it; else ""."""
    if len(text) > _MOST_CHARS:
        return ""
    wholes = following.wholes(text, before) if before and _exact(before, now, chinese=chinese) else ()
    return next(filter(None, (_exact(each, now, chinese=chinese) for each in (text, *wholes))), "")


def _exact(text: str, now: datetime, *, chinese: bool) -> str:
    exact = sums.answer(text) or units.answer(text, chinese=chinese) or dates.answer(text, now, chinese=chinese)
    return exact or weekdays.answer(text, now, chinese=chinese)
