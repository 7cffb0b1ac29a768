"""People's sentences through the engine, as a guest meets it: python -m evals.sentences [--model NAME] [--wrong].

Prints a Markdown table by kind and language. Nothing is spoken or heard.
"""

import argparse
import asyncio
from collections import Counter

from core import dialogue as dialogues
from core import profiles
from core.dialogue import Dialogue
from core.engine import Engine
from core.hearing import Hearing
from core.lm.local import LocalModel
from core.message import ChannelKey, Message, Person, Reply
from core.preferences import Preferences
from core.reading import language_tag
from core.speaking import Speaking
from evals.sentences.people import Case, cases


async def answered(engine: Engine, case: Case, place: int) -> str:
    """The last answer of a case."""
    dialogue, text = Dialogue(), ""
    preferences = Preferences(voice="never", language=language_tag(case.fixed) if case.fixed else "")
    channel = ChannelKey("telegram", f"{place}")
    for number, said in enumerate(case.said):
        name, words = said.split(": ", 1) if case.kind == "group" else ("Kim", said)
        group = case.kind == "group"
        message = Message(f"{place}-{number}", channel, Person(name, name), 0.0, words, group=group)
        async for step in engine.answer(message, None, dialogue, preferences, speak=False):
            if isinstance(step, Reply):
                text = step.turn.reply
                dialogue = dialogues.append(dialogue, step.turn)
    return text


async def measure(engine: Engine) -> list[tuple[Case, str]]:
    """Every case and its last answer."""
    return [(case, await answered(engine, case, place)) for place, case in enumerate(cases())]


def as_table(results: list[tuple[Case, str]]) -> str:
    """A Markdown table: how many of each kind are right."""
    right, count = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for case, answer in results:
        key = (case.kind.split()[0], case.language)
        count[key] += 1
        right[key] += case.is_right(answer)
    rows = ["| kind | English | Chinese |", "|---|--:|--:|"]
    for kind in dict.fromkeys(kind for kind, _ in count):
        cells = (f"{right[kind, each]} of {count[kind, each]}" if count[kind, each] else "" for each in ("en", "zh"))
        rows.append(f"| {kind} | {' | '.join(cells)} |")
    totals = (
        f"{sum(right[key] for key in count if key[1] == each)} of {sum(count[key] for key in count if key[1] == each)}"
        for each in ("en", "zh")
    )
    return "\n".join([*rows, f"| **all** | {' | '.join(totals)} |"])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measures a mind on people's sentences.")
    parser.add_argument("--model", help="a hub id or a folder; none: the one that ships")
    parser.add_argument("--wrong", action="store_true", help="show wrong answers too")
    options = parser.parse_args()

    async def run() -> list[tuple[Case, str]]:
        model = LocalModel.open(options.model)
        # Neither is used: every case is typed and answered by text.
        engine = Engine(model, Hearing.__new__(Hearing), Speaking.__new__(Speaking), profiles.load("plain"))
        try:
            return await measure(engine)
        finally:
            await model.close()

    results = asyncio.run(run())
    print(as_table(results))
    if options.wrong:
        for case, answer in results:
            if not case.is_right(answer):
                print(f"{case.kind} {case.language}: {' // '.join(case.said)!r} -> {answer!r}")


if __name__ == "__main__":
    main()
