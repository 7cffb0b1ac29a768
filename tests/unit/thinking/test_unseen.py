"""Small minds are not asked for what nobody here can see: the weather, the news, a shop's hours that nobody told."""

from dataclasses import replace

import pytest

from core.thinking.guards import Guards
from core.thinking.moment import Moment
from tests.support.moments import moment


def _before(asked: Moment) -> str:
    return Guards().before(asked, instructable=True, small=True)


LIVE = [
    "what's the weather like tomorrow",
    "Will it rain in Lyon today?",
    "any news?",
    "how much is a dollar in euros?",
    "who won the match last night?",
    "明天天气怎么样",
    "今天有什么新闻",
    "现在美元汇率是多少？",
]
SHOP = [
    "Are you open on Sunday?",
    "when do you close?",
    "do you deliver to Lyon today",
    "你们周末开门吗？",
    "有M码吗？",
]


@pytest.mark.parametrize("asked", LIVE + SHOP)
def test_a_small_mind_is_not_asked_for_what_it_would_invent(asked: str):
    assert _before(moment(asked)).startswith(("I cannot", "我查不到", "这里没人"))
    assert Guards().before(moment(asked), instructable=True) == ""


@pytest.mark.parametrize(
    "asked",
    [
        "What's the weather usually like in May?",
        "write a poem about the weather",
        "why does it rain?",
        "who won the world cup in 2010?",
        "what is a stock exchange?",
        "are you open to suggestions?",
        "It will rain tomorrow",
        "The price of gold is mad.",
        "广州的冬天一般会下雪吗？",
        "你们好",
        "今天天气真好",
    ],
)
def test_what_lasts_and_what_is_told_is_left_to_the_mind(asked: str):
    assert _before(moment(asked)) == ""


def test_what_somebody_told_is_left_to_the_mind():
    assert _before(moment("Are you open on Sunday?", "Our shop is closed on Mondays.")) == ""
    assert _before(moment("will it rain tomorrow?", "The forecast says rain.")) == ""
    assert _before(moment("will it rain tomorrow?", "will it rain tomorrow?")) != ""
    assert (
        _before(replace(moment("When do you close?"), beside="You work for Bloom's. We are open from 8 to 18.")) == ""
    )
    assert _before(replace(moment("When do you close?"), answer_in="de")) == ""


@pytest.mark.parametrize(
    "asked", ["How do you say good morning in Spanish?", "how do I spell Spanish", "法语的谢谢怎么说？"]
)
def test_words_of_a_language_are_no_question_about_the_language_of_the_answers(asked: str):
    assert Guards().before(moment(asked), instructable=True) == ""
    assert "/language" in Guards().before(moment("How do I make you answer in Spanish?"), instructable=True)


@pytest.mark.parametrize(
    ("signs", "answer"),
    [("😭😭💔", "I am sorry"), ("🎉🥳", "That is good news"), ("👍", "🙂"), ("😭🎉", "🙂"), ("?!", "I am here")],
)
def test_emoji_are_answered_as_what_they_say(signs: str, answer: str):
    assert Guards().before(moment(signs), instructable=False).startswith(answer)


@pytest.mark.parametrize(
    "asked",
    ["are you a real person?", "Are you alive?", "is this a bot or a human?", "你是真人吗？", "我在和真人说话吗"],
)
def test_no_mind_says_that_a_person_answers(asked: str):
    assert Guards().before(moment(asked), instructable=True).startswith(("I am a program", "我是程序"))


@pytest.mark.parametrize("asked", ["is this real?", "are you sure?", "am I human?", "是不是真人快打好玩", "我是人"])
def test_other_questions_of_what_is_real_are_left_to_the_mind(asked: str):
    assert Guards().before(moment(asked), instructable=True) == ""
