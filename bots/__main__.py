"""The command `parley`: arguments in, exit code out.

What takes long to import is imported by the command that needs it.
"""

from bots.cli import stopping

stopping.watch()  # what follows takes half a second, in which Ctrl-C may come

import asyncio
import contextlib
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from core.errors import AssistantError, SettingError
from core.telemetry import start_logging

if TYPE_CHECKING:
    from core.settings import Settings

cli = typer.Typer(help="A private assistant for Discord, Telegram, a web page and the terminal.", no_args_is_help=True)
_MODEL = "A name of `parley models`, a hub id (owner/name, owner/name:file.gguf), a folder or a GGUF file."


@cli.command()
def run() -> None:
    """Answer on the web page, and on each platform that has a token."""
    settings = _settings(starting=True)
    from bots import serving  # a second, with all platforms: wrong settings are told before

    _serve(serving.serve(settings, typer.echo))


@cli.command()
def chat() -> None:
    """Talk to it here, in the terminal."""
    from bots.cli.chat import converse

    _serve(converse(_settings(level="WARNING", starting=True)))


@cli.command()
def setup() -> None:
    """Choose models, connect Telegram and Discord, and say who owns this: step by step, into .env."""
    from bots.cli.setup import walk

    raise typer.Exit(walk())


@cli.command()
def doctor() -> None:
    """Check settings, Redis, models and tokens, and say what to mend."""
    from bots.cli.doctor import examine

    settings, wrong = _read(level="ERROR")
    raise typer.Exit(0 if _run(examine(settings, wrong, typer.echo)) else 1)


@cli.command()
def voice(
    text: Annotated[str, typer.Argument(help="What it says.")],
    language: Annotated[str, typer.Option(help="Such as de; none: that of the text.")] = "",
    out: Annotated[Path, typer.Option(help="The voice note that is written.")] = Path("voice.ogg"),
) -> None:
    """Let the voice of the settings say something, into an OGG/Opus file."""
    from bots.cli.voice import write_note

    _run(write_note(_settings(level="WARNING"), text, language, out, typer.echo))


models = typer.Typer(help="Show which models are used, here or to be had; get, use or remove one.")
cli.add_typer(models, name="models")


@models.callback(invoke_without_command=True)
def show(context: typer.Context) -> None:
    """Show what a running Parley holds or the settings name, what is on the disk, and what is to be had."""
    if context.invoked_subcommand is None:
        from bots.cli.models import show_models

        _run(show_models(_settings(level="WARNING")))


@models.command()
def get(source: Annotated[str, typer.Argument(metavar="MODEL", help=_MODEL)]) -> None:
    """Fetch a model onto this disk."""
    from bots.cli.models import get_model

    _run(get_model(_settings(level="WARNING"), source, typer.echo))


@models.command()
def use(source: Annotated[str, typer.Argument(metavar="MODEL", help=_MODEL)]) -> None:
    """Have a model used from the next start on; it is fetched when it is not here."""
    from bots.cli.models import use_model

    _run(use_model(_settings(level="WARNING"), source, typer.echo))


@models.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `parley models` lists it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a model from this disk."""
    from bots.cli.models import remove_model

    async def erase(settings: Settings) -> None:
        remove_model(settings, name, lambda question: yes or typer.confirm(question), typer.echo)

    _run(erase(_settings(level="WARNING")))


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"parley {version('parley')}")
        raise typer.Exit


@cli.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    pass


@cli.command()
def lanes(
    replay: Annotated[str, typer.Option(metavar="CHANNEL", help="Try again what failed there.")] = "",
) -> None:
    """Show what waits in each channel, with whom, and what failed."""
    from bots.cli import overview

    settings = _settings(level="WARNING")
    _run(overview.replay(settings, replay, typer.echo) if replay else overview.show_lanes(settings))


@cli.command()
def pair(
    code: Annotated[str, typer.Argument(help="The code that a stranger was given; none: show who waits.")] = "",
    remove: Annotated[str, typer.Option(metavar="WHO", help="Take access back, such as telegram:123.")] = "",
) -> None:
    """Let somebody talk to Parley on Telegram or Discord, or show who waits for that and who may."""
    from bots.cli import pairing

    settings = _settings(level="WARNING")
    if remove:
        _run(pairing.remove(settings, remove, typer.echo))
    else:
        _run(pairing.confirm(settings, code, typer.echo) if code else pairing.show_pairing(settings))


def _settings(level: str | None = None, *, starting: bool = False) -> "Settings":
    """Exits with a line for each setting that is wrong; before a start also for what would only be met later."""
    settings, wrong = _read(level)
    if starting:
        from bots.cli import settings_check

        for sentence in settings_check.unknown():
            typer.secho(f"parley: {sentence}", err=True, fg="yellow")
        wrong += tuple(settings_check.wrong(settings))
    if wrong:
        raise _stop(*wrong)
    return settings


def _read(level: str | None) -> "tuple[Settings, tuple[SettingError, ...]]":
    from core import settings as configuring

    settings, wrong = configuring.read()
    start_logging(level or settings.log_level, settings.secrets())
    return settings, wrong


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    import uvloop

    with _explained():
        return uvloop.run(work)


def _serve(work: Coroutine[Any, Any, Any]) -> NoReturn:
    """Run to the end, and end: whatever a library still does in a thread is not waited for."""
    import uvloop

    code = 0
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    try:
        with _explained():
            runner.run(work)
    except typer.Exit as stopped:
        code = stopped.exit_code
    stopping.end(code)


@contextlib.contextmanager
def _explained() -> Generator[None]:
    """Our errors become a line each and the exit code; a task that was cancelled is a clean end."""
    try:
        yield
    except BaseExceptionGroup as group:
        wrong, other = group.split(AssistantError)
        if wrong is None or other is not None:
            raise
        raise _stop(_first(wrong)) from None
    except AssistantError as error:
        raise _stop(error) from None
    except asyncio.CancelledError:
        return


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _stop(*errors: BaseException) -> typer.Exit:
    for error in errors:
        typer.secho(f"parley: {error}", err=True, fg="red")
    return typer.Exit(2)


def main() -> None:
    """Entry point of the installed command."""
    cli()


if __name__ == "__main__":
    main()
