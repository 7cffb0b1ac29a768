"""The evaluation's sentences are people's: no generator of the project can make one."""

import re

import pytest

from evals.ears import clips, scoring
from training.speech import sentences as grammar

pytestmark = pytest.mark.slow


def patterns() -> list[re.Pattern[str]]:
    """Everything that the training's grammar can say."""
    templates = [*grammar.FIXED_SENTENCES, *re.split(r"[|\n]", grammar.TEMPLATES)]
    slots = {name: "|".join(word.replace("_", " ") for word in words) for name, words in grammar.WORDS.items()}
    return [re.compile(re.sub(r"\{(\w+)\}", lambda slot: f"(?:{slots[slot[1]]})", text)) for text in templates]


def test_no_sentence_can_be_made_by_the_trainings_generator():
    made = patterns()
    plain = [re.sub(r"[^\w\s']", "", text).lower() for text in clips.sentences("en")]
    allowed = {text for text in plain if any(pattern.fullmatch(text) for pattern in made)}
    assert allowed == set()
    assert any(pattern.fullmatch("my dog is called rex") for pattern in made)


@pytest.mark.parametrize(("language", "least"), [("en", 60), ("zh", 40)])
def test_there_are_enough_and_none_twice(language: str, least: int):
    said = clips.sentences(language)
    assert len(set(said)) == len(said) >= least


@pytest.mark.parametrize(
    ("said", "heard", "language"),
    [
        ("It's ten thirty.", "it is 10:30", "en"),
        ("two hundred and forty", "240", "en"),
        ("seventeen percent", "17%", "en"),
        ("in nineteen eighty four", "in 1984", "en"),
        ("今天天气怎么样？", "今天天氣怎麼樣", "zh"),
        ("我今年二十五岁", "我今年25歲", "zh"),
        ("一百二十的百分之十五", "120的15%", "zh"),
    ],
)
def test_the_same_words_written_otherwise_are_no_error(said: str, heard: str, language: str):
    assert scoring.errors(said, heard, language)[0] == 0


def test_errors_are_counted_in_words_and_in_characters():
    assert scoring.errors("do you deliver to Lyon", "do you remember my cat", "en") == (3, 5)
    assert scoring.errors("你好吗", "你号吗", "zh") == (1, 3)


def test_there_are_fifty_clips_without_speech():
    assert len(list(clips.without_speech())) == 50
