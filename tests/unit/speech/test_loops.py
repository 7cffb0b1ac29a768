import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.speech.loops import shortened


@pytest.mark.parametrize(
    ("heard", "short"),
    [
        ("今" + "天" * 70, "今天天天"),
        ("我们要" * 20, "我们要" * 3),
        ("Thank you. " * 30 + "Bye.", "Thank you. Thank you. Thank you. Bye."),
        ("so " * 9, "so so so "),
    ],
)
def test_words_in_a_circle_stand_there_three_times(heard: str, short: str):
    assert shortened(heard) == short


@pytest.mark.parametrize(
    "said",
    [
        "No, no, no, no, no!",
        "对对对对对",
        "It costs 1000000000 yen.",
        "Call 555 5555555.",
        "Well ........ yes",
        "哈哈哈哈",
        "",
    ],
)
def test_what_people_say_is_no_loop(said: str):
    assert shortened(said) == said


@given(st.text("ab ", min_size=1, max_size=6).filter(lambda part: part.strip()), st.integers(6, 60), st.text("cd e"))
def test_no_loop_is_left(part: str, times: int, around: str):
    short = shortened(around + part * times + around)
    assert part * 6 not in short
    assert shortened(short) == short


def test_ten_minutes_of_words_take_no_time():
    said = "".join(f"word{number % 977:03d} and then again, " for number in range(2000))
    start = time.process_time()
    assert shortened(said) == said
    assert time.process_time() - start < 2
