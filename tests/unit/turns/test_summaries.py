"""What is long ago: kept in few words, off the answer's path, and still known 200 turns later."""

from dataclasses import replace

from core.lanes.lanes import Lanes
from core.lm.local.model import LocalModel
from core.store.preferences import PreferenceStore
from core.store.redis import Store
from core.thinking import profiles
from core.thinking.context import Context
from core.thinking.engine import Engine
from core.thinking.summarizing import summarise, told_of_oneself
from core.values import dialogue as dialogues
from core.values.channel import ChannelKey, Person
from core.values.dialogue import Dialogue, append
from core.values.events import Message
from core.values.preferences import Preferences
from core.values.turn import Reply, Turn
from tests.fakes.thinking import FakeHearing, FakeModel, FakeSpeaking
from tests.support.house import HERE, House, working

SMALL_TALK = ("Hello!", "How are you?", "Thank you!", "What can you do?", "Tell me more.", "Good night.")


def turn(index: int, said: str, reply: str = "All right.") -> Turn:
    return Turn(str(index), 1.0, "Ann", said, reply, "en", "m", "plain")


def test_statements_about_oneself_go_before_others_and_questions_are_left_out():
    said = ["The sky is wide.", "My name is Quorl. How are you?", "It rains! I live in Zemb"]
    assert told_of_oneself("", said, 60) == "The sky is wide. My name is Quorl. I live in Zemb."
    assert told_of_oneself("", said, 40) == "My name is Quorl. I live in Zemb."
    assert told_of_oneself("My name is Quorl.", ["My name is Quorl."], 500) == "My name is Quorl."


async def test_a_model_that_takes_tasks_writes_the_summary_from_all_that_was_said():
    model = FakeModel()
    model.enqueue("Ann is  called\nQuorl.")
    assert await summarise(model, "They greeted.", [turn(1, "My name is Quorl.")]) == "Ann is called Quorl."
    asked = model.requests[0].utterances[-1].text
    assert asked == "They greeted.\nAnn: My name is Quorl.\nParley: All right."


async def test_pain_16_a_fact_told_200_turns_ago_is_still_known():
    engine = Engine(LocalModel.open(None), FakeHearing(), FakeSpeaking(), profiles.load("plain"))
    memory = append(Dialogue(), turn(0, "My name is Anna."))
    for index in range(1, 201):
        memory = append(memory, turn(index, SMALL_TALK[index % len(SMALL_TALK)]))
        if outgrown := engine.outgrown(memory):
            text = await engine.summarise(memory.summary, outgrown)
            memory = dialogues.summarised(memory, text, outgrown[-1].id)
    memory = dialogues.decode(dialogues.encode(memory))
    assert all("Anna" not in each.said for each in dialogues.uncovered(memory))
    question = Message("q", ChannelKey("web", "a"), Person("1", "Ann"), 2.0, "What is my name?")
    steps = [step async for step in engine.answer(question, Context(memory))]
    await engine.model.close()
    assert isinstance(steps[-1], Reply)
    assert "Anna" in steps[-1].turn.reply


async def test_a_summary_comes_home_through_the_lane_and_nothing_waits_for_it(store: Store):
    house = House(store)
    house.model.context_tokens = 120
    async with working(house):
        for index in range(12):
            await house.say(f"number {index} is what I say")
            await house.quiet()
    kept = await Lanes(store).dialogue(HERE)
    assert kept.summary.startswith("You said:")
    assert dialogues.uncovered(kept) != kept.turns
    assert len(house.platform.sent) == 12


def test_a_message_that_is_deleted_is_not_told_of_either():
    turns = tuple(replace(turn(index, "hello"), ref=f"r{index}") for index in range(4))
    told = dialogues.summarised(Dialogue(turns=turns), "They said hello.", "1")
    assert dialogues.without(told, ["r3"]).summary == "They said hello."
    for ref in ("r0", "r1"):
        left = dialogues.without(told, [ref])
        assert (left.summary, len(dialogues.uncovered(left))) == ("", 3)


async def test_a_conversation_that_was_forgotten_meanwhile_gets_no_summary(store: Store):
    kept = Dialogue(turns=(turn(1, "hello"),))
    assert dialogues.summarised(kept, "long ago", "no longer there") == kept
    assert (await PreferenceStore(store).preferences(HERE)) == Preferences()
