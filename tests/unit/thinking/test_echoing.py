"""No answer is shown that only says again what was said, or that takes the person's name for Parley's own."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text.language import language_of
from core.thinking import own_name, profiles
from core.thinking.context import Context
from core.thinking.echoing import Echo
from core.thinking.engine import Engine
from core.thinking.guards import Guards
from core.thinking.moment import Moment
from core.values.channel import ChannelKey, Person
from core.values.dialogue import Dialogue
from core.values.events import Message
from core.values.preferences import Preferences
from core.values.sampling import Sampling
from core.values.turn import Draft, Reply, Turn
from evals.sentences.people import cases
from tests.fakes.thinking import FakeModel
from tests.support.moments import moment

STATEMENTS = [
    "My dog died yesterday",
    "I live in Berlin.",
    "the new season starts next week",
    "I love pizza but I hate olives",
    "今天下雨了",
    "我奶奶昨天去世了",
    "老板今天又骂我了",
]


def _ask(text: str, *told: str) -> Moment:
    return replace(moment(text, *told), language=language_of(text))


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("My dog died yesterday", "Your dog died yesterday."),
        ("I'm pregnant!", "Yes, I am pregnant!"),
        ("the new season starts next week", "The new season will start next week."),
        ("we won the match 3:0!", "We have won the match 3:0!"),
        ("会议改到周四了", "会议改到周四了。"),
        ("how do I delete a file in Linux?", "How do I delete a file in Linux?"),
        ("我奶奶昨天去世了", "你的奶奶昨天去世了。"),
        ("Mein Hund ist gestern gestorben", "Mein Hund ist gestern gestorben."),
    ],
)
def test_an_answer_that_only_repeats_is_an_echo(said: str, answer: str):
    assert Echo(_ask(said)).repeats(answer)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Good night", "Good night!"),
        ("Happy new year!", "Happy New Year!"),
        ("新年快乐", "新年快乐！"),
        ("hello", "Hello!"),
        ("👍", "👍"),
        ("tea or coffee?", "Coffee."),
        ("Which is right?\nA dog barks.\nA dog bark.", "A dog barks."),
        ("Repeat after me: my dog died yesterday", "My dog died yesterday"),
        ("Please fix my grammar. I has two cats", "I have two cats"),
        ("My dog died yesterday", "I am sorry that your dog died yesterday."),
        ("My dog died yesterday", "Oh no."),
        ("I told you that my dog died", "You told me that your dog died."),
    ],
)
def test_what_is_rightly_said_again_is_none(said: str, answer: str):
    assert not Echo(_ask(said)).repeats(answer)


def test_the_speaker_s_name_in_front_makes_no_difference():
    said = replace(_ask("which car do I have?"), speaker="Cem")
    assert Echo(said).repeats("Cem: Which car do I have?")
    assert all(Echo(said).may_come("Cem: Which car do I have?"[:at]) for at in range(25))


def test_who_asked_for_their_own_words_gets_them_in_later_turns_too():
    assert not Echo(_ask("I have two cats", "From now on correct my sentences")).repeats("I have two cats.")


@given(
    said=st.sampled_from(STATEMENTS + [case.said[-1] for case in cases()]),
    before=st.sampled_from(["", "Yes, ", "Oh! "]),
    after=st.sampled_from(["", ".", "!", "。", "\n"]),
    change=st.sampled_from([str, str.upper, str.title, str.lower]),
)
def test_a_growing_echo_is_never_shown(said: str, before: str, after: str, change: Any):
    echo, answer = Echo(_ask(said)), before + change(said) + after
    if echo.repeats(answer):
        assert all(echo.may_come(answer[:at]) for at in range(len(answer) + 1))


@given(said=st.sampled_from(STATEMENTS), words=st.text(st.characters(categories=("L",)), min_size=4, max_size=12))
def test_an_answer_with_a_word_of_its_own_is_no_echo(said: str, words: str):
    answer = f"{said}, {words}xq"
    assert not Echo(_ask(said)).repeats(answer)
    assert not Echo(_ask(said)).may_come(f"{answer} and")


async def _answers(model: FakeModel, text: str, *told: str, persona: str = "") -> list[str]:
    """The drafts and the reply."""
    turns = tuple(Turn(f"{at}", 0.0, "Kim", said, "ok", "en", "m", "plain", person="1") for at, said in enumerate(told))
    unused: Any = None
    engine = Engine(model, unused, unused, replace(profiles.load("plain"), sampling=Sampling(seed=4)))
    message = Message("9", ChannelKey("console", "1"), Person("1", "Kim"), 0.0, text)
    steps = engine.answer(message, Context(Dialogue(turns=turns), Preferences(persona=persona), speak=False))
    return [
        step.text if isinstance(step, Draft) else step.turn.reply
        async for step in steps
        if isinstance(step, (Draft, Reply))
    ]


async def test_an_echo_is_asked_once_more_with_other_dice_and_not_seen():
    model = FakeModel()
    model.enqueue("My dog died yesterday.", "Poor thing.")
    shown = await _answers(model, "My dog died yesterday")
    assert shown[-1] == "Poor thing."
    assert not any("died" in each for each in shown)
    first, second = (request.sampling for request in model.requests)
    assert second.seed == 5
    assert second.temperature not in (None, first.temperature)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("My dog died yesterday", "I am very sorry for your loss."),
        ("The bus was late again.", "Thank you for telling me."),
        ("我家有三口人", "谢谢你告诉我。"),
        ("how do I knit a scarf?", "I have no good answer to that."),
    ],
)
async def test_after_two_echoes_comes_a_fitting_sentence(said: str, answer: str):
    model = FakeModel()
    model.enqueue(said, f"{said}!")
    shown = await _answers(model, said)
    assert shown[-1].startswith(answer)
    assert len(set(shown)) == 1


async def test_the_person_s_facts_are_not_told_as_parley_s_own():
    model = FakeModel()
    model.enqueue("I am 34 years old.", "You work at a bakery.", "My flight is BA2490. Have a good trip!")
    assert (await _answers(model, "how old am I?", "I'm 34"))[-1] == "You told me: “I'm 34”."
    assert (await _answers(model, "where do I work?", "I work at a bakery"))[-1] == "You work at a bakery."
    shown = await _answers(model, "which flight am I on?", "my flight is BA2490")
    assert shown[-1] == "You told me: “my flight is BA2490”."
    assert not any(each.startswith("My") for each in shown)


async def test_an_owner_s_persona_may_have_words_repeated():
    model = FakeModel()
    model.enqueue("I have two cats.")
    assert (await _answers(model, "I have two cats", persona="Say everything again."))[-1] == "I have two cats."


@pytest.mark.parametrize(
    ("told", "asked", "answer"),
    [
        (["My name is Ann."], "What is my name?", "Your name is Ann."),
        (["Hi, my name is Jean-Pierre and I like chess."], "do you remember my name?", "Your name is Jean-Pierre."),
        (["My name is Jean.", "Actually my name is Paul."], "Who am I?", "Your name is Paul."),
        (["Call me Bo"], "what's my name", "Your name is Bo."),
        (["我叫欧阳娜娜"], "我叫什么名字？", "你叫欧阳娜娜。"),
        (["叫我小王吧"], "你还记得我的名字吗？", "你叫小王。"),
    ],
)
def test_one_s_own_name_is_told_before_any_mind(told: list[str], asked: str, answer: str):
    assert Guards().before(_ask(asked, *told), instructable=True) == answer


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ([], "What is my name?"),
        (["I'm German."], "What is my name?"),
        (["My name is hard to spell."], "What is my name?"),
        (["My name is Ann.", "I lied, Ann is not my name."], "What is my name?"),
        (["Call me Monday"], "What is my name?"),
        (["My sister says: my name is Eve"], "What is my name?"),
        (["我叫了外卖"], "我叫什么名字？"),
        (["我叫他过来"], "我叫什么？"),
        (["My name is Ann."], "What is my dog's name?"),
        (["My name is Ann."], "What is your name?"),
        (["My name is Ann."], "What is my name in Japanese?"),
    ],
)
def test_what_is_less_than_certain_is_left_to_the_mind(told: list[str], asked: str):
    for small in (False, True):
        assert Guards().before(_ask(asked, *told), instructable=True, small=small) == ""


def test_somebody_else_s_name_is_nobody_s_own():
    turn = Turn("1", 0.0, "Bob", "My name is Robert", "ok", "en", "m", "plain", person="bob")
    dialogue = Dialogue("Ann said: my name is Ann.", (turn, replace(turn, person="1", forwarded="Eve")))
    assert own_name.answer(Moment("What is my name?", "en", dialogue, 0.0, person="1")) == ""


def test_parley_s_page_is_told_word_for_word_where_it_speaks_the_language():
    asked = moment("how do I connect Telegram?")
    page = Guards().before(asked, instructable=True)
    assert "Telegram" in page
    assert [passage.text for passage in Guards().passages(asked)] == [page]
    assert Guards().before(replace(asked, answer_in="de"), instructable=True) == ""
