"""Whose token it is, and who wrote to it lately: for the owner who sets Parley up, while no Parley listens."""

import asyncio
from dataclasses import dataclass

from telegram import Bot
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from core import clock
from core.errors import PermanentError, RetryableError, SettingError

_ANSWER_S = 10.0
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Account:
    """A bot. `reads_groups` is false while @BotFather's privacy mode keeps what is said in groups from it."""

    username: str
    name: str
    reads_groups: bool


async def look_up(token: str, api_base: str) -> Account:
    """The token's bot; SettingError when Telegram refuses it, RetryableError when nobody answers."""
    try:
        async with _bot(token, api_base) as bot:
            me = bot.bot
    except InvalidToken as error:
        wants = "the token that @BotFather gave you"
        raise SettingError("TELEGRAM_TOKEN", "a token that Telegram refuses", wants) from error
    except TelegramError as error:
        raise RetryableError(f"Telegram cannot be reached ({type(error).__name__})") from error
    return Account(me.username or "", me.first_name, bool(me.can_read_all_group_messages))


async def wait_for_writer(token: str, api_base: str, seconds: float) -> tuple[str, str] | None:
    """The id and name of the person whose message to the bot is the latest, waited for so long.

    Nothing is confirmed, so a Parley that starts later still gets the message. PermanentError when another program
    listens to the bot: this would take its turn.
    """
    deadline = clock.monotonic() + seconds
    try:
        async with _bot(token, api_base) as bot:
            while True:
                updates = await bot.get_updates(timeout=0)
                messages = [update.message for update in updates if update.message]
                people = [each.from_user for each in messages if each.chat.type == "private" and each.from_user]
                if people:
                    return str(people[-1].id), people[-1].full_name
                if clock.monotonic() > deadline:
                    return None
                await asyncio.sleep(_LOOK_EVERY_S)
    except Conflict as error:
        raise PermanentError("another program listens to this bot") from error
    except TelegramError as error:
        raise RetryableError(f"Telegram cannot be reached ({type(error).__name__})") from error


def _bot(token: str, api_base: str) -> Bot:
    requests = (HTTPXRequest(read_timeout=_ANSWER_S, connect_timeout=_ANSWER_S) for _ in range(2))
    return Bot(
        token, f"{api_base}/bot", f"{api_base}/file/bot", request=next(requests), get_updates_request=next(requests)
    )
