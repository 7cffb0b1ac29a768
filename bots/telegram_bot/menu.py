"""The menu of commands in Telegram's apps: every command in each language that Parley speaks."""

from telegram import Bot, BotCommand, BotCommandScope, BotCommandScopeAllPrivateChats, BotCommandScopeDefault
from telegram.error import TelegramError

from bots.locales import FALLBACK, Phrases
from core.telemetry import log
from core.turns.commands import COMMANDS

_LOG = log("telegram")
_NAMES = tuple(command.name for command in COMMANDS.offered)
_SHOWN: tuple[tuple[BotCommandScope, tuple[str, ...]], ...] = (
    (BotCommandScopeDefault(), _NAMES),
    # /settings is about whom to answer in a group, and about thumbs, which Telegram has as buttons.
    (BotCommandScopeAllPrivateChats(), tuple(name for name in _NAMES if name != "settings")),
)


async def register(bot: Bot, phrases: Phrases) -> None:
    """Tell Telegram the menu where it does not hold it already; a failure is logged, for commands work without it."""
    try:
        for scope, names in _SHOWN:
            for language in phrases.languages:
                await _tell(bot, scope, language, [BotCommand(name, phrases.command(name, language)) for name in names])
    except TelegramError as error:
        _LOG.warning("the menu of commands was not told: %s", type(error).__name__)


async def _tell(bot: Bot, scope: BotCommandScope, language: str, menu: list[BotCommand]) -> None:
    # Without a code it is the menu of all who have none in their language; Telegram knows two-letter codes alone.
    code = None if language == FALLBACK else language.partition("-")[0]
    if list(await bot.get_my_commands(scope, code)) != menu:
        await bot.set_my_commands(menu, scope, code)
