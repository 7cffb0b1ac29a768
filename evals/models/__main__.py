"""Measures a model on Parley's own uses: python -m evals.models [MODEL]; MODEL is a folder, a GGUF file, a hub id or
the address of a server (http://host:port/v1, with --name); none: the built-in model.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from core.lm.base import LanguageModel, Sampling
from core.lm.local import LocalModel
from core.lm.remote import RemoteModel
from evals.models import reporting, tasks
from evals.models.asking import Answered, Asking, ask


def _open(options: argparse.Namespace) -> LanguageModel:
    if options.model.startswith(("http://", "https://")):
        return RemoteModel(options.model, options.name, context_tokens=options.context_tokens)
    return LocalModel.open(options.model or None, options.quantize if options.model else "none")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evals.models", description=__doc__)
    parser.add_argument("model", nargs="?", default="")
    parser.add_argument("--name", default="", help="the model's name at a server")
    parser.add_argument("--context-tokens", type=int, default=4096, help="of a server's model")
    parser.add_argument("--quantize", default="int8", choices=("none", "int8"))
    parser.add_argument("--kinds", default="", help="only kinds that begin so")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--sampling", default="", help="in the place of the profiles' own: temperature=0.7,top_p=0.9")
    parser.add_argument("--out", type=Path, default=Path("data/eval-models.json"))
    return parser.parse_args()


def _sampling(text: str) -> Sampling | None:
    pairs = [pair.split("=") for pair in text.split(",") if pair]
    wanted: dict[str, Any] = {name: int(value) if name == "top_k" else float(value) for name, value in pairs}
    return Sampling(**wanted) if wanted else None


async def _run(options: argparse.Namespace) -> None:
    """What is answered when it is interrupted is written too."""
    console, wanted = Console(), tasks.load(options.kinds)
    model = await asyncio.to_thread(_open, options)
    asking = Asking(options.at_once, options.seed, _sampling(options.sampling))
    answers: list[Answered] = []
    try:
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task(model.name, total=len(wanted))

            def tell(done: Answered) -> None:
                answers.append(done)
                progress.advance(bar)

            await ask(model, wanted, asking, tell)
    finally:
        answers.sort(key=lambda each: wanted.index(each.task))
        options.out.parent.mkdir(parents=True, exist_ok=True)
        reporting.write(options.out, model.name, answers)
        console.print(reporting.table(Path(model.name).name, answers))
        console.print(f"Every answer: {options.out}")
        await model.close()


if __name__ == "__main__":
    asyncio.run(_run(_options()))
