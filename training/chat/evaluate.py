"""Measures a chat model on unseen dialogues: python -m training.chat.evaluate [--model DIR] [--count N].

Every name and value in them is one that training never meets. The dialogue so far is shown with right replies, the
next reply is decoded greedily and counts when it is exactly one of the accepted ones. Prints a Markdown table.
These are shapes of the training's own; what people get is measured by `python -m evals.sentences`.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from training.chat.dialogues import Dialogue, Exchange, Plan, Writer
from training.chat.train import WEIGHTS

BATCH = 50


@dataclass(frozen=True, slots=True)
class Skill:
    """A row of the table: its title, what the dialogues should hold, and how to write one that ends with it."""

    title: str
    plan: Plan
    write: Callable[[Writer], list[Exchange] | None]


@dataclass(frozen=True, slots=True)
class Result:
    """How many of `count` replies were right, and a few that were not: (said, expected, got)."""

    title: str
    right: int
    count: int
    wrong: tuple[tuple[str, str, str], ...]


def _chat(writer: Writer) -> list[Exchange]:
    return [writer.chatter() for _ in range(writer.rng.randint(0, 3))]


def _talk(writer: Writer) -> list[Exchange]:
    return [*_chat(writer), writer.small_talk()]


def _unknown(writer: Writer) -> list[Exchange]:
    return [*_chat(writer), writer.unknown()]


def _facts(skill: str) -> Callable[[Writer], list[Exchange] | None]:
    def write(writer: Writer) -> list[Exchange] | None:
        exchanges = writer.facts()
        ends = [at for at, exchange in enumerate(exchanges) if exchange.skill == skill]
        return exchanges[: writer.rng.choice(ends) + 1] if ends else None

    return write


def _long_recall(writer: Writer) -> list[Exchange] | None:
    writer.chattiness = 0.75
    exchanges = _facts("recall")(writer)
    return exchanges if exchanges and 8 <= len(exchanges) <= 16 else None


def _knowledge(skill: str) -> Callable[[Writer], list[Exchange] | None]:
    def write(writer: Writer) -> list[Exchange] | None:
        before = [writer.chatter() for _ in range(writer.rng.choice((0, 1, 2)))]
        exchanges = [*before, *writer.knowledge(single=True)]
        return exchanges if exchanges[-1].skill == skill else None

    return write


EN, ZH = Plan(chinese=False, unseen=True), Plan(chinese=True, unseen=True)


def _skills() -> list[Skill]:
    def plan(chinese: bool, **wanted: Any) -> Plan:
        return Plan(chinese=chinese, unseen=True, **wanted)

    return [
        Skill("greetings, small talk and questions about itself, five profiles, English", EN, _talk),
        Skill("the same in Chinese", ZH, _talk),
        Skill("recalls what it was told, English, typed", plan(False, spoken=False), _facts("recall")),
        Skill(
            "recalls what it was told, English, as speech is transcribed", plan(False, spoken=True), _facts("recall")
        ),
        Skill(
            "recalls what it was told, English, in a group with speaker labels",
            plan(False, labelled=True),
            _facts("recall"),
        ),
        Skill("recalls what it was told 7 to 15 exchanges before, English", EN, _long_recall),
        Skill("recalls what it was told, Chinese", ZH, _facts("recall")),
        Skill("says that it was not told, English", EN, _facts("not told")),
        Skill("says that it was not told, Chinese", ZH, _facts("not told")),
        *(
            Skill(
                f"answers from one of {count} knowledge sentences, English",
                plan(False, note_count=count),
                _knowledge("notes"),
            )
            for count in (1, 2, 3, 4)
        ),
        Skill("answers from one of 3 knowledge sentences, Chinese", plan(True, note_count=3), _knowledge("notes")),
        Skill(
            "admits that 3 sentences lack the answer, English", plan(False, note_count=3), _knowledge("not in notes")
        ),
        Skill("admits that 3 sentences lack the answer, Chinese", plan(True, note_count=3), _knowledge("not in notes")),
        Skill("admits that it cannot answer anything else, English", EN, _unknown),
        Skill("admits that it cannot answer anything else, Chinese", ZH, _unknown),
    ]


def _write(skill: Skill, count: int, seed: int) -> list[Dialogue]:
    rng = Random(f"{seed} {skill.title}")
    dialogues: list[Dialogue] = []
    while len(dialogues) < count:
        writer = Writer(rng, skill.plan)
        exchanges = skill.write(writer)
        if exchanges:
            dialogues.append(Dialogue(writer.system(), tuple(exchanges)))
    return dialogues


def _as_chat(dialogue: Dialogue, rng: Random) -> list[dict[str, str]]:
    chat = [{"role": "system", "content": dialogue.system}] if dialogue.system else []
    for exchange in dialogue.exchanges:
        chat.append({"role": "user", "content": exchange.said})
        chat.append({"role": "assistant", "content": rng.choice(exchange.accepted)})
    return chat[:-1]


def evaluate(folder: Path, count: int = 100, seed: int = 2026) -> list[Result]:
    """Results of the model in `folder`, `count` dialogues a skill; blocks for some minutes on one core."""
    import torch  # heavy
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    results: list[Result] = []
    for skill in _skills():
        dialogues = _write(skill, count, seed)
        wrong: list[tuple[str, str, str]] = []
        for start in range(0, count, BATCH):
            some = dialogues[start : start + BATCH]
            chats = [_as_chat(dialogue, Random(start + at)) for at, dialogue in enumerate(some)]
            prompt = tokenizer.apply_chat_template(
                chats, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
            )
            with torch.inference_mode():
                output = model.generate(**prompt, max_new_tokens=96, do_sample=False)
            replies = tokenizer.batch_decode(output[:, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
            for dialogue, reply in zip(some, replies, strict=True):
                last = dialogue.exchanges[-1]
                if reply not in last.accepted:
                    wrong.append((last.said, last.accepted[0], reply))
        results.append(Result(skill.title, count - len(wrong), count, tuple(wrong[:5])))
    return results


def as_table(results: list[Result]) -> str:
    """A Markdown table."""
    rows = [f"| {each.title} | {100 * each.right / each.count:.0f} % | {each.count} |" for each in results]
    return "\n".join(["| skill | exact match | dialogues |", "|---|---|---|", *rows])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measures the shipped chat model.")
    parser.add_argument("--model", type=Path, default=WEIGHTS)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--wrong", action="store_true", help="show some wrong replies too")
    options = parser.parse_args()
    results = evaluate(options.model, options.count)
    print(as_table(results))
    if options.wrong:
        for result in results:
            for said, expected, got in result.wrong:
                print(f"\n{result.title}\n  {said!r}\n  wants {expected!r}\n  got   {got!r}")


if __name__ == "__main__":
    main()
