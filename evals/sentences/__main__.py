"""People's sentences through the engine, as a guest meets it: python -m evals.sentences [MODEL] [--wrong].

Prints a Markdown table by kind and language. Nothing is spoken or heard.
"""

import argparse
import asyncio
from collections import Counter
from dataclasses import replace

from core.lm.base import LanguageModel
from core.speech.synthesis import Speaking
from core.speech.transcription import WhisperHearing
from core.text.language import language_tag
from core.thinking import profiles
from core.thinking.context import Context
from core.thinking.engine import Engine
from core.values import dialogue as dialogues
from core.values.channel import ChannelKey, Person
from core.values.dialogue import Dialogue
from core.values.events import Message
from core.values.preferences import Preferences
from core.values.turn import Reply
from evals.models import opening
from evals.sentences.people import Case, cases

_MAX_NEW_TOKENS = 128
"""Longer answers are cut: what is looked for stands at their beginning."""


async def answered(engine: Engine, case: Case, place: int) -> str:
    """The last answer of a case."""
    dialogue, text = Dialogue(), ""
    preferences = Preferences(voice="never", language=language_tag(case.fixed) if case.fixed else "")
    channel = ChannelKey("telegram", f"{place}")
    for number, said in enumerate(case.said):
        name, words = said.split(": ", 1) if case.kind == "group" else ("Kim", said)
        group = case.kind == "group"
        message = Message(f"{place}-{number}", channel, Person(name, name), 0.0, words, group=group)
        async for step in engine.answer(message, Context(dialogue, preferences, speak=False)):
            if isinstance(step, Reply):
                text = step.turn.reply
                dialogue = dialogues.append(dialogue, step.turn)
    return text


async def measure(model: LanguageModel, *, seed: int = 1, at_once: int = 8) -> list[tuple[Case, str]]:
    """Every case and its last answer."""
    plain = profiles.load("plain")
    # Neither is used: every case is typed and answered by text.
    hearing, speaking = WhisperHearing.__new__(WhisperHearing), Speaking.__new__(Speaking)
    turn = asyncio.Semaphore(at_once)

    async def one(place: int, case: Case) -> tuple[Case, str]:
        sampling = opening.seeded(plain.sampling, seed, f"{place}")
        profile = replace(plain, sampling=sampling, max_new_tokens=min(_MAX_NEW_TOKENS, plain.max_new_tokens))
        async with turn:
            return case, await answered(Engine(model, hearing, speaking, profile), case, place)

    return await asyncio.gather(*(one(place, case) for place, case in enumerate(cases())))


def as_table(results: list[tuple[Case, str]], *, knows: bool = False) -> str:
    """A Markdown table: how many of each kind are right; `knows`: the mind is not the one that ships."""
    right, count = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for case, answer in results:
        key = (case.kind.split()[0], case.language)
        count[key] += 1
        right[key] += case.is_right(answer, knows=knows)
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
    parser = argparse.ArgumentParser(prog="evals.sentences", description=__doc__)
    opening.add_arguments(parser)
    parser.add_argument("--wrong", action="store_true", help="show wrong answers too")
    options = parser.parse_args()

    async def run() -> tuple[list[tuple[Case, str]], bool]:
        model = await asyncio.to_thread(opening.opened, options)
        try:
            return await measure(
                model, seed=options.seed, at_once=options.at_once
            ), "instructions" in model.capabilities
        finally:
            await model.close()

    results, knows = asyncio.run(run())
    print(as_table(results, knows=knows))
    if options.wrong:
        for case, answer in results:
            if not case.is_right(answer, knows=knows):
                print(f"{case.kind} {case.language}: {' // '.join(case.said)!r} -> {answer!r}")


if __name__ == "__main__":
    main()
