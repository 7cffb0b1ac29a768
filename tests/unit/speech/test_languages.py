import pytest

from core.speech.languages import example, likeliest

TODAY = {"ja": 0.42, "ko": 0.25, "en": 0.07, "zh": 0.01}
"""Whisper base, of "How are you today?"."""


def test_a_short_greeting_is_not_japanese_in_an_english_chat():
    assert likeliest(TODAY, ("en",))[0] == "en"
    assert likeliest(TODAY, ("en-GB", "zh-Hans"))[0] == "en"
    assert likeliest(TODAY)[0] == "ja"


def test_what_is_heard_surely_stands_against_the_app():
    german = {"de": 0.83, "en": 0.06, "nl": 0.01}
    language, share = likeliest(german, ("en",))
    assert (language, share > 0.9) == ("de", True)


def test_only_the_languages_that_the_owner_named_are_possible():
    assert likeliest(TODAY, (), ("en", "zh"))[0] == "en"
    assert likeliest({"de": 0.95, "en": 0.03, "zh": 0.01}, ("zh",), ("en", "zh"))[0] in ("en", "zh")
    assert likeliest(TODAY, ("en",), ("xx",))[0] == "en"


@pytest.mark.parametrize(
    ("likely", "script"),
    [
        ((), "普通话"),
        (("en",), "普通话"),
        (("en", "zh-Hans"), "普通话"),
        (("zh-Hant",), "普通話"),
        (("en", "zh_TW"), "普通話"),
        (("zh-Hans-HK",), "普通话"),
        (("zh-CN", "zh-TW"), "普通话"),
    ],
)
def test_chinese_is_asked_for_in_the_script_that_the_chat_reads(likely: tuple[str, ...], script: str):
    assert script in example("zh", likely)
    assert example("en", likely) == ""
