"""The command `parley`: arguments in, exit code out."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop

from bots import serving
from core import settings as configuring
from core.errors import AssistantError, SettingError
from core.settings import Settings
from core.telemetry import start_logging

cli = typer.Typer(help="A private assistant for Discord, Telegram, a web page and the terminal.", no_args_is_help=True)


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


@cli.command()
def voice(
    text: Annotated[str, typer.Argument(help="What it says.")],
    language: Annotated[str, typer.Option(help="Such as de; none: that of the text.")] = "",
    out: Annotated[Path, typer.Option(help="The voice note that is written.")] = Path("voice.ogg"),
) -> None:
    """Let the voice of the settings say something, into an OGG/Opus file."""
    from bots.cli.voice import write_note

    _run(write_note(_settings(level="WARNING"), text, language, out, typer.echo))


@cli.command()
def models() -> None:
    """Show which models a running Parley holds and what they take, or which the settings name."""
    from bots.models import show_models

    _run(show_models(_settings(level="WARNING")))


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
