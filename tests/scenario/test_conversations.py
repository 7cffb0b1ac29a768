"""The whole product as a child process, on the shipped models, against a local Telegram and a local Discord."""

import asyncio
import io
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from core.feedback.ratings import Feedback
from core.lanes.lanes import Lanes
from core.speech import audio
from core.speech.synthesis import Speaking
from core.speech.voices.builtin import BuiltinVoice
from core.store.redis import open_store
from core.values.channel import ChannelKey
from tests.platforms.discord_payloads import ALICE, BOB, DM, GENERAL, THREAD
from tests.platforms.discord_server import DiscordServer
from tests.platforms.telegram_server import ANN, FORUM, GROUP, TelegramServer
from tests.platforms.telegram_server import BOB as BEN
from tests.scenario.product import Product, running


@dataclass
class World:
    """Both platforms and the product that joined them."""

    product: Product
    telegram: TelegramServer
    discord: DiscordServer
    data: Path

    async def ratings(self, channel: ChannelKey) -> dict[tuple[str, str], int]:
        """What is counted in a channel: (what was said, person) -> rating."""
        async with open_store("", self.data / "d") as store:
            found = await Feedback(store).ratings(channel)
            turns = {turn.id: turn.said for turn in (await Lanes(store).dialogue(channel)).turns}
        return {(turns[turn], person): rating.rating for (turn, person), rating in found.items()}

    async def rated(self, channel: ChannelKey, expected: dict[tuple[str, str], int]) -> None:
        """Wait for these ratings and no others."""
        async with asyncio.timeout(20):
            while await self.ratings(channel) != expected:
                await asyncio.sleep(0.05)


@pytest.fixture
async def world(data: Path) -> AsyncIterator[World]:
    discord = DiscordServer()
    await discord.start()
    try:
        async with (
            TelegramServer() as telegram,
            running(
                data,
                TELEGRAM_TOKEN=telegram.token,
                TELEGRAM_API_BASE=telegram.base,
                DISCORD_TOKEN=discord.token,
                DISCORD_API_BASE=discord.api,
                DISCORD_GATEWAY=discord.gateway,
            ) as product,
        ):
            await discord.wait_ready()
            yield World(product, telegram, discord, data)
        assert not [line for line in product.log if telegram.token in line or discord.token in line]
        assert not [line for line in product.log if "Traceback" in line], "\n".join(product.log)
    finally:
        await discord.stop()


@pytest.fixture(scope="module")
def spoken_name() -> bytes:
    return asyncio.run(_spoken("Hello, my name is Alice."))


async def _spoken(text: str) -> bytes:
    speaking = Speaking(BuiltinVoice())
    note = await speaking.speak(text, "en")
    await speaking.close()
    return note.ogg


async def test_telegram_text_voice_group_topic_and_reactions(world: World, spoken_name: bytes):
    telegram, here = world.telegram, ChannelKey("telegram", "42:7")
    telegram.say("Hello!")
    (hello,) = await telegram.wait_sent(1)
    assert hello.text
    assert hello.buttons == ("👍", "👎", "↻")

    telegram.say(voice=telegram.voice(spoken_name))
    _, words, bubble = await telegram.wait_sent(3)
    assert words.text.startswith("🎧 “")
    assert "alice" in words.text.lower()
    assert len(audio.decode(bubble.voice, max_s=60)) > audio.SAMPLE_RATE_HZ / 2
    assert bubble.duration >= 1

    telegram.say("not for the bot", chat=GROUP)
    telegram.say("hi @parley_bot", chat=GROUP, user=BEN)
    telegram.say("hi @parley_bot", chat=FORUM, topic=33)
    await telegram.wait_sent(5)
    sent = await telegram.wait_quiet()
    assert len(sent) == 5
    group, topic = sorted(sent[3:], key=lambda message: message.chat, reverse=True)
    assert (group.chat, group.topic) == (GROUP["id"], None)
    assert (topic.chat, topic.topic) == (FORUM["id"], 33)
    assert group.reply_to is not None

    said = "hello my name is alice"
    telegram.react(bubble, new=["👍"])
    heard = next(turn for turn, _ in await _first_rating(world, here))
    assert heard.lower().split()[-1].rstrip(".") == "alice" or heard == said
    telegram.react(bubble, old=["👍"], new=["👎"])
    await world.rated(here, {(heard, "7"): -1})
    telegram.react(bubble, old=["👎"])
    await world.rated(here, {})
    telegram.press(hello, "👍")
    await world.rated(here, {("Hello!", "7"): 1})
    telegram.react(topic, new=["👍"], user=BEN)
    await world.rated(ChannelKey("telegram", "42:-1002", "33"), {("hi", "8"): 1})


async def _first_rating(world: World, channel: ChannelKey) -> dict[tuple[str, str], int]:
    async with asyncio.timeout(20):
        while not (found := await world.ratings(channel)):
            await asyncio.sleep(0.05)
    return found


async def test_discord_text_voice_mention_thread_and_reactions(world: World, spoken_name: bytes):
    discord = world.discord
    await discord.say("Hello!")
    (hello,) = await discord.wait_sent(1)
    assert hello.content

    await discord.voice(spoken_name)
    _, words, bubble = await discord.wait_sent(3)
    assert "alice" in words.content.lower()
    assert len(audio.decode(bubble.voice, max_s=60)) > audio.SAMPLE_RATE_HZ / 2
    assert bubble.duration_s is not None
    assert bubble.duration_s > 0.3
    assert bubble.flags & 8192

    await discord.say("not for the bot", author=BOB, channel=GENERAL)
    await discord.say("hi", author=BOB, channel=GENERAL, mention=True)
    await discord.say("hi", author=BOB, channel=THREAD, mention=True)
    await discord.wait_sent(5)
    await discord.wait_quiet(0.5)
    assert sorted(message.channel for message in discord.sent[3:]) == sorted([GENERAL, THREAD])
    assert len(discord.sent) == 5

    here = ChannelKey("discord", DM[ALICE])
    await discord.react(hello.id, ALICE, "👍🏽")
    await world.rated(here, {("Hello!", ALICE): 1})
    await discord.react(hello.id, ALICE, "👎")
    await world.rated(here, {("Hello!", ALICE): -1})
    await discord.react(hello.id, ALICE, "👎", add=False)
    await discord.react(hello.id, ALICE, "👍🏽", add=False)
    await world.rated(here, {})
    await discord.react(hello.id, ALICE, "party:123")
    await discord.react(hello.id, ALICE, "🤔")
    await world.rated(here, {("Hello!", ALICE): 0})


async def test_pain_08_bad_files_get_one_sentence_each_and_nothing_is_blocked(world: World, spoken_name: bytes):
    telegram = world.telegram
    silence = audio.encode_ogg_opus(np.zeros(32_000, np.float32), audio.SAMPLE_RATE_HZ)
    sentences: dict[str, tuple[dict[str, Any], str]] = {
        "broken": (dict(voice=telegram.voice(b"OggS" + bytes(range(256)) * 20)), "OGG, MP3"),
        "empty": (dict(voice=telegram.voice(b"")), "0 bytes"),
        "silent": (dict(voice=telegram.voice(silence)), "could not hear"),
        "30 MB": (dict(voice=telegram.voice(b"x" * (30 * 2**20))), "too big"),
        "30 MB, not said": (dict(voice=telegram.voice(b"x" * (30 * 2**20), claimed_size=1)), "too big"),
        "3 hours": (dict(voice=telegram.voice(spoken_name, duration=3 * 3600)), "10 minutes"),
        "video named .ogg": (dict(document={**telegram.voice(_silent_film()), "file_name": "a.ogg"}), "no sound"),
        "image": (dict(photo=telegram.photo(b"jpg")), "pictures"),
        "sticker": (dict(document={**telegram.voice(b"%PDF"), "mime_type": "application/pdf"}), "this kind of file"),
    }
    for number, (what, (media, says)) in enumerate(sentences.items(), 1):
        telegram.say(**media)
        sent = await telegram.wait_sent(number)
        assert says in sent[-1].text, what
        assert sent[-1].text.count("\n") == 0
    telegram.say("word " * 800 + "Hello!", user=BEN, chat={"id": 8, "type": "private"})
    telegram.say("Hello!")
    await telegram.wait_sent(len(sentences) + 2)
    sent = await telegram.wait_quiet()
    assert len(sent) == len(sentences) + 2
    assert {message.chat for message in sent[-2:]} == {7, 8}


def _silent_film() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    return out.getvalue()


async def test_200_messages_to_50_channels_are_each_answered_once_in_order(world: World):
    telegram = world.telegram
    chats = [{"id": 1000 + number, "type": "private", "first_name": f"P{number}"} for number in range(50)]
    for number in range(4):
        for chat in chats:
            telegram.say(
                f"/unknown_{'abcd'[number]}" if number % 2 else "Hello!", chat=chat, user={**ANN, "id": chat["id"]}
            )
    await telegram.wait_sent(200, seconds=240)
    sent = await telegram.wait_quiet()
    assert len(sent) == 200
    by_chat: dict[int, list[bool]] = defaultdict(list)
    for message in sent:
        by_chat[message.chat].append("/help" in message.text)
    assert all(kinds == [False, True, False, True] for kinds in by_chat.values())
    assert len(by_chat) == 50
