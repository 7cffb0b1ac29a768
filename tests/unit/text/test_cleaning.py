import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text.cleaning import clean, command, names_one_of, presentable
from core.text.language import language_of


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("  hi \r\n\r\n\r\n\r\n  there  \n", "hi\n\n  there"),
        ("a\u200bb\u202e c\ufeff\u00ad", "ab c"),
        ("cafe\u0301", "café"),
        ("what\x00 is\x1b[31m", "what is[31m"),
        ("def f():\n\treturn 1", "def f():\n    return 1"),
        ("👨\u200d👩\u200d👧 x\u200d y", "👨\u200d👩\u200d👧 x y"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u200b\u2060 \n", ""),
        ("a\u00a0b\u3000c", "a b c"),
    ],
)
def test_text_is_cleaned(typed: str, read: str):
    assert clean(typed) == read


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("x\n\tif x:\r\n\t\treturn  1\n\n\n# end", "x\n\tif x:\n\t\treturn  1\n\n\n# end"),
        ("a\x00b\x1b[31m\ud800c", "ab[31mc"),
        ("\u200b" * 5000, ""),
        ("x" + "\u200b" * 5000 + "y", "xy"),
        ("👩\u200d👩\u200d👧 \u202eabc", "👩\u200d👩\u200d👧 \u202eabc"),
        ("\u00a0\u3000\n", ""),
    ],
)
def test_what_a_model_says_keeps_all_that_can_be_seen(said: str, shown: str):
    assert presentable(said) == shown


def test_mentions_become_names_and_the_bots_own_goes():
    assert clean("<@1> ask <@2> please", [("<@1>", ""), ("<@2>", "@Bob")]) == "ask @Bob please"


@given(st.text(max_size=300))
def test_cleaning_is_final_and_leaves_nothing_invisible(text: str):
    once = clean(text)
    assert clean(once) == once
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in once if char != "\n")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/start", ("start", "")),
        ("/start@parley_bot", ("start", "")),
        ("/new  now please ", ("new", "now please")),
        ("hi /new", None),
        ("/etc/passwd", None),
        ("/", None),
    ],
)
def test_commands_are_told_from_text(text: str, found: tuple[str, str] | None):
    assert command(text) == found


@pytest.mark.parametrize(
    ("text", "hint", "language"),
    [
        ("hello", "", "en"),
        ("hello", "de", "de"),
        ("My name is Zora", "", "en"),
        ("What can you do for me today?", "zh-hans", "en"),
        ("你好", "", "zh-Hans"),
        ("我叫小明", "en", "zh-Hans"),
        ("Können Sie mir bitte mit meiner Rechnung helfen?", "", "de"),
        ("こんにちは", "", "ja"),
        ("ok", "pt-BR", "pt"),
        ("ok", "zh-CN", "zh-Hans"),
        ("", "", "en"),
    ],
)
def test_the_language_is_the_texts_where_it_is_certain(text: str, hint: str, language: str):
    assert language_of(text, hint) == language


def test_a_name_is_a_word_of_its_own_where_words_are_parted():
    for said in ("Hey parley, hi", "嘿Parley你好", "PARLEY"):
        assert names_one_of(said, ("Parley",))
    for said in ("parleying", "we parleyed", "2parley", ""):
        assert not names_one_of(said, ("Parley", ""))
    assert names_one_of("小帕你好", ("小帕",))
