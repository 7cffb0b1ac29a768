"""Telegram's own ways of commanding, quoting and answering one person alone, through the real client."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from bots.locales import Phrases
from core.turns.commands import COMMANDS
from core.values.channel import ChannelKey, Person, Quote
from core.values.events import Message
from core.values.parts import TextPart
from tests.platforms.telegram_server import ANN, BOB, BOT, FORUM, GROUP, Json, Sent, TelegramServer
from tests.support.telegram_inbox import HERE, Inbox, heard, listening, platform

FRIENDS = ChannelKey("telegram", "42:-1001")
ANSWER = Sent(55, GROUP["id"], None, "an answer", b"", 0, None, ())


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


async def messages(telegram: TelegramServer, count: int) -> list[Message]:
    return [event for event in await heard(telegram, count) if isinstance(event, Message)]


async def menu_told(telegram: TelegramServer) -> None:
    async with listening(platform(telegram), Inbox()), asyncio.timeout(10):
        while len(telegram.chats.told) < 4:
            await asyncio.sleep(0.01)
        await telegram.wait_quiet(0.2)


@pytest.mark.slow
async def test_the_menu_is_told_in_each_language_and_only_when_it_changed(telegram: TelegramServer):
    await menu_told(telegram)
    everywhere, private = "default", "all_private_chats"
    assert sorted(telegram.chats.told) == sorted(
        (scope, code) for scope in (everywhere, private) for code in ("", "zh")
    )
    english, chinese = (telegram.chats.menus[everywhere, code] for code in ("", "zh"))
    assert [command["command"] for command in english] == [command.name for command in COMMANDS.offered]
    assert chinese[0] == {"command": "help", "description": Phrases().command("help", "zh-Hans")}
    assert "settings" not in {command["command"] for command in telegram.chats.menus[private, ""]}

    telegram.chats.menus[everywhere, "zh"] = chinese[1:]
    telegram.chats.told.clear()
    telegram.say("hello")
    await heard(telegram, 1)
    assert telegram.chats.told == [(everywhere, "zh")]


async def test_a_menu_that_is_refused_does_not_keep_parley_from_listening(
    telegram: TelegramServer, caplog: pytest.LogCaptureFixture
):
    telegram.fail("getMyCommands", 429, "Too Many Requests: retry after 300", retry_after=300)
    telegram.say("hello")
    with caplog.at_level(logging.WARNING, "parley.telegram"):
        assert len(await heard(telegram, 1)) == 1
    assert "the menu of commands was not told: RetryAfter" in caplog.text
    assert not telegram.chats.told


async def test_commands_of_other_bots_are_theirs(telegram: TelegramServer):
    telegram.say("/help@another_bot", chat=GROUP)
    telegram.say("/status@another_bot", chat=GROUP, reply_to=ANSWER)
    telegram.say("/weather", chat=GROUP)
    telegram.say("/weather@parley_bot", chat=GROUP)
    telegram.say("/weather")
    telegram.say("/Status", chat=GROUP)
    found = [(message.text, message.addressed) for message in await messages(telegram, 4)]
    assert found == [("/weather", False), ("/weather@parley_bot", True), ("/weather", True), ("/Status", True)]


async def test_a_voice_note_in_a_group_may_turn_out_to_be_for_parley(telegram: TelegramServer):
    note = telegram.voice(b"ogg")
    telegram.say(chat=GROUP, voice=note)
    telegram.say(chat=GROUP, voice=note, reply_to=ANSWER)
    telegram.say(chat=GROUP, audio=note)
    telegram.say(voice=note)
    aside, reply, song, private = await messages(telegram, 4)
    assert (aside.addressed, aside.bot_names) == (False, ("Parley", "parley_bot", "parley"))
    assert (reply.addressed, reply.bot_names) == (True, ())
    assert (song.addressed, song.bot_names) == (False, ())
    assert (private.addressed, private.bot_names) == (True, ())


async def test_what_a_message_answers_comes_with_it(telegram: TelegramServer):
    note = telegram.voice(b"ogg")
    said = telegram.say("the train leaves at nine", chat=GROUP, user=BOB)
    spoken = telegram.say(chat=GROUP, user=BOB, voice=note)
    telegram.say("@parley_bot when?", chat=GROUP, reply_to=said)
    telegram.say("/transcribe", chat=GROUP, reply_to=spoken)
    telegram.say("why?", chat=GROUP, reply_to=ANSWER)
    telegram.say("@parley_bot nine?", chat=GROUP, reply_to=said, quote={"text": "at nine", "position": 17})
    _, _, when, transcribe, why, nine = await messages(telegram, 6)
    assert when.quote == Quote("Bob Li", "the train leaves at nine", ref=str(said["message"]["message_id"]), person="8")
    assert transcribe.quote is not None
    assert [media.handle for media in transcribe.quote.media] == [note["file_id"]]
    assert why.quote == Quote("Parley", "an answer", own=True, ref=str(ANSWER.id), person="42")
    assert nine.quote == Quote("Bob Li", "at nine", person="8")


async def test_a_quote_from_another_chat_and_the_opening_of_a_topic(telegram: TelegramServer):
    origin: Json = {"type": "user", "date": 1, "sender_user": BOB}
    elsewhere: Json = {"origin": origin, "voice": telegram.voice(b"ogg")}
    telegram.say("@parley_bot what is this?", chat=GROUP, external_reply=elsewhere)
    opening: Json = {"message_id": 33, "date": 1, "chat": FORUM, "from": BOT}
    opening["forum_topic_created"] = {"name": "Plans", "icon_color": 1}
    telegram.say("nobody asked", chat=FORUM, topic=33, reply_to={"message": opening})
    shared, topic = await messages(telegram, 2)
    assert shared.quote is not None
    assert (shared.quote.speaker, len(shared.quote.media), shared.quote.own) == ("Bob Li", 1, False)
    assert (topic.quote, topic.addressed) == (None, False)


async def test_the_button_to_try_again_is_the_command_where_it_was_pressed(telegram: TelegramServer):
    telegram.press(Sent(7, FORUM["id"], 33, "an answer", b"", 0, None, ()), "/retry", user=BOB)
    (again,) = await messages(telegram, 1)
    assert (again.text, again.ref, again.group, again.addressed) == ("/retry", "7", True, True)
    assert again.channel == ChannelKey("telegram", "42:-1002", "33")
    assert again.sender == Person("8", "Bob Li", "zh-hans")
    assert again.quote == Quote("", "an answer", own=True, ref="7")
    assert telegram.thanked == [("c7/retry", "")]


async def test_what_is_for_one_person_goes_to_their_own_chat(telegram: TelegramServer):
    bot, topic = platform(telegram), ChannelKey("telegram", "42:-1002", "33")
    assert await bot.send(TextPart("42:1", 0, topic, "secret", reply_to="9", private_to="7")) == ""
    (sent,) = telegram.sent
    assert (sent.chat, sent.topic, sent.text, sent.reply_to) == (ANN["id"], None, "secret", None)


async def test_whose_own_chat_is_closed_is_told_how_to_open_it(telegram: TelegramServer):
    telegram.chats.closed.add(7)
    private = TextPart("42:1", 0, FRIENDS, "secret", reply_to="9", language="zh-Hans", private_to="7")
    assert await platform(telegram).send(private) == ""
    (sent,) = telegram.sent
    assert (sent.chat, sent.reply_to) == (GROUP["id"], 9)
    assert sent.text == Phrases().say("write_privately_first", "zh-Hans")


async def test_who_looks_after_a_chat(telegram: TelegramServer):
    bot, ann, bob = platform(telegram), Person("7", "Ann"), Person("8", "Bob")
    telegram.chats.admins.add((GROUP["id"], 8))
    assert [await bot.administers(FRIENDS, who) for who in (ann, bob)] == [False, True]
    assert await bot.administers(HERE, ann)
