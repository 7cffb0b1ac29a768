"""One suite over every chat platform: whatever speaks to a worker must behave like this."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from bots.discord_bot.platform import DiscordPlatform
from bots.locales import Phrases
from bots.telegram_bot.platform import TelegramPlatform
from core.errors import PermanentError, UserError
from core.platform import Platform
from core.text.splitting import units
from core.values.attachments import VoiceNote
from core.values.channel import ChannelKey, MediaRef
from core.values.events import Message, PlatformEvent
from core.values.parts import NoticePart, TextPart, VoicePart
from core.values.turn import Activity
from tests.platforms.discord_payloads import ALICE, DM
from tests.platforms.discord_server import DiscordServer
from tests.platforms.telegram_server import TelegramServer

NOTE = VoiceNote(b"OggS" + b"\0" * 100, 1.2, b"\1\2")


@dataclass
class Place:
    """A platform, its local server seen through the same eyes, and a channel that exists there."""

    platform: Platform
    server: Any
    here: ChannelKey
    gone: MediaRef

    async def say(self, text: str, voice: bytes = b"") -> None:
        if isinstance(self.server, TelegramServer):
            media: dict[str, Any] = {"voice": self.server.voice(voice)} if voice else {}
            self.server.say(text, **media)
        elif voice:
            await self.server.voice(voice)
        else:
            await self.server.say(text)

    def texts(self) -> list[str]:
        return [sent.text if isinstance(self.server, TelegramServer) else sent.content for sent in self.server.sent]


@pytest.fixture(params=["telegram", "discord"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    if request.param == "telegram":
        async with TelegramServer() as telegram:
            bot = TelegramPlatform(telegram.token, api_base=telegram.base, phrases=Phrases())
            yield Place(bot, telegram, ChannelKey("telegram", "42:7"), MediaRef("audio", "gone"))
    else:
        discord = DiscordServer()
        await discord.start()
        bot = DiscordPlatform(discord.token, api_base=discord.api, gateway=discord.gateway, phrases=Phrases())
        yield Place(bot, discord, ChannelKey("discord", DM[ALICE]), MediaRef("audio", f"{DM[ALICE]}/1/2"))
        await discord.stop()


async def listened(place: Place, count: int, voice: bytes = b"") -> list[PlatformEvent]:
    events: list[PlatformEvent] = []

    async def accept(event: PlatformEvent) -> bool:
        events.append(event)
        return True

    task = asyncio.create_task(place.platform.listen(accept))
    if isinstance(place.server, DiscordServer):
        await place.server.wait_ready()
    for number in range(count):
        await place.say("" if voice else f"message {number}", voice)
    async with asyncio.timeout(20):
        while len(events) < count:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return events


async def test_messages_arrive_in_order_with_ids_that_differ(place: Place):
    events = await listened(place, 5)
    messages = [event for event in events if isinstance(event, Message)]
    assert [message.text for message in messages] == [f"message {number}" for number in range(5)]
    assert len({message.id for message in messages}) == 5
    for message in messages:
        assert message.channel == place.here
        assert ChannelKey.parse(str(message.channel)) == message.channel
        assert len(f"{message.id}-99") <= 25
        assert message.sent_at > 1e9
        assert not message.group


async def test_each_part_has_an_id_of_its_own(place: Place):
    refs = [
        await place.platform.send(TextPart("900", 0, place.here, "one", rateable=True)),
        await place.platform.send(VoicePart("900", 1, place.here, NOTE)),
        await place.platform.send(NoticePart("901", 0, place.here, "two")),
    ]
    assert len(set(refs)) == 3
    assert all(refs)
    assert place.texts() == ["one", "", "two"]


async def test_a_text_as_long_as_the_limit_fits(place: Place):
    text = "😀" * (place.platform.limits.text_units // 2)
    assert units(text) == place.platform.limits.text_units
    await place.platform.send(TextPart("900", 0, place.here, text))
    assert place.texts() == [text]


@pytest.mark.parametrize("activity", ["typing", "recording"])
async def test_signs_work_and_nothing_is_sent(place: Place, activity: Activity):
    await place.platform.typing(place.here, activity)
    assert len(place.server.typed if isinstance(place.server, TelegramServer) else place.server.typing) == 1
    assert place.texts() == []


async def test_a_file_arrives_whole_or_is_told_as_too_big_or_gone(place: Place):
    (event,) = await listened(place, 1, voice=NOTE.ogg)
    assert isinstance(event, Message)
    (media,) = event.media
    assert await place.platform.fetch(media, 1000) == NOTE.ogg
    with pytest.raises(UserError, match="file_too_big"):
        await place.platform.fetch(media, 50)
    with pytest.raises(PermanentError):
        await place.platform.fetch(place.gone, 1000)
