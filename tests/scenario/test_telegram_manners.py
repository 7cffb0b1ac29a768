"""Commands and manners on Telegram, through the whole product; the model repeats what it is shown."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bots.locales import Phrases
from core.speech.synthesis import Speaking
from core.speech.voices.builtin import BuiltinVoice
from core.turns.commands import COMMANDS
from tests.fault.model_server import MODEL, ModelServer
from tests.platforms.telegram_server import ANN, BOB, GROUP, Json, Sent, TelegramServer
from tests.scenario.product import running

NAME = "Alice"
"""What the bot is called here: a name that the small model that ships can hear."""
KNOWN = Phrases()


@dataclass
class World:
    """A Telegram, and what was asked of the model."""

    telegram: TelegramServer
    model: ModelServer

    async def answer(self, text: str = "", **more: object) -> Sent:
        """Say something and wait for the one message that it leads to."""
        count = len(self.telegram.sent)
        self.telegram.say(text, **more)  # pyright: ignore[reportArgumentType]
        await self.telegram.wait_sent(count + 1)
        sent = await self.telegram.wait_quiet(0.3)
        assert len(sent) == count + 1, [each.text for each in sent[count:]]
        return sent[-1]


@pytest.fixture
async def world(data: Path) -> AsyncIterator[World]:
    async with ModelServer() as model, TelegramServer(name=NAME) as telegram:
        settings = {"TELEGRAM_TOKEN": telegram.token, "TELEGRAM_API_BASE": telegram.base}
        async with running(data, LM_URL=model.base, LM_MODEL=MODEL, **settings) as product:
            yield World(telegram, model)
        assert not [line for line in product.log if telegram.token in line or "Traceback" in line], product.log


async def _spoken(text: str) -> bytes:
    speaking = Speaking(BuiltinVoice())
    note = await speaking.speak(text, "en")
    await speaking.close()
    return note.ogg


async def test_each_command_is_in_the_menu_and_answered(world: World):
    hello = await world.answer("Hello")
    assert hello.text == "You said: Hello"
    said = {command["command"] for command in world.telegram.chats.menus["default", ""]}
    assert said == {command.name for command in COMMANDS.offered}
    trouble = {KNOWN.say(key, "en") for key in ("unknown_command", "went_wrong", "unavailable")}
    for name in (command.name for command in COMMANDS):
        assert (await world.answer(f"/{name}")).text not in trouble, name
    assert (await world.answer("/frobnicate")).text == KNOWN.say("unknown_command", "en")
    assert "auto, always, never" in (await world.answer("/voice loudly")).text


async def test_the_button_under_an_answer_asks_for_another_one(world: World):
    hello = await world.answer("Hello")
    world.telegram.press(hello, "/retry")
    _, again = await world.telegram.wait_sent(2)
    assert again.text == "You said: Hello"
    assert world.model.times_asked("Hello") == 2


async def test_line_14_groups_are_silent_unless_spoken_to(world: World):
    telegram = world.telegram
    robot: Json = {"id": 5, "is_bot": True, "first_name": "Robot"}
    note = telegram.voice(await _spoken("Hello, my name is Alice."))
    telegram.say("nothing to do with you", chat=GROUP)
    telegram.say("/help@another_bot", chat=GROUP)
    telegram.say("@everyone look", chat=GROUP)
    telegram.say("hi @parley_bot", chat=GROUP, user=robot)
    telegram.say(chat=GROUP, voice=telegram.voice(await _spoken("What can you do?")))
    assert not await telegram.wait_quiet(2)
    telegram.say(chat=GROUP, voice=note)
    words, _ = await telegram.wait_sent(2)
    assert "alice" in words.text.lower()
    assert words.reply_to is not None
    await telegram.wait_quiet()
    reply = await world.answer("and you?", chat=GROUP, user=BOB, reply_to=words)
    assert "and you?" in reply.text


async def test_only_who_looks_after_a_group_lets_parley_answer_everything(world: World):
    everything = "/settings answer-everything"
    assert (await world.answer(everything, chat=GROUP)).text == KNOWN.say("only_admins", "en")
    world.telegram.chats.admins.add((GROUP["id"], BOB["id"]))
    assert "我回答" in (await world.answer(everything, chat=GROUP, user=BOB)).text
    assert "good morning" in (await world.answer("good morning", chat=GROUP)).text
    await world.answer("/settings answer-mentions", chat=GROUP, user=BOB)
    world.telegram.say("good night", chat=GROUP)
    assert "good night" not in (await world.telegram.wait_quiet(1))[-1].text


async def test_what_is_replied_to_reaches_the_prompt(world: World):
    train = world.telegram.say("the train leaves at nine", chat=GROUP, user=BOB)
    await world.answer("@parley_bot when?", chat=GROUP, reply_to=train)
    (asked,) = world.model.asked
    assert "the train leaves at nine" in asked.said
    assert "Bob" in asked.said
    note = world.telegram.say(chat=GROUP, voice=world.telegram.voice(await _spoken("What can you do?")))
    written = await world.answer("/transcribe", chat=GROUP, user=BOB, reply_to=note)
    assert (written.chat, written.text.lower()) == (BOB["id"], "🎧 “what can you do”")


async def test_what_is_private_is_said_in_private_or_how_to_get_there(world: World):
    world.telegram.chats.closed.add(BOB["id"])
    assert (await world.answer("/status", chat=GROUP, user=ANN)).chat == ANN["id"]
    told = await world.answer("/status", chat=GROUP, user=BOB)
    assert (told.chat, told.text) == (GROUP["id"], KNOWN.say("write_privately_first", "zh-hans"))
