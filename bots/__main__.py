"""The command `parley`: arguments in, exit code out."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any

import typer
import uvloop

from bots import serving
from core import settings as configuring
from core.errors import AssistantError, SettingError
from core.settings import Settings
from core.telemetry import start_logging

cli = typer.Typer(help="A private assistant for Discord, Telegram, a web page and the terminal.", no_args_is_help=True)
_MODEL = "A name of `parley models`, a hub id (owner/name, owner/name:file.gguf), a folder or a GGUF file."


@cli.command()
def run() -> None:
    """Answer on the web page, and on each platform that has a token."""
    settings = _settings()
    _run(serving.serve(settings, typer.echo))


@cli.command()
def chat() -> None:
    """Talk to it here, in the terminal."""
    from bots.console import converse

    _run(converse(_settings(level="WARNING")))


@cli.command()
def doctor() -> None:
    """Check settings, Redis, models and tokens, and say what to mend."""
    from bots.doctor import examine

    raise typer.Exit(0 if _run(examine(_settings(level="ERROR"), typer.echo)) else 1)


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
    replay: Annotated[str, typer.Option(metavar="CHANNEL", help="Put what was set aside there back to work.")] = "",
) -> None:
    """Show what waits in each channel, with whom, and what was set aside."""
    from bots import overview

    settings = _settings(level="WARNING")
    _run(overview.replay(settings, replay, typer.echo) if replay else overview.show_lanes(settings))


@cli.command()
def pair(
    code: Annotated[str, typer.Argument(help="The code that a stranger was given; none: show who waits.")] = "",
    remove: Annotated[str, typer.Option(metavar="WHO", help="Take access back, such as telegram:123.")] = "",
) -> None:
    """Let somebody talk to Parley on Telegram or Discord, or show who waits for that and who may."""
    from bots import pairing

    settings = _settings(level="WARNING")
    if remove:
        _run(pairing.remove(settings, remove, typer.echo))
    else:
        _run(pairing.confirm(settings, code, typer.echo) if code else pairing.show_pairing(settings))


def _settings(level: str | None = None) -> Settings:
    try:
        settings = configuring.load()
    except SettingError as error:
        raise _stop(error) from None
    start_logging(level or settings.log_level, settings.secrets())
    return settings


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return uvloop.run(work)
    except BaseExceptionGroup as group:
        wrong, other = group.split(AssistantError)
        if wrong is None or other is not None:
            raise
        raise _stop(_first(wrong)) from None
    except AssistantError as error:
        raise _stop(error) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        return None


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _stop(error: BaseException) -> typer.Exit:
    typer.secho(f"parley: {error}", err=True, fg="red")
    return typer.Exit(2)


def main() -> None:
    """Entry point of the installed command."""
    cli()


if __name__ == "__main__":
    main()
