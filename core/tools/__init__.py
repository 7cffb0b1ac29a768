"""Exact small things that need no model: sums, units, dates and the time.

Each answers when the whole message is such a question, in English or Chinese, and else returns "".
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from core.tools import dates, sums, units

_MOST_CHARS = 200


def local_time(at: float, zone: str) -> datetime:
    """The time at `at` (seconds since the epoch) in a zone of the IANA database; "": this machine's."""
    return datetime.fromtimestamp(at, ZoneInfo(zone)) if zone else datetime.fromtimestamp(at).astimezone()


def answer(text: str, now: datetime, *, chinese: bool) -> str:
    """The exact answer to a message that is such a question, "" for any other."""
    if len(text) > _MOST_CHARS:
        return ""
    return sums.answer(text) or units.answer(text, chinese=chinese) or dates.answer(text, now, chinese=chinese)
