"""Whatever the built-in model says, what is shown of it was said by people."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.thinking import copying
from core.thinking.guards import Guards
from core.thinking.moment import Moment
from core.values.dialogue import Dialogue
from core.values.turn import Turn
from tests.support.moments import moment
from training.chat.dialogues import write_dialogues


@pytest.mark.parametrize(
    ("reply", "text", "told"),
    [
        ("Your name is Jeanzovi.", "what's my name", "My name is Jean-Pierre"),
        ("Your name is Jean.", "what's my name", "My name is Jean-Pierre"),
        ("You told me: you are 62 years old.", "how old am I?", "I'm 34"),
        ("You told me: your phone number is 555199.", "what is my phone number?", "my phone is 555-0199"),
        ("You told me: your phone number is 555.", "what is my phone number?", "my phone is 555-0199"),
        ("Your email is ann.", "what is my email?", "my email is ann.smith@example.com"),
        ("Your car is a nurse at St.", "what is my car?", "I am a nurse at St. Mary's"),
        ("你的狗叫旺\ufffd。", "我的狗叫什么", "我的狗叫旺财"),
        ("你叫小。", "我叫什么", "我叫小明"),
        ("Nice to meet you, Pregnant.", "I'm pregnant!", "hello"),
    ],
)
def test_what_was_never_told_so_is_not_shown(reply: str, text: str, told: str):
    assert copying.fault(reply, moment(text, told)) == "unsure"


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("Goodbye! I will be here when you come back.", "I have a new chair"),
        ("I will remember that.", "is it far?"),
        ("You have not told me that yet.", "it rains"),
        ("I looked, but the notes do not say that.", "how far is it?"),
    ],
)
def test_an_answer_to_something_else_is_not_shown(reply: str, text: str):
    assert copying.fault(reply, moment(text)) == "astray"


_CODES = st.from_regex(r"[A-Za-z0-9@.\-]{1,12}", fullmatch=True)


@pytest.mark.slow
@given(
    frame=st.sampled_from(
        [
            "Your name is {}.",
            "You told me: your code is {}.",
            "You are {} years old.",
            "你叫{}。",
            "我记得，你的密码是{}。",
            "{}",
        ]
    ),
    said=_CODES,
    told=st.lists(_CODES, max_size=4),
)
def test_each_number_and_code_that_is_shown_stands_in_what_was_given(frame: str, said: str, told: list[str]):
    asked = moment("what is my code?", *(f"my code is {each}" for each in told))
    shown = Guards().after(frame.format(said), asked)
    given_words = {word for text in copying.said(asked) for word in text.split()}
    for word in re.findall(r"[!-~]*\d[!-~]*", shown):
        assert word.strip(".,!?") in {each.strip(".,!?") for each in given_words}


@pytest.mark.slow
def test_what_the_training_calls_right_is_shown():
    writing = write_dialogues(Random(5), most_notes=1, notes_share=0.0)
    kept = refused = 0
    for dialogue in (next(writing) for _ in range(400)):
        told: list[str] = []
        for exchange in dialogue.exchanges:
            here = moment(exchange.said, dialogue.system, *told)
            if exchange.skill in ("recall", "told"):
                faults = [copying.fault(reply, here) for reply in exchange.accepted]
                kept += faults.count(None)
                refused += len(faults) - faults.count(None)
            told.append(exchange.said)
    assert refused < 0.02 * kept


def test_guests_never_read_settings_and_owners_once_a_chat():
    fallback = "I am the small built-in model and cannot answer that. The owner can choose a larger one with LM_MODEL."
    asked = "What is the capital of France?"
    assert "LM_MODEL" not in Guards().after(fallback, moment(asked))
    first = Guards().after(fallback, moment(asked, owner=True))
    assert "LM_MODEL" in first
    turn = Turn("1", 0.0, "Ann", asked, first, "en", "m", "plain", person="1")
    again = Moment(asked, "en", Dialogue(turns=(turn,)), 0.0, person="1", owner=True)
    assert "LM_MODEL" not in Guards().after(fallback, again)


def test_a_fixed_language_is_obeyed():
    assert Guards().after("Hello.", moment("hello", answer_in="zh-Hans")) == "你好。"
    assert Guards().after("你好。", moment("你好", language="zh-Hans", answer_in="en")) == "Hello."
