"""Measures a model on Parley's own uses: python -m evals.models [MODEL]; MODEL is a folder, a GGUF file, a hub id or
the address of a server (http://host:port/v1, with --name); none: the built-in model.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from core.values.sampling import Sampling
from evals.models import opening, reporting, tasks
from evals.models.asking import Answered, Asking, ask


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evals.models", description=__doc__)
    opening.add_arguments(parser)
    parser.add_argument("--kinds", default="", help="only kinds that begin so, several parted by commas")
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
    model = await asyncio.to_thread(opening.opened, options)
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
