"""What was told in a chat is told again with who told it, in their own words, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.thinking import retelling
from core.thinking.guards import Guards
from core.thinking.moment import Moment
from core.values.dialogue import Dialogue
from core.values.turn import Turn


def _asked(text: str, *told: tuple[str, str], by: str = "Cem") -> Moment:
    turns = tuple(
        Turn(f"{at}", 0.0, who, said, "ok", "en", "m", "plain", person=who) for at, (who, said) in enumerate(told)
    )
    return Moment(text, "en", Dialogue(turns=turns), 0.0, person=by, speaker=by)


@pytest.mark.parametrize(
    ("told", "asked", "answer"),
    [
        (
            [("Ann", "I will bring the salad."), ("Bob", "I bring drinks.")],
            "Who brings the salad?",
            "Ann said: “I will ",
        ),
        (
            [("Ann", "I am free on Monday."), ("Bob", "I am free on Friday.")],
            "When is Bob free?",
            "Bob said: “I am free ",
        ),
        ([("Cem", "the plumber comes on friday")], "when does the plumber come?", "You told me: “the plumber comes"),
        ([("Ann", "Training is at six in the small gym.")], "where is training?", "Ann said: “Training is at six"),
        (
            [("Ann", "the bus leaves at 7"), ("Bob", "the bus leaves at 8")],
            "When does the bus leave?",
            "Bob said: “the",
        ),
        ([("小王", "我周五没空。")], "谁周五没空？", "小王说过：“我周五没空”。"),
        ([("Cem", "数学考试在214教室")], "数学考试在哪个教室？", "你告诉过我：“数学考试在214教室”。"),
    ],
)
def test_what_somebody_told_is_quoted_with_who_it_was(told: list[tuple[str, str]], asked: str, answer: str):
    assert Guards().before(_asked(asked, *told), instructable=False).startswith(answer)


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ([], "when does the plumber come?"),
        ([("Ann", "I live in Oslo")], "What is the capital of Norway?"),
        ([("Ann", "The salad was good.")], "Who brings the salad?"),
        ([("Ann", "I cooked rice yesterday")], "how do I cook rice?"),
        ([("Ann", "I love you all")], "what do you love?"),
        ([("Ann", "When does the bus leave?")], "When does the bus leave?"),
        ([("Ann", "My sister has a red car")], "which car has my brother?"),
        ([("Ann", "The bus leaves at 7")], "The bus leaves at 8."),
        ([("小王", "我周五没空。")], "法国的首都是哪里？"),
    ],
)
def test_what_nobody_told_is_not(told: list[tuple[str, str]], asked: str):
    assert retelling.answer(_asked(asked, *told)) == ""


@given(told=st.lists(st.tuples(st.sampled_from("AB"), st.text(max_size=40)), max_size=4), asked=st.text(max_size=40))
def test_only_what_was_said_stands_in_a_quotation(told: list[tuple[str, str]], asked: str):
    answer = retelling.answer(_asked(asked, *told))
    quoted = answer.partition("“")[2].rpartition("”")[0]
    assert not answer or any(quoted in said for _, said in told)


def test_a_message_that_was_passed_on_is_nobody_s_word_here():
    turn = Turn("1", 0.0, "Ann", "The bus leaves at 7.", "ok", "en", "m", "plain", person="Ann", forwarded="Eve")
    assert retelling.answer(Moment("When does the bus leave?", "en", Dialogue(turns=(turn,)), 0.0, person="Cem")) == ""


def test_a_small_mind_is_not_asked_what_a_group_told_it_nor_what_a_person_did():
    def before(asked: Moment, *, small: bool) -> str:
        return Guards().before(asked, instructable=True, small=small)

    group = _asked("When is Bob free?", ("Bob", "I am only free on Wednesday."))
    own = _asked("Where do I live?", ("Cem", "I live in Oslo."), ("Bob", "I live in Rome."))
    assert before(group, small=True) == "Bob said: “I am only free on Wednesday”."
    assert before(own, small=True) == "You told me: “I live in Oslo”."
    assert before(_asked("Where do I live?", ("Bob", "I live in Rome.")), small=True) == ""
    assert before(group, small=False) == before(own, small=False) == ""


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ("My plan is to sail to Malta", "What about my plan?"),
        ("My plan is to sail to Malta", "what do you think of my plan?"),
        ("I have two cats, Salt and Pepper", "Which of my cats is older?"),
        ("My salary is 3000", "What is 10 percent of my salary in dollars?"),
        ("I have eggs and rice", "What can I cook with my eggs?"),
        ("I am 34", "How old will I be in 5 years?"),
        ("My dog is called Rex", "write a poem about my dog"),
    ],
)
def test_a_question_that_wants_more_than_a_quotation_is_left_to_the_mind(told: str, asked: str):
    assert Guards().before(_asked(asked, ("Cem", told)), instructable=True, small=True) == ""
