"""Telegram, through python-telegram-bot: long polling in, the Bot API out."""

import asyncio
from http import HTTPStatus
from typing import Any

from telegram import Bot, CallbackQuery, Update
from telegram.error import Conflict, InvalidToken, NetworkError, TelegramError
from telegram.ext import Updater
from telegram.request import HTTPXRequest

from bots.locales import Phrases
from bots.telegram_bot import menu, send
from bots.telegram_bot.receive import THUMBS, Me, to_event
from core import clock
from core.errors import RetryableError, SettingError
from core.platform import Accept, Limits
from core.telemetry import log
from core.values.channel import ChannelKey, MediaRef, Person, PlatformName
from core.values.parts import Sendable
from core.values.turn import Activity

_LOG = log("telegram")
_UPDATES = ["message", "edited_message", "callback_query", "message_reaction"]
"""Telegram keeps the last list it was given, and reactions are not in its own default."""
_POLL_S = 30
_DEAF_S = 2.0 * _POLL_S + 30
_STOP_S = 5.0  # the last poll, which only confirms what is stored, may hang like those before it
_AGAIN_S = 5.0


class DurableQueue(asyncio.Queue[object]):
    """Stores each update where python-telegram-bot would only queue it.

    The updater awaits `put` before it moves Telegram's offset (telegram/ext/_updater.py), so what is put here is never
    lost. Any exception but NetworkError ends its polling without a word (telegram/ext/_utils/networkloop.py).
    """

    def __init__(self, accept: Accept, bot: Bot, phrases: Phrases) -> None:
        super().__init__()
        self._accept = accept
        self._bot = bot
        self._phrases = phrases

    async def put(self, item: object) -> None:
        """Accept one update; NetworkError when it could not be stored, and then Telegram gives it again."""
        if not isinstance(item, Update):
            return
        try:
            event = to_event(item, Me(self._bot.id, self._bot.username, self._bot.first_name))
            if event is not None:
                await self._accept(event)
        except RetryableError as error:
            _LOG.warning("update %s not stored, asking for it again: %s", item.update_id, error)
            raise NetworkError("not stored") from error
        except Exception:
            _LOG.exception("update %s cannot be read and is passed over", item.update_id)
        if item.callback_query is not None:
            await self._thank(item.callback_query)

    async def _thank(self, pressed: CallbackQuery) -> None:
        thanks = self._phrases.say("thanks", pressed.from_user.language_code or "") if pressed.data in THUMBS else None
        try:
            await self._bot.answer_callback_query(pressed.id, thanks)
        except TelegramError as error:
            _LOG.info("a button stays unanswered: %s", type(error).__name__)


class _Polls(HTTPXRequest):
    """The requests for updates, and when one was last answered (monotonic seconds, 0: never)."""

    answered_at = 0.0

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        status, body = await super().do_request(*args, **kwargs)
        if status == HTTPStatus.OK:
            self.answered_at = clock.monotonic()
        return status, body

    async def silence(self) -> None:
        """Return when no poll was answered for so long that none will be."""
        began, left_s = clock.monotonic(), _DEAF_S
        while left_s > 0:
            await asyncio.sleep(left_s)
            left_s = max(began, self.answered_at) + _DEAF_S - clock.monotonic()


class TelegramPlatform:
    """One bot on Telegram."""

    name: PlatformName = "telegram"
    limits = Limits(
        text_units=4096,
        media_bytes=20 * 2**20,
        draft_gap_s=0.5,
        draft_fades_s=20.0,
        typing_every_s=4.0,
        mentions_ping=True,
        budgets=send.budgets,
    )

    def __init__(
        self,
        token: str,
        *,
        api_base: str = "https://api.telegram.org",
        file_base: str | None = None,
        phrases: Phrases,
    ) -> None:
        if not token.partition(":")[0].isdecimal():
            raise SettingError("TELEGRAM_TOKEN", "a value that is not shown", "the token that @BotFather gave you")
        self._phrases = phrases
        self._token = token
        self._bases = f"{api_base}/bot", f"{file_base or api_base}/file/bot"
        self._polls = _Polls(connection_pool_size=1)
        self._listening_since: float | None = None
        self._conflict_at = 0.0
        self._bot = self._client(self._polls)

    def _client(self, polls: _Polls) -> Bot:
        return Bot(
            self._token,
            *self._bases,
            request=HTTPXRequest(connection_pool_size=64, read_timeout=20, write_timeout=20, connect_timeout=10),
            get_updates_request=polls,
        )

    def trouble(self) -> str:
        """Why nothing is heard from Telegram, "" when all is well or it is not this process that listens."""
        if self._listening_since is None:
            return ""
        if self._conflict_at > self._polls.answered_at:
            return "another copy of this bot is running"
        silent_s = clock.monotonic() - max(self._polls.answered_at, self._listening_since)
        return f"no poll was answered for {silent_s:.0f} s" if silent_s > _DEAF_S else ""

    async def check(self) -> str:
        """The bot's @username; SettingError for a token that Telegram refuses, RetryableError when out of reach."""
        try:
            me = await self._bot.get_me()
        except InvalidToken as error:
            wants = "the token that @BotFather gave you"
            raise SettingError("TELEGRAM_TOKEN", "a token that Telegram refuses", wants) from error
        except TelegramError as error:
            raise RetryableError(f"Telegram cannot be reached ({type(error).__name__})") from error
        return f"@{me.username}"

    async def listen(self, accept: Accept) -> None:
        """Poll until cancelled; a poller that went deaf is replaced. Nothing that waits at Telegram is dropped."""
        self._listening_since = clock.monotonic()
        try:
            while True:
                await self._poll(accept)
                _LOG.error("no poll of Telegram was answered for %.0f s: starting a new poller", _DEAF_S)
        finally:
            self._listening_since = None

    async def _poll(self, accept: Accept) -> None:
        """One poller, until no poll is answered any more.

        It has a client of its own, which it closes: what is being sent when it ends is not cut off.
        """
        polls = _Polls(connection_pool_size=1, read_timeout=20, connect_timeout=10)
        polls.answered_at, self._polls = self._polls.answered_at, polls
        bot = self._client(polls)
        await _initialize(bot)
        updater = Updater(bot, DurableQueue(accept, bot, self._phrases))
        async with updater:
            await updater.start_polling(
                timeout=_POLL_S,
                bootstrap_retries=-1,
                allowed_updates=_UPDATES,
                drop_pending_updates=False,
                error_callback=self._report,
            )
            try:
                async with asyncio.TaskGroup() as group:
                    registering = group.create_task(menu.register(bot, self._phrases))
                    await polls.silence()
                    registering.cancel()
            finally:
                await _stop(updater)

    def _report(self, error: TelegramError) -> None:
        if not isinstance(error, Conflict):
            _LOG.warning("polling Telegram: %s", type(error).__name__)
        elif self._conflict_at <= self._polls.answered_at:
            self._conflict_at = clock.monotonic()
            _LOG.error("another copy of this bot polls Telegram: standing by until it stops")

    async def fetch(self, media: MediaRef, cap_bytes: int) -> bytes:
        """Download a file."""
        return await send.fetch(self._bot, media, cap_bytes)

    async def send(self, part: Sendable) -> str:
        """Send one part; the id of the message."""
        return await send.send(self._bot, part, self._phrases)

    async def administers(self, channel: ChannelKey, person: Person) -> bool:
        """Whether a person owns or administers a chat."""
        return await send.administers(self._bot, channel, person)

    async def typing(self, channel: ChannelKey, activity: Activity = "typing") -> None:
        """Show that somebody types, or records a voice note."""
        await send.show(self._bot, channel, activity)


async def _initialize(bot: Bot) -> None:
    while True:
        try:
            await bot.initialize()
        except NetworkError as error:
            _LOG.warning("Telegram cannot be reached (%s), again in %.0f s", type(error).__name__, _AGAIN_S)
            await asyncio.sleep(_AGAIN_S)
        else:
            return


async def _stop(updater: Updater) -> None:
    try:
        async with asyncio.timeout(_STOP_S):
            await updater.stop()
    except Exception as error:  # whatever ended the library's polling ends here, so that the next poller can begin
        _LOG.warning("the poller did not end well: %s", type(error).__name__)


__all__ = ["TelegramPlatform"]
