"""The tasks by which language models are measured: rules, files, and the model that ships on some."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lm.local.model import LocalModel
from evals.models import reporting, tasks
from evals.models.asking import Answered, Asking, ask
from evals.models.checking import Rules, faults, language_of, stands_in


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rules", "right", "wrong"),
    [
        (Rules(some=("7", "seven")), "There are SEVEN.", "There are seventeen, or 17."),
        (Rules(every=("May", "3|third")), "On the third of May.", "In May, maybe."),
        (Rules(never=("my name is",)), "Your name is Ann.", "My  name\nis Ann."),
        (Rules(never=("my boss",)), "You told me: “My boss is called Mrs Novak”.", "My boss is Mrs Novak."),
        (Rules(never=("I'm Ann",)), "Ann", "I’m Ann!"),
        (Rules(some=("绿",)), "草是绿色的。", "草是红色的。"),
        (Rules(some=("11",)), "今天是3月11日。", "今天是3月111日。"),
        (Rules(language="de"), "Das ist eine gute Frage, mein Freund.", "That is a good question, my friend."),
        (Rules(language="zh"), "Parley 是聊天助手。", "Parley is a chat assistant."),
        (Rules(words=(1, 2)), "Cold.", "It is cold."),
        (Rules(words=(1, 2)), "绿色", "它是绿色"),
        (Rules(sentences=(1, 1)), "It costs 1.50 euros.", "It is cheap. It is 1 euro."),
        (Rules(items=(3, 3)), "- one\n* two\n3. three", "one\ntwo\n- three"),
        (Rules(items=(2, 2)), "1、苹果\n2、梨", "苹果、梨"),
    ],
)
def test_a_rule_tells_right_from_wrong(rules: Rules, right: str, wrong: str):
    assert not faults(right, rules)
    assert faults(wrong, rules)


def test_what_is_wrong_is_said_in_words():
    rules = Rules(every=("Ann", "Bob|Rob"), never=("Eve",), words=(1, 3))
    assert faults("It was Eve and Ann.", rules) == ("lacks Bob|Rob", "says Eve", "5 words, not 1 to 3")
    assert faults(" \n", rules) == ("no answer",)


@given(st.text(st.characters(categories=("L", "N")), min_size=1), st.text(max_size=20))
def test_a_word_stands_in_a_text_that_holds_it_by_itself(word: str, text: str):
    assert stands_in(word, f"{text} {word}, {text}")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ich weiß es nicht genau.", "de"),
        ("No lo sé con certeza.", "es"),
        ("Je ne sais pas exactement.", "fr"),
        ("I do not know exactly.", "en"),
        ("我不太清楚。", "zh"),
    ],
)
def test_the_language_of_an_answer_is_known(text: str, language: str):
    assert language_of(text) == language


def test_every_task_is_whole_and_none_is_there_twice():
    found = tasks.load()
    assert 200 <= len(found) <= 300
    assert len({task.id for task in found}) == len(found)
    for task in found:
        assert task.said or task.do == "summarise", task.id
        assert faults("", task.rules) == ("no answer",)
        message, dialogue = task.message(), task.dialogue()
        assert len(dialogue.turns) == len(task.before) + task.small_talk, task.id
        assert message.sender.name == task.speaker
        assert bool(message.text) != (task.heard or task.do == "summarise"), task.id
    typed, heard = ([task.said for task in found if task.id.startswith(kind)] for kind in ("typed-", "heard-"))
    assert typed == heard


def test_a_task_without_a_rule_or_with_an_unknown_word_names_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(tasks, "FOLDER", tmp_path)
    for entry, wrong in (('said = "Hi"', "no rule"), ('said = "Hi"\nsome = ["a"]\nmod = "x"', "mod")):
        (tmp_path / "odd.toml").write_text(f'kind = "odd"\n[[tasks]]\n{entry}\n', "utf-8")
        with pytest.raises(ValueError, match=rf"odd\.toml, task 1.*{wrong}"):
            tasks.load()


async def test_the_model_that_ships_does_some_tasks_the_same_each_time(tmp_path: Path):
    some = [task for task in tasks.load() if task.id in ("names-1", "names-2", "translation-1", "typed-1", "heard-1")]
    model = LocalModel.open(None)
    told: list[Answered] = []
    first = await ask(model, some, Asking(at_once=2), told.append)
    assert [each.answer for each in await ask(model, some, Asking(at_once=1), told.append)] == [
        each.answer for each in first
    ]
    await model.close()
    assert len(told) == 2 * len(some)
    answers = {each.task.id: each for each in first}
    assert not answers["names-1"].faults
    assert answers["translation-1"].answer == "[cannot_translate]"
    assert reporting.by_kind(first)["whose name is whose"] == (2, 2)
    reporting.write(tmp_path / "out.json", "parley-small", first)
    assert "names-1" in (tmp_path / "out.json").read_text("utf-8")
