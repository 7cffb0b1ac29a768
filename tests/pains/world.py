"""The product as a child process between both platforms and a model, all local, all under a test's control."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from core.feedback.ratings import Feedback
from core.speech.synthesis import Speaking
from core.speech.voices.builtin import BuiltinVoice
from core.store.redis import open_store
from core.values.channel import ChannelKey
from tests.fault.model_server import MODEL, ModelServer
from tests.platforms.discord_payloads import Json
from tests.platforms.discord_rest import Refused
from tests.platforms.discord_server import DiscordServer
from tests.platforms.telegram_server import ANN, Sent, TelegramServer
from tests.scenario.product import Product

PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the bot into a chat: when (monotonic seconds), and of what."""

    at: float
    method: str
    chat: int


class Telegram(TelegramServer):
    """The local Telegram, which writes down every call and can leave some without an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.journal: list[Call] = []
        self.fetched: list[str] = []
        self.stuck: dict[int, str] = {}
        """Chat -> the text that never arrives there."""
        self.mute: dict[int, str] = {}
        """Chat -> the method that works there, and nobody says so."""
        self.unanswered: list[int] = []
        self._history: list[Json] = []
        self._repeated: list[Json] = []

    def push(self, **update: Any) -> Json:
        made = super().push(**update)
        self._history.append(made)
        return made

    def repeat_everything(self) -> None:
        """Deliver all updates once more with the next one, as when no confirmation had arrived."""
        self._repeated = list(self._history)

    def person(self, chat: int, text: str = "", /, **media: Any) -> Json:
        """Somebody writes in a private chat of theirs."""
        return self.say(text, chat={"id": chat, "type": "private"}, user={**ANN, "id": chat}, **media)

    def sends(self, chat: int) -> list[float]:
        """When the bot tried to send a text into a chat."""
        return [call.at for call in self.journal if (call.method, call.chat) == ("sendMessage", chat)]

    def shown(self, chat: int) -> list[Sent]:
        """What the bot sent into a chat, as it was sent."""
        return [sent for sent in self.sent if sent.chat == chat]

    def texts(self, chat: int) -> list[str]:
        """What the bot's messages in a chat say now, voice notes left out."""
        return [self.text_of(sent.id) for sent in self.shown(chat) if not sent.voice and sent.id not in self.removed]

    async def _get_updates(self, request: web.Request) -> web.Response:
        answer = await super()._get_updates(request)
        fresh: Json = json.loads(answer.text or "")
        if fresh.get("result") and self._repeated:
            repeated, self._repeated = self._repeated, []
            return web.json_response({"ok": True, "result": [*repeated, *fresh["result"]]})
        return answer

    async def _file(self, request: web.Request) -> web.Response:
        self.fetched.append(request.match_info["path"].removeprefix("voice/"))
        return await super()._file(request)

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        form = {} if method == "sendVoice" else dict(await request.post())
        chat = int(str(form.get("chat_id", 0)))
        if method != "getUpdates":
            self.journal.append(Call(time.monotonic(), method, chat))
        if method == "sendMessage" and chat in self.stuck and self.stuck[chat] in str(form["text"]):
            await self._never(chat)
        answer = await super()._api(request)
        if self.sent and self.mute.get(last := self.sent[-1].chat) == method:
            await self._never(last)
        return answer

    async def _never(self, chat: int) -> None:
        self.unanswered.append(chat)
        await asyncio.Event().wait()


class Discord(DiscordServer):
    """The local Discord. In `mute` channels posts arrive and nobody says so; `voiceless` ones refuse one recording."""

    def __init__(self) -> None:
        super().__init__()
        self.mute: set[str] = set()
        self.unanswered: list[str] = []
        self.voiceless: set[str] = set()

    def recording(self, ogg: bytes) -> Json:
        """The attachment of a voice message."""
        file = self._files.attach(("voice-message.ogg", "audio/ogg", ogg))
        return {**file, "duration_secs": 2.0, "waveform": "AAECAw=="}

    async def _post(self, request: web.Request, channel: str) -> Json:
        if channel in self.voiceless and request.content_type == "multipart/form-data":
            self.voiceless.remove(channel)
            await request.read()
            raise Refused(400, 50173, "Cannot send voice messages in this channel.")
        posted = await super()._post(request, channel)
        if channel in self.mute:
            self.unanswered.append(channel)
            await asyncio.Event().wait()
        return posted


@dataclass
class World:
    """One product, both platforms, one model."""

    product: Product
    telegram: Telegram
    discord: Discord
    model: ModelServer
    data: Path

    async def restart(self) -> None:
        """Start again what was killed or stopped."""
        self.discord.events.identified.clear()
        await (await self.product.start()).healthy()
        await self.discord.wait_ready(PATIENCE_S)

    async def rated(self, channel: ChannelKey, person: str, *ratings: int) -> None:
        """Wait until these are what a person's reactions in a channel say, turn by turn."""
        async with asyncio.timeout(PATIENCE_S), open_store("", self.data / "d") as store:
            while True:
                found = (await Feedback(store).ratings(channel)).items()
                if [rating.rating for (_, who), rating in found if who == person] == list(ratings):
                    return
                await asyncio.sleep(0.05)

    async def quiet(self) -> None:
        """Nobody has anything more to say."""
        await self.telegram.wait_quiet()
        await self.discord.wait_quiet()


@contextlib.asynccontextmanager
async def living(data: Path) -> AsyncGenerator[World]:
    """A healthy product; at the end its log holds no token."""
    discord = Discord()
    await discord.start()
    try:
        async with Telegram() as telegram, ModelServer() as model:
            product = Product(
                data,
                LM_URL=model.base,
                LM_MODEL=MODEL,
                TELEGRAM_TOKEN=telegram.token,
                TELEGRAM_API_BASE=telegram.base,
                DISCORD_TOKEN=discord.token,
                DISCORD_API_BASE=discord.api,
                DISCORD_GATEWAY=discord.gateway,
            )
            await (await product.start()).healthy()
            await discord.wait_ready(PATIENCE_S)
            try:
                yield World(product, telegram, discord, model, data)
            finally:
                await product.stop()
            assert not [line for line in product.log if telegram.token in line or discord.token in line]
    finally:
        await discord.stop()


async def until(truth: Callable[[], object], seconds: float = PATIENCE_S) -> float:
    """Wait until it is true; how long it took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not truth():
            await asyncio.sleep(0.01)
    return time.monotonic() - began


async def spoken(texts: Sequence[str]) -> list[bytes]:
    """Voice notes of these texts."""
    speaking = Speaking(BuiltinVoice())
    try:
        return [(await speaking.speak(text, "en")).ogg for text in texts]
    finally:
        await speaking.close()
