"""The date as a prompt tells it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.thinking import calendar

LANGUAGES = ("en", "zh-Hans", "de", "es", "fr", "it")


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)), st.sampled_from(LANGUAGES))
def test_today_and_the_day_that_some_call_next_friday_are_told_in_every_language(now: datetime, language: str):
    told = calendar.told(now, language)
    friday = now + timedelta(days=(4 - now.weekday()) % 7 or 7)
    assert str(now.year) in told
    assert f"{now:%H:%M}" in told
    assert all(str(day.day) in told for day in (now, friday))
    assert "\n" not in told


def test_dates_are_written_as_each_language_writes_them():
    now = datetime(2026, 3, 11, 9, 5, tzinfo=UTC)
    for language, words in {
        "en": "Wednesday, 11 March 2026",
        "zh-Hans": "2026年3月11日星期三",
        "de": "Mittwoch, 11. März 2026",
        "es": "miércoles, 11 de marzo de 2026",
        "fr": "mercredi 11 mars 2026",
        "pl": "Wednesday, 11 March 2026",
    }.items():
        assert words in calendar.told(now, language)


@pytest.mark.parametrize(
    "text",
    [
        "What day is it?",
        "what date is next Friday",
        "How many days until Christmas?",
        "Is it morning or evening?",
        "今天星期几？",
        "离圣诞节还有多少天？",
        "下周一我有空吗",
        "Welcher Tag ist heute?",
        "Wie spät ist es?",
        "¿Qué hora es?",
        "Quel jour sommes-nous aujourd’hui ?",
    ],
)
def test_a_message_that_speaks_of_time_is_known(text: str):
    assert calendar.speaks_of_time(text)


@pytest.mark.parametrize(
    "text", ["Hello Parley!", "Tell me a joke.", "你好呀！", "Hallo, wie geht es dir?", "and now?"]
)
def test_others_are_not_told_the_date(text: str):
    assert not calendar.speaks_of_time(text)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("Welcher Tag ist heute?", "Heute ist Mittwoch, 11. März 2026, und es ist 09:05 Uhr."),
        ("Wie spät ist es?", "Heute ist Mittwoch, 11. März 2026, und es ist 09:05 Uhr."),
        ("¿Qué día es hoy?", "Hoy es miércoles, 11 de marzo de 2026 y son las 09:05."),
        ("Quel jour sommes-nous aujourd’hui ?", "Aujourd'hui, c'est mercredi 11 mars 2026 et il est 09:05."),
        ("Welcher Tag ist gut?", ""),
        ("Quel jour est ton anniversaire ?", ""),
        ("Heute ist Montag.", ""),
    ],
)
def test_the_day_is_told_to_who_asks_for_nothing_else(asked: str, told: str):
    assert calendar.answer(asked, datetime(2026, 3, 11, 9, 5, tzinfo=UTC)) == told
