"""What was heard too badly to be answered is asked back, and a yes or the right words put it right."""

from collections.abc import Sequence

import pytest

from core.text import cleaning
from core.thinking import profiles
from core.thinking.context import Context
from core.thinking.engine import Engine, Unsure
from core.values import dialogue as dialogues
from core.values.channel import ChannelKey, Person
from core.values.dialogue import Dialogue
from core.values.events import Message
from core.values.turn import Reply, Turn
from tests.fakes.thinking import FakeHearing, FakeModel, FakeSpeaking


async def answered(
    model: FakeModel, text: str, audio: bytes | None = None, turns: Sequence[Turn] = (), person: str = "1"
) -> Reply | Unsure:
    engine = Engine(model, FakeHearing(), FakeSpeaking(), profiles.load("plain"))
    message = Message("9", ChannelKey("telegram", "42:1"), Person(person, "Ann", "en"), 1.0, text)
    dialogue = Dialogue(turns=tuple(turns))
    steps = [step async for step in engine.answer(message, Context(dialogue, audio=audio))]
    assert isinstance(steps[-1], (Reply, Unsure))
    return steps[-1]


def asked_back(said: str = "Do you deliver to Lyon?") -> Turn:
    return Turn(
        "8", 0.0, "Ann", said, "Did you say …?", "en", "fake", "plain", is_transcript=True, person="1", doubtful=True
    )


async def test_what_is_not_sure_is_not_answered():
    model = FakeModel()
    unsure = await answered(model, "", b"mumble to leon")
    assert isinstance(unsure, Unsure)
    assert (unsure.turn.said, unsure.turn.is_transcript, model.requests) == ("mumble to leon", True, [])


@pytest.mark.parametrize(("text", "audio"), [("Yes!", None), ("是的。", None), ("", b"yes"), ("", b"Yes, please.")])
async def test_a_yes_by_text_or_voice_is_answered_with_what_was_heard(text: str, audio: bytes | None):
    model = FakeModel()
    reply = await answered(model, text, audio, [asked_back()])
    assert isinstance(reply, Reply)
    assert reply.turn.said == "Do you deliver to Lyon?"
    assert "Did you say" not in str(model.requests)
    kept = dialogues.append(Dialogue(turns=(asked_back(),)), reply.turn)
    assert [turn.said for turn in kept.turns] == ["Do you deliver to Lyon?"]


async def test_the_right_words_take_the_place_of_what_was_misheard():
    model = FakeModel()
    reply = await answered(model, "No, I said Do you deliver to Nice?", None, [asked_back()])
    assert isinstance(reply, Reply)
    assert reply.turn.said == "Do you deliver to Nice?"
    assert "Lyon" not in str(model.requests)


async def test_anything_else_is_answered_beside_the_question():
    model = FakeModel()
    reply = await answered(model, "Nice, not that.", None, [asked_back()])
    assert isinstance(reply, Reply)
    assert (reply.turn.said, reply.turn.earlier) == ("Nice, not that.", ())
    assert "Did you say" in str(model.requests)


async def test_another_persons_yes_is_their_own():
    reply = await answered(FakeModel(), "yes", None, [asked_back()], person="2")
    assert isinstance(reply, Reply)
    assert reply.turn.said == "yes"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("yes", "x"),
        ("“Yes.”", "x"),
        ("对的", "x"),
        ("i said hello", "hello"),
        ("不是，我说的是里昂", "里昂"),
        ("no", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_what_answers_the_question_is_understood(text: str, meant: str):
    assert cleaning.meant(text, "x") == meant
