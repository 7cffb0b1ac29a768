"""A short question goes on from the exact one before it, where only one thing can be meant."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import tools

NOW = datetime(2026, 3, 11, 14, 30)


def _after(before: str, text: str) -> str:
    return tools.answer(text, NOW, chinese=not text.isascii(), before=before)


@pytest.mark.parametrize(
    ("before", "text", "whole"),
    [
        ("what is 15% of 80?", "and of 120?", "what is 15% of 120"),
        ("what is 15% of 80?", "What about 120?", "what is 15% of 120"),
        ("5 km in miles", "and 10 km?", "10 km in miles"),
        ("5 km in miles", "and in metres?", "5 km in metres"),
        ("What day is it today?", "and tomorrow?", "what day is it tomorrow"),
        ("what time is it", "and in Tokyo?", "what time is it in Tokyo"),
        ("80的15%是多少", "那120的呢？", "120的15%是多少"),
    ],
)
def test_a_short_question_is_answered_as_the_whole_one(before: str, text: str, whole: str):
    assert _after(before, text) == tools.answer(whole, NOW, chinese=not text.isascii()) != ""


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("what is 12 plus 7?", "and 5?"),
        ("12 * 8", "and 3 km?"),
        ("I have 80 euros", "and of 120?"),
        ("what is 15% of 80?", "and you?"),
        ("what is 15% of 80?", "and why?"),
        ("what is 15% of 80?", "120 of them"),
        ("", "and of 120?"),
        ("80的15%是多少", "那你呢？"),
    ],
)
def test_what_may_mean_more_than_one_thing_is_left(before: str, text: str):
    assert _after(before, text) == ""


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_messages_may_follow_each_other(before: str, text: str):
    assert _after(before, text) == tools.answer(text, NOW, chinese=not text.isascii())


@given(share=st.integers(1, 99), first=st.integers(2, 9999), second=st.integers(2, 9999))
def test_a_share_of_another_number_is_that_share(share: int, first: int, second: int):
    assert _after(f"what is {share}% of {first}", f"and of {second}?") == _after("", f"what is {share}% of {second}")
