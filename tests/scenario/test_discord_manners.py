"""Commands and manners on Discord, through the whole product; the model repeats what it is shown."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bots.locales import Phrases
from core.speech.synthesis import Speaking
from core.speech.voices.builtin import BuiltinVoice
from core.store.redis import open_store
from core.turns.commands import COMMANDS
from tests.fault.model_server import MODEL, ModelServer
from tests.platforms.discord_payloads import ALICE, BOB, DM, GENERAL, ROBOT, SentMessage
from tests.platforms.discord_server import DiscordServer
from tests.scenario.product import running

KNOWN = Phrases()


@dataclass
class World:
    """A Discord, what was asked of the model, and the data folder."""

    discord: DiscordServer
    model: ModelServer
    data: Path

    async def answer(self, text: str, **more: object) -> SentMessage:
        """Say something and wait for the one message that it leads to, as it is in the end."""
        count = len(self.discord.sent)
        await self.discord.say(text, **more)  # pyright: ignore[reportArgumentType]
        await self.discord.wait_sent(count + 1)
        await self.discord.wait_quiet(0.3)
        assert len(self.discord.sent) == count + 1
        sent = self.discord.sent[-1]
        return replace(sent, content=self.discord.messages[sent.id]["content"])

    async def under(self, token: str) -> str:
        """What stands under a command when it is answered."""
        given = self.discord.interactions.given[token]
        async with asyncio.timeout(20):
            while not given.texts or given.texts[0].endswith(" …"):
                await asyncio.sleep(0.01)
        return "".join(given.texts)

    async def command(self, name: str, choice: str = "", **more: str) -> str:
        """Give a slash command; returns what stands under it."""
        return await self.under(await self.discord.interactions.command(name, choice, **more))


@pytest.fixture(params=[True])
async def world(data: Path, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """With the message content intent or without, and with a name for the bot that the small ASR model can hear."""
    discord = DiscordServer()
    discord.events.message_content, discord.events.nick = request.param, "Alice"
    await discord.start()
    try:
        async with ModelServer() as model:
            settings = {
                "DISCORD_TOKEN": discord.token,
                "DISCORD_API_BASE": discord.api,
                "DISCORD_GATEWAY": discord.gateway,
            }
            async with running(data, LM_URL=model.base, LM_MODEL=MODEL, **settings) as product:
                await discord.wait_ready(120)
                yield World(discord, model, data)
            secrets = (discord.token, "Traceback", *discord.interactions.given)
            assert not [line for line in product.log if any(secret in line for secret in secrets)], product.log
    finally:
        await discord.stop()


async def _spoken(text: str) -> bytes:
    speaking = Speaking(BuiltinVoice())
    note = await speaking.speak(text, "en")
    await speaking.close()
    return note.ogg


async def test_each_command_is_offered_and_answered_under_it(world: World):
    assert (await world.answer("Hello")).content == "You said: Hello"
    assert set(world.discord.interactions.commands()) == {command.name for command in COMMANDS}
    trouble = {KNOWN.say(key, "en") for key in ("unknown_command", "went_wrong", "unavailable")}
    for name in (command.name for command in COMMANDS):
        assert await world.command(name) not in trouble, name
    assert await world.command("frobnicate") == KNOWN.say("unknown_command", "en")
    assert "zh-Hans" in await world.command("language", "zh", locale="zh-CN")
    await world.discord.wait_quiet()
    assert len(world.discord.interactions.registered) == 1
    assert len({id for id, _ in world.discord.reactions}) == 0


async def test_another_answer_grows_under_the_command(world: World):
    await world.answer("Hello")
    world.model.word_s = 1.0
    token = await world.discord.interactions.command("retry")
    given = world.discord.interactions.given[token]
    assert await world.under(token) == "You said: Hello"
    assert given.original is not None
    assert world.discord.shown(DM[ALICE]) == ["You said: Hello"] * 2
    await world.discord.react(given.original["id"], ALICE, "👍")
    await world.discord.wait_quiet(0.3)


async def test_line_14_servers_are_silent_unless_spoken_to(world: World):
    discord = world.discord
    await discord.say("nothing to do with you", channel=GENERAL)
    await discord.say("@everyone look", channel=GENERAL)
    await discord.say("hi", author=ROBOT, channel=GENERAL, mention=True)
    await discord.voice(await _spoken("What can you do?"), author=BOB, channel=GENERAL)
    await discord.wait_quiet(2)
    assert not discord.sent
    await discord.voice(await _spoken("Hello, my name is Alice."), author=BOB, channel=GENERAL)
    words, bubble = await discord.wait_sent(2)
    assert "alice" in words.content.lower()
    assert bubble.voice
    await discord.wait_quiet()
    assert "and you?" in (await world.answer("and you?", channel=GENERAL, reply_to=words.id)).content


async def test_only_who_looks_after_a_server_lets_parley_answer_everything(world: World):
    everything = {"name": "settings", "choice": "answer-everything", "channel": GENERAL}
    assert await world.command(**everything, author=BOB) == KNOWN.say("only_admins", "en")
    assert "everything" in await world.command(**everything)
    assert "good morning" in (await world.answer("good morning", author=BOB, channel=GENERAL)).content
    await world.command("settings", "thumbs-on", channel=GENERAL)
    noon = await world.answer("good noon", author=BOB, channel=GENERAL)
    assert world.discord.reactions == [(noon.id, "👍"), (noon.id, "👎")]
    await world.command("settings", "answer-mentions", channel=GENERAL)
    count = len(world.discord.sent)
    await world.discord.say("good night", author=BOB, channel=GENERAL)
    await world.discord.wait_quiet(1)
    assert len(world.discord.sent) == count


async def test_what_is_replied_to_reaches_the_prompt(world: World):
    train = await world.discord.say("the train leaves at nine", author=BOB, channel=GENERAL)
    await world.answer("when?", channel=GENERAL, mention=True, reply_to=train)
    (asked,) = world.model.asked
    assert "the train leaves at nine" in asked.said
    assert "Bob" in asked.said


async def test_what_is_private_is_seen_by_its_reader_alone_and_its_token_is_not_kept(world: World):
    await world.answer("Hello", channel=GENERAL, mention=True)
    status = await world.command("status", channel=GENERAL, author=BOB)
    await world.discord.wait_quiet(0.3)
    assert world.discord.interactions.asides(BOB) == [status]
    assert world.discord.shown(GENERAL) == ["You said: Alice: Hello"]
    token = await world.discord.interactions.command("retry", channel=GENERAL)
    await world.under(token)
    await world.discord.wait_quiet(0.3)
    async with open_store("", world.data / "d") as store:
        kept = [value async for key in store.redis.scan_iter("*") for value in await values(store.redis, key)]
    assert any(b"Hello" in value for value in kept)
    assert not [value for value in kept if token.encode() in value]


async def values(redis: Any, key: bytes) -> list[bytes]:
    """Everything that lies under a key."""
    match await redis.type(key):
        case b"string":
            return [key, await redis.get(key)]
        case b"list":
            return [key, *await redis.lrange(key, 0, -1)]
        case b"hash":
            return [key, *(await redis.hgetall(key)).values()]
        case _:
            return [key, *await redis.zrange(key, 0, -1)]


@pytest.mark.parametrize("world", [False], indirect=True)
async def test_a_voice_message_is_written_down_without_the_message_content_intent(world: World):
    note = await world.discord.voice(await _spoken("What can you do?"), author=BOB, channel=GENERAL)
    written = await world.under(await world.discord.interactions.choose("Transcribe", note))
    assert written.lower() == "🎧 “what can you do”"
    assert world.discord.interactions.asides(ALICE) == [written]
    assert world.discord.sent == []
