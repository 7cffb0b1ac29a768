"""Sums, units and dates: right where the whole message asks for one, silent everywhere else."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import tools
from core.tools import units
from core.tools.numbers import in_digits, written

NOW = datetime(2026, 11, 28, 14, 5, tzinfo=UTC)


def exact(text: str, *, chinese: bool = False) -> str:
    return tools.answer(text, NOW, chinese=chinese)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("what is 12 plus 7", "12 + 7 = 19"),
        ("12*(3+4)", "12 × (3 + 4) = 84"),
        ("15 % of 80", "15% × 80 = 12"),
        ("12加7等于多少", "12 + 7 = 19"),
        ("100的百分之十五是多少", "100 × 15% = 15"),
        ("what is twenty five times four?", "25 × 4 = 100"),
        ("what is the square root of 2", "√2 ≈ 1.41421356237"),
        ("How many miles is 5 km?", "5 km ≈ 3.10686 miles"),
        ("20°C in °F", "20 °C = 68 °F"),
        ("what time is it?", "It is 14:05 on Saturday, 28 November 2026."),
        ("what time is it in Tokyo", "Tokyo: It is 23:05 on Saturday, 28 November 2026."),
        ("how many days until Christmas?", "27 days: from Saturday, 28 November 2026 to Friday, 25 December 2026."),
    ],
)
def test_a_question_that_is_nothing_else_is_answered_exactly(asked: str, answer: str):
    assert exact(asked) == answer


def test_chinese_questions_are_answered_in_chinese():
    assert exact("现在几点了？", chinese=True) == "现在是 14:05，2026年11月28日，星期六。"
    assert exact("5公里等于多少英里", chinese=True) == "5 公里 ≈ 3.10686 英里"
    assert exact("2026年1月1日到2026年3月1日有多少天", chinese=True).endswith("共 59 天。")


@pytest.mark.parametrize(
    "text",
    [
        "the party is on 12/7",
        "call me at 555-0199",
        "12/7",
        "24/7",
        "555-0199",
        "2026-11-28",
        "9**9**9",
        "10**1000",
        "I have 2 + 3 apples",
        "what is love",
        "what is 10 divided by 0",
        "what is the time complexity of quicksort?",
        "5 km in kg",
        "how many days until the party?",
        "(" * 90 + "1" + ")" * 90,
        "__import__('os')",
    ],
)
def test_anything_else_is_left_alone(text: str):
    assert exact(text) == ""


def _fraction(shown: str) -> Fraction:
    mantissa, _, exponent = shown.replace("−", "-").partition("×10^")
    return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)


@given(first=st.integers(0, 10**9), second=st.integers(1, 10**6), sign=st.sampled_from("+-*/"))
def test_sums_are_those_of_fractions(first: int, second: int, sign: str):
    operations = {"+": first + second, "-": first - second, "*": first * second, "/": Fraction(first, second)}
    shown = exact(f"what is {first} {sign} {second}?")
    value = _fraction(shown.split("=")[-1].split("≈")[-1].strip())
    wanted = Fraction(operations[sign])
    assert value == wanted if " = " in shown else abs(value - wanted) <= abs(wanted) / 10**11


@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str):
    assert isinstance(exact(text), str)


@given(st.text("0123456789+-*/^()%. r", max_size=40))
def test_no_sum_breaks_it(text: str):
    assert isinstance(exact(text), str)


@given(
    amount=st.fractions(-1000, 1000, max_denominator=100),
    names=st.sampled_from([("km", "miles"), ("c", "f"), ("lb", "kg")]),
)
def test_there_and_back_is_the_same(amount: Fraction, names: tuple[str, str]):
    here, there = units._UNITS[names[0]], units._UNITS[names[1]]
    assert units.converted(units.converted(amount, here, there), there, here) == amount


@given(st.integers(0, 9999))
def test_numbers_are_written_whole(value: int):
    assert written(Fraction(value)) == str(value)
    assert in_digits(str(value)) == str(value)
