"""What RemoteModel estimates without a server."""

from core.lm.base import Utterance, estimate_word_limit
from core.lm.remote import RemoteModel


def test_estimate_counts_letters_and_other_characters():
    model = RemoteModel("http://127.0.0.1:9/v1", "m")
    assert model.count_tokens((Utterance.of("user", "x" * 35),)) == 14
    assert model.count_tokens((Utterance.of("user", "你好吗"),)) == 7


def test_the_word_limit_counts_words_and_chinese_characters():
    assert estimate_word_limit("one two three four", 8, 5) == 2
    assert estimate_word_limit("我" * 100, 100, 30) == 28
    assert estimate_word_limit("word", 5, -3) == 1
