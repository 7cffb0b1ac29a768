"""Named days have their dates, and a day and its hours their names."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import tools

NAMES = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
NOW = datetime(2026, 3, 11, 14, 30)
"""A Wednesday."""


def _answer(text: str, now: datetime = NOW) -> str:
    return tools.answer(text, now, chinese=not text.isascii())


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("What date is next Friday?", "Friday, 13 March 2026; the one after it is Friday, 20 March 2026."),
        ("what day is wednesday", "Wednesday, 11 March 2026."),
        ("When is the next Wednesday?", "Wednesday, 18 March 2026; the one after it is Wednesday, 25 March 2026."),
        ("Is today a weekday or the weekend?", "Today is a weekday: Wednesday, 11 March 2026."),
        ("is it morning or evening now?", "It is afternoon, 14:30."),
        ("Which month are we in?", "It is March 2026."),
        ("下周五是几号？", "2026年3月20日，星期五。"),
        ("周五是几号", "2026年3月13日，星期五。"),
        ("今天是周末吗", "今天是2026年3月11日，星期三，是工作日。"),
        ("现在是早上还是晚上", "现在是下午，14:30。"),
    ],
)
def test_days_and_hours(asked: str, answer: str):
    assert _answer(asked) == answer


@pytest.mark.parametrize(
    "asked",
    ["when is friday", "I am free next Friday", "what day is best", "is it evening dress?", "周五开会", "next Friday?"],
)
def test_what_asks_for_more_or_nothing_is_left(asked: str):
    assert _answer(asked) == ""


@given(now=st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2090, 1, 1)), name=st.sampled_from(NAMES))
def test_a_named_day_is_the_next_of_its_name(now: datetime, name: str):
    day = next(now + timedelta(days=ahead) for ahead in range(7) if f"{now + timedelta(days=ahead):%A}" == name)
    assert _answer(f"What date is {name}?", now) == f"{name}, {day.day} {day:%B %Y}."
    assert _answer(f"what date is it next {name}", now) != ""
