"""A mind's answer as it grows; one that only repeats what was said is held back, and asked for once more."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from core.lm.base import LanguageModel, Request, Text, Usage
from core.telemetry import timed
from core.text import cleaning
from core.thinking.guards import Guards
from core.thinking.moment import Moment
from core.values.sampling import Sampling

_RESAMPLED = Sampling(temperature=0.8, top_p=0.95)
"""For another answer to the same message: the likeliest tokens would make the same one."""


@dataclass(frozen=True, slots=True)
class Grown:
    """All of an answer so far, and what it was asked by."""

    text: str
    request: Request


def resampled(request: Request) -> Request:
    """What asks for another answer to the same message."""
    seed = request.sampling.seed
    return replace(request, sampling=replace(_RESAMPLED, seed=None if seed is None else seed + 1))


async def generate(model: LanguageModel, request: Request) -> AsyncGenerator[Grown | Usage, None]:
    """The answer each time that it grew, and at the end what it took."""
    text = ""
    async with aclosing(model.stream(request)) as pieces:
        with timed("model"):
            async for piece in pieces:
                if isinstance(piece, Text):
                    text += piece.text
                    yield Grown(text, request)
                elif isinstance(piece, Usage):
                    yield piece


async def original(
    model: LanguageModel, guards: Guards, request: Request, moment: Moment
) -> AsyncGenerator[Grown | Usage, None]:
    """As `generate`, without an answer that only repeats."""
    echo, shown, kept = guards.echo(moment), "", ""
    for tried in (request, resampled(request)):
        request, text, held = tried, "", True
        async with aclosing(generate(model, tried)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Usage):
                    yield piece
                    continue
                text = piece.text
                # What has once gone beyond an echo becomes none any more.
                if held := held and echo.may_come(cleaning.presentable(text)):
                    continue
                shown = text
                yield piece
        text = cleaning.presentable(text)
        kept = guards.kept(text, echo)
        if kept or not text:
            break
    else:
        kept = guards.instead(moment)
    if kept != cleaning.presentable(shown):
        yield Grown(kept, request)
