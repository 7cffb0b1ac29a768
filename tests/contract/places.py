"""Each implementation of `Platform`, with the other side of it: who writes there, and what they read."""

import io
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, cast

import httpx
from redis.asyncio.client import PubSub

from bots.console.platform import CHANNEL, ConsolePlatform
from bots.discord_bot.platform import DiscordPlatform
from bots.locales import Phrases
from bots.telegram_bot.platform import TelegramPlatform
from bots.web.platform import WebPlatform
from bots.web.wire import NOTE, Note
from core import clock
from core.platform import Platform
from core.store import keys
from core.store.codec import Codec, home_of
from core.store.redis import Store
from core.values.channel import ChannelKey, MediaRef, Person
from core.values.events import Message
from tests.fakes.platforms import FakePlatform
from tests.platforms.discord_payloads import ALICE, DM
from tests.platforms.discord_server import DiscordServer
from tests.platforms.telegram_server import TelegramServer
from tests.support.scripted import Script, web_platform


class Place(Protocol):
    """A platform, a channel that exists there, a file that does not, and what its people do and see."""

    @property
    def here(self) -> ChannelKey: ...
    @property
    def gone(self) -> MediaRef: ...
    @property
    def activities(self) -> int | None:
        """How many signs of work people saw; None where a platform shows them by itself."""

    @property
    def nonce_chars(self) -> int | None:
        """How long the nonce of a part may be; None: any."""

    @property
    def platform(self) -> Platform: ...
    async def ready(self) -> None:
        """Wait until what is said is heard."""

    async def say(self, text: str, voice: bytes = b"") -> None:
        """Write a text or send a voice note, as a person does."""

    async def texts(self) -> list[str]:
        """The texts that people read, in order."""
        ...


class TelegramPlace:
    here, gone = ChannelKey("telegram", "42:7"), MediaRef("audio", "gone")
    nonce_chars = None

    def __init__(self, server: TelegramServer) -> None:
        self._server = server
        self.platform = TelegramPlatform(server.token, api_base=server.base, phrases=Phrases())

    @property
    def activities(self) -> int:
        return len(self._server.typed)

    async def ready(self) -> None:
        pass

    async def say(self, text: str, voice: bytes = b"") -> None:
        media: dict[str, Any] = {"voice": self._server.voice(voice)} if voice else {}
        self._server.say(text, **media)

    async def texts(self) -> list[str]:
        return [sent.text for sent in self._server.sent if sent.text and not sent.document]


class DiscordPlace:
    here, gone = ChannelKey("discord", DM[ALICE]), MediaRef("audio", f"{DM[ALICE]}/1/2")
    nonce_chars = 25

    def __init__(self, server: DiscordServer) -> None:
        self._server = server
        self.platform = DiscordPlatform(server.token, api_base=server.api, gateway=server.gateway, phrases=Phrases())

    @property
    def activities(self) -> int:
        return len(self._server.typing)

    async def ready(self) -> None:
        await self._server.wait_ready()

    async def say(self, text: str, voice: bytes = b"") -> None:
        await (self._server.voice(voice) if voice else self._server.say(text))

    async def texts(self) -> list[str]:
        return [sent.content for sent in self._server.sent if sent.content and not sent.filename]


class WebPlace:
    """A program that writes to the API, and whoever listens to what a worker leaves for it."""

    here, gone = ChannelKey("web", "room"), MediaRef("audio", "room/none")
    activities, nonce_chars = None, None

    def __init__(self, platform: WebPlatform, wire: PubSub) -> None:
        self.platform = platform
        self._wire = wire

    async def ready(self) -> None:
        await self.platform.started.wait()

    async def say(self, text: str, voice: bytes = b"") -> None:
        async with httpx.AsyncClient(base_url=self.platform.address, timeout=20) as client:
            body: dict[str, Any] = (
                {"files": {"file": ("note.ogg", voice, "audio/ogg")}} if voice else {"json": {"text": text}}
            )
            (await client.post("/v1/channels/room/messages", **body)).raise_for_status()

    async def texts(self) -> list[str]:
        notes: list[Note] = []
        await self._wire.ping()  # its echo comes behind all that was published
        while (message := await self._wire.get_message(timeout=20)) and message["type"] != "pong":
            if message["type"] == "message":
                notes.append(Codec().open(NOTE, home_of(self.here), cast(bytes, message["data"])))
        return [note.text for note in notes if note.kind in ("text", "notice")]


class ConsolePlace:
    here, gone = CHANNEL, MediaRef("audio", "/nowhere/none.ogg")
    activities, nonce_chars = None, None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        source, self._typed = os.pipe()
        self._sink = io.StringIO()
        self.platform = ConsolePlatform(
            Phrases(), source=source, sink=self._sink, language="en", exports=folder / "exports"
        )

    async def ready(self) -> None:
        pass

    async def say(self, text: str, voice: bytes = b"") -> None:
        if voice:
            file = self._folder / "note.ogg"
            file.write_bytes(voice)
            text = f"@{file}"
        os.write(self._typed, f"{text}\n".encode())

    async def texts(self) -> list[str]:
        return [line for line in self._sink.getvalue().splitlines() if line and not line.startswith("♪")]


class FakePlace:
    here, gone = ChannelKey("telegram", "42:7"), MediaRef("audio", "gone")
    nonce_chars = None

    def __init__(self) -> None:
        self.platform = FakePlatform()
        self.platform.admins.add("7")
        self._said = 0

    @property
    def activities(self) -> int:
        return len(self.platform.typed)

    async def ready(self) -> None:
        pass

    async def say(self, text: str, voice: bytes = b"") -> None:
        self._said += 1
        media = (MediaRef("audio", "note"),) if voice else ()
        if voice:
            self.platform.files["note"] = voice
        message = Message(str(self._said), self.here, Person("7", "Ann"), clock.now(), text, media, ref=str(self._said))
        self.platform.told.put_nowait(message)

    async def texts(self) -> list[str]:
        return self.platform.texts(self.here)


@asynccontextmanager
async def on_telegram(_: Store, __: Path) -> AsyncGenerator[Place]:
    async with TelegramServer() as server:
        yield TelegramPlace(server)


@asynccontextmanager
async def on_discord(_: Store, __: Path) -> AsyncGenerator[Place]:
    server = DiscordServer()
    await server.start()
    try:
        yield DiscordPlace(server)
    finally:
        await server.stop()


@asynccontextmanager
async def on_the_web(store: Store, _: Path) -> AsyncGenerator[Place]:
    async with store.redis.pubsub() as wire:
        await wire.subscribe(keys.wire(WebPlace.here))
        yield WebPlace(web_platform(Script(store), "127.0.0.1", 0), wire)


@asynccontextmanager
async def in_a_terminal(_: Store, folder: Path) -> AsyncGenerator[Place]:
    yield ConsolePlace(folder)


@asynccontextmanager
async def in_memory(_: Store, __: Path) -> AsyncGenerator[Place]:
    yield FakePlace()


PLACES = {
    "telegram": on_telegram,
    "discord": on_discord,
    "web": on_the_web,
    "console": in_a_terminal,
    "fake": in_memory,
}
