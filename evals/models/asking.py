"""Tasks done by an engine, several at once, as people would meet them."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from core.errors import AssistantError, RetryableError, UserError
from core.lm.base import LanguageModel, Request, Text, whole_text
from core.speech.hearing import Transcript
from core.thinking import profiles, prompt
from core.thinking.context import Context
from core.thinking.engine import Engine
from core.thinking.guards import Guards
from core.thinking.prompt import PromptInput
from core.values.passages import Passage
from core.values.sampling import Sampling
from core.values.turn import Reply
from evals.models.checking import faults
from evals.models.opening import seeded
from evals.models.tasks import ZONE, Task

_TRIES = 8
"""A server that is busy or slow says nothing of its model: it is asked again."""
MAX_NEW_TOKENS = 96
"""Enough for every task; an answer that goes on longer is cut."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One task, the answer, and what is wrong with it."""

    task: Task
    answer: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asking:
    """How tasks are asked: `at_once` side by side, drawn with `seed`; `sampling` in the place of the profiles' own."""

    at_once: int = 8
    seed: int = 1
    sampling: Sampling | None = None


class ToldEars:
    """Ears that hear what is written: the bytes of a voice note are its words."""

    async def transcribe(self, audio: bytes, **asked: Any) -> Transcript:
        """The words, whatever was asked."""
        return Transcript(audio.decode(), str(asked.get("language") or "en"), 1.0)


async def ask(
    model: LanguageModel, tasks: Sequence[Task], asking: Asking, tell: Callable[[Answered], None]
) -> list[Answered]:
    """Every task answered and checked, in their order; `tell` hears of each as it is done."""
    turn = asyncio.Semaphore(asking.at_once)

    async def one(task: Task) -> Answered:
        async with turn:
            answer = await _answer(model, task, asking)
        model.forget(str(task.message().channel))
        done = Answered(task, answer, faults(answer, task.rules))
        tell(done)
        return done

    return await asyncio.gather(*map(one, tasks))


async def _answer(model: LanguageModel, task: Task, asking: Asking) -> str:
    profile = profiles.load(task.profile)
    sampling = seeded(asking.sampling or profile.sampling, asking.seed, task.id)
    profile = replace(profile, max_new_tokens=min(MAX_NEW_TOKENS, profile.max_new_tokens), sampling=sampling)
    ears: Any = ToldEars()
    engine = Engine(model, ears, None, profile, Guards(zone=ZONE.key), task.at.timestamp)  # pyright: ignore[reportArgumentType]
    fault = AssistantError("never asked")
    for _ in range(_TRIES):
        try:
            return await _done(engine, task)
        except RetryableError as error:
            fault = error
            await asyncio.sleep(error.after_s)
        except AssistantError as error:
            fault = error
            if not (isinstance(error, UserError) and error.key == "model_slow"):
                break
    return f"[{fault}]"


async def _done(engine: Engine, task: Task) -> str:
    match task.do:
        case "translate":
            pieces = [piece async for piece in engine.translate(task.said, task.answer_in)]
            return "".join(piece.text for piece in pieces if isinstance(piece, Text))
        case "summarise":
            return await engine.summarise(task.summary, task.dialogue().turns)
        case "answer":
            return await (_from_notes(engine, task) if task.notes else _from_engine(engine, task))


async def _from_engine(engine: Engine, task: Task) -> str:
    audio = task.said.encode() if task.heard else None
    answers = engine.answer(task.message(), Context(task.dialogue(), task.preferences(), audio, speak=False))
    async with aclosing(answers) as steps:
        return [step.turn.reply async for step in steps if isinstance(step, Reply)][0]


async def _from_notes(engine: Engine, task: Task) -> str:
    """As the engine does with notes that were found for a message."""
    passages = [Passage(str(at), "notes", note) for at, note in enumerate(task.notes)]
    asked = PromptInput(
        task.said, task.told, task.speaker, task.group, answer_in=task.answer_in, now=task.at, passages=passages
    )
    chat = prompt.build(engine.profile, task.dialogue(), asked, model=engine.model).utterances
    request = Request(chat, engine.profile.max_new_tokens, engine.profile.sampling, channel=str(task.message().channel))
    return await whole_text(engine.model, request)
