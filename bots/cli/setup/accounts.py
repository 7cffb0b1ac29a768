"""The bots' tokens, and who the owner is."""

import asyncio
import socket
from collections.abc import Callable
from typing import Literal

from bots.cli import settings_check
from bots.cli.setup.asking import REMOVE, Setup
from core import settings as configuring
from core.errors import AssistantError, PermanentError, RetryableError, SettingError

_WAIT_S = 60.0


def ask_telegram(setup: Setup) -> None:
    """TELEGRAM_TOKEN, tried by asking Telegram whose it is."""
    setup.terminal.tell("telegram")

    def tell(token: str) -> None:
        from bots.telegram_bot import account  # a quarter of a second

        found = asyncio.run(account.look_up(token, setup.settings.telegram_api_base))
        setup.terminal.tell("telegram_found", name=found.name, username=found.username)
        setup.terminal.tell("telegram_groups_all" if found.reads_groups else "telegram_groups_private")

    _ask_token(setup, "telegram_token", settings_check.telegram_token, tell)


def ask_discord(setup: Setup) -> None:
    """DISCORD_TOKEN, tried by asking Discord whose it is."""
    setup.terminal.tell("discord")

    def tell(token: str) -> None:
        from bots.discord_bot import account  # half a second

        found = asyncio.run(account.look_up(token, setup.settings.discord_api_base or None))
        setup.terminal.tell("discord_found", name=found.name)
        if not found.reads_messages:
            setup.terminal.tell("discord_intent")
        setup.terminal.tell("discord_invitation", link=found.invitation)

    _ask_token(setup, "discord_token", settings_check.discord_token, tell)


def _ask_token(setup: Setup, name: str, shape: Callable[[str], str], tell: Callable[[str], None]) -> None:
    terminal, now = setup.terminal, getattr(setup.settings, name).get_secret_value()
    if now:
        terminal.tell("token_now", ending=setup.ending(now))
        _look(setup, name, now, shape, tell)
    while token := terminal.ask_secret("token_again" if now else "token"):
        if token == REMOVE:
            setup.keep(**{name: ""})
            return
        found = _look(setup, name, token, shape, tell)
        if found == "good" or (found == "unknown" and terminal.agree("keep_anyway", usually=False)):
            setup.keep(**{name: token})
            return


def _look(
    setup: Setup, name: str, token: str, shape: Callable[[str], str], tell: Callable[[str], None]
) -> Literal["good", "wrong", "unknown"]:
    """What a token is worth; the owner is told."""
    if shape(token):
        setup.terminal.tell(f"{name}_shape")
        return "wrong"
    try:
        tell(token)
    except SettingError:
        setup.terminal.tell("token_refused")
        return "wrong"
    except RetryableError as error:
        setup.terminal.tell("unreachable", reason=error)
        return "unknown"
    return "good"


def ask_owner(setup: Setup) -> None:
    """OWNERS: who may let others in from a chat."""
    terminal, settings = setup.terminal, setup.settings
    terminal.tell("owner")
    if settings.owners:
        terminal.tell("owners_now", owners=settings.owners)
    elif (token := settings.telegram_token.get_secret_value()) and not _runs(setup) and _ask_writer(setup, token):
        return
    while True:
        owners = terminal.ask("owner_id")
        if not owners:
            terminal.tell("owner_later" if not settings.owners else "unchanged")
            return
        if owners == REMOVE:
            setup.keep(owners="")
            return
        if configuring.fits("owners", owners):
            setup.keep(owners=owners)
            return
        terminal.tell("owner_shape")


def _ask_writer(setup: Setup, token: str) -> bool:
    """Whether somebody who just wrote to the bot is the owner now."""
    from bots.telegram_bot import account  # a quarter of a second

    terminal = setup.terminal
    if not terminal.agree("owner_by_message", usually=True, seconds=round(_WAIT_S)):
        return False
    try:
        writer = asyncio.run(account.wait_for_writer(token, setup.settings.telegram_api_base, _WAIT_S))
    except AssistantError as error:
        terminal.tell("refused" if isinstance(error, PermanentError) else "unreachable", reason=error)
        return False
    if writer is None:
        terminal.tell("nobody_wrote")
        return False
    person, name = writer
    if not terminal.agree("owner_is", usually=True, name=name, id=f"telegram:{person}"):
        return False
    setup.keep(owners=f"telegram:{person}")
    return True


def _runs(setup: Setup) -> bool:
    """Whether a Parley with this data folder runs, which listens to the bot itself."""
    path = setup.settings.data_dir.resolve() / "redis" / "redis.sock"
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
