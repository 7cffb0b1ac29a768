"""The real python-telegram-bot against a local Telegram over a real socket."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bots.locales import Phrases
from bots.telegram_bot.platform import TelegramPlatform
from core.errors import PermanentError, RetryableError, SettingError, UserError, VoiceForbidden
from core.values.attachments import VoiceNote
from core.values.channel import ChannelKey, MediaRef
from core.values.events import Edit, Message, Move, Reaction
from core.values.parts import TextPart, VoicePart
from tests.platforms.telegram_server import BOB, FORUM, GROUP, PRIVATE, TOKEN, Sent, TelegramServer
from tests.support.telegram_inbox import HERE, Inbox, heard, listening, platform


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


async def test_a_private_message(telegram: TelegramServer):
    update = telegram.say("hello there")
    (message,) = await heard(telegram, 1)
    assert isinstance(message, Message)
    assert message.id == f"42:{update['update_id']}"
    assert message.channel == HERE
    assert (message.sender.id, message.sender.name, message.sender.language) == ("7", "Ann", "en")
    assert (message.text, message.group, message.ref) == ("hello there", False, "1")


async def test_groups_are_answered_only_when_addressed(telegram: TelegramServer):
    answer = Sent(999, GROUP["id"], None, "an answer", b"", 0, None, ())
    telegram.say("nobody asked you", chat=GROUP)
    telegram.say("/help@another_bot", chat=GROUP)
    telegram.say("@parley_bottle hi", chat=GROUP)
    telegram.say("hi 😀 @Parley_bot what is this", chat=GROUP, user=BOB)
    telegram.say("and that?", chat=GROUP, reply_to=answer)
    telegram.say("/help", chat=GROUP)
    telegram.say("/help@parley_bot", chat=GROUP)
    events = await heard(telegram, 6)
    messages = [event for event in events if isinstance(event, Message)]
    assert [message.text for message in messages if not message.addressed] == ["nobody asked you", "@parley_bottle hi"]
    messages = [message for message in messages if message.addressed]
    assert [message.text.split()[0] for message in messages] == ["hi", "and", "/help", "/help@parley_bot"]
    assert messages[0].mentions == (("@Parley_bot", ""),)
    assert messages[0].sender.name == "Bob Li"
    assert all(message.group for message in messages)


async def test_a_topic_is_a_channel_and_a_reply_chain_is_not(telegram: TelegramServer):
    telegram.say("@parley_bot hi", chat=FORUM, topic=33)
    telegram.say("@parley_bot hi", chat=GROUP, message_thread_id=12)
    events = await heard(telegram, 2)
    assert [event.channel for event in events] == [
        ChannelKey("telegram", "42:-1002", "33"),
        ChannelKey("telegram", "42:-1001"),
    ]


async def test_media_stay_references_and_captions_are_text(telegram: TelegramServer):
    note = telegram.voice(b"ogg", 5)
    for field in ("voice", "audio", "video_note", "video"):
        extra = {"width": 1, "height": 1} if field == "video" else {}
        media: dict[str, Any] = {field: {**note, **extra}}
        telegram.say("look", **media)
    telegram.say(photo=telegram.photo(b"jpg"))
    telegram.say(document={"file_id": "D", "file_unique_id": "D", "mime_type": "application/pdf", "file_name": "a.pdf"})
    telegram.say(document={"file_id": "E", "file_unique_id": "E", "mime_type": "image/png"})
    telegram.say(new_chat_title="a service message")
    events = await heard(telegram, 7)
    messages = [event for event in events if isinstance(event, Message)]
    assert [message.media[0].kind for message in messages] == ["audio"] * 4 + ["image", "other", "image"]
    assert messages[0].media[0] == MediaRef("audio", note["file_id"], "", 3, 5.0)
    assert messages[0].text == "look"
    assert messages[5].media[0].name == "a.pdf"


async def test_edits_albums_and_moves(telegram: TelegramServer):
    said = telegram.say("one")["message"]
    telegram.push(edited_message={**said, "text": "two", "edit_date": said["date"] + 1})
    telegram.push(edited_message={**said, "text": "not for us", "chat": GROUP})
    for caption in ("look", ""):
        telegram.say(caption, photo=telegram.photo(b"jpg"), media_group_id="album")
    telegram.push(message={**said, "chat": GROUP, "text": None, "migrate_to_chat_id": -100500})
    _, edit, aside, first, second, move = await heard(telegram, 6)
    assert isinstance(edit, Edit)
    assert isinstance(aside, Edit)
    assert (edit.message.addressed, aside.message.addressed) == (True, False)
    assert (edit.message.text, edit.message.ref, edit.channel) == ("two", str(said["message_id"]), HERE)
    assert [message.album for message in (first, second) if isinstance(message, Message)] == ["album"] * 2
    assert isinstance(move, Move)
    assert (move.channel.space, move.to.space) == ("42:-1001", "42:-100500")


class SilentTelegram(TelegramServer):
    """Answers no poll until told."""

    def __init__(self) -> None:
        super().__init__()
        self.polls = 0
        self.speaking = asyncio.Event()

    async def _get_updates(self, request: web.Request) -> web.Response:
        self.polls += 1
        if not self.speaking.is_set():
            await self.speaking.wait()
            raise ConnectionResetError
        return await super()._get_updates(request)


async def test_pain_13_a_deaf_poller_is_told_of_and_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("bots.telegram_bot.platform._DEAF_S", 0.3)
    monkeypatch.setattr("bots.telegram_bot.platform._STOP_S", 0.1)
    async with SilentTelegram() as telegram:
        bot, inbox = platform(telegram), Inbox()
        assert bot.trouble() == ""
        async with listening(bot, inbox):
            telegram.say("hello")
            async with asyncio.timeout(20):
                while not bot.trouble():
                    await asyncio.sleep(0.01)
            assert bot.trouble().startswith("no poll was answered")
            async with asyncio.timeout(20):
                while telegram.polls < 2:
                    await asyncio.sleep(0.01)
            monkeypatch.setattr("bots.telegram_bot.platform._DEAF_S", 60.0)
            telegram.speaking.set()
            await inbox.wait(1)
            assert bot.trouble() == ""
        assert bot.trouble() == ""
    assert "starting a new poller" in caplog.text


async def test_other_bots_are_not_heard(telegram: TelegramServer):
    telegram.say("I am a bot", user={"id": 5, "is_bot": True, "first_name": "B"})
    telegram.say("I am not")
    (message,) = await heard(telegram, 1)
    assert isinstance(message, Message)
    assert message.text == "I am not"


async def test_reactions_are_the_difference(telegram: TelegramServer):
    answer = Sent(55, GROUP["id"], None, "an answer", b"", 0, None, ())
    telegram.react(answer, new=["👍"])
    telegram.react(answer, old=["👍"], new=["👎", "🎉"])
    telegram.react(answer, old=["👎", "🎉"])
    events = await heard(telegram, 3)
    reactions = [event for event in events if isinstance(event, Reaction)]
    assert [(reaction.added, reaction.removed) for reaction in reactions] == [
        (("👍",), ()),
        (("👎", "🎉"), ("👍",)),
        ((), ("👎", "🎉")),
    ]
    assert {reaction.target for reaction in reactions} == {"55"}
    assert {reaction.channel for reaction in reactions} == {ChannelKey("telegram", "42:-1001")}


async def test_a_button_is_a_reaction_and_is_thanked_in_the_persons_language(telegram: TelegramServer):
    answer = Sent(55, 8, None, "an answer", b"", 0, None, ())
    telegram.press(answer, "👎", user=BOB)
    (reaction,) = await heard(telegram, 1)
    assert isinstance(reaction, Reaction)
    assert (reaction.added, reaction.removed, reaction.sender.id) == (("👎",), ("👍",), "8")
    ((_, thanks),) = telegram.thanked
    assert thanks == Phrases().say("thanks", "zh-hans")


@pytest.mark.slow
async def test_the_offset_does_not_move_before_the_update_is_stored(telegram: TelegramServer):
    inbox = Inbox()
    inbox.refuse = 2
    first = telegram.say("one")["update_id"]
    telegram.say("two")
    async with listening(platform(telegram), inbox):
        while inbox.refuse:
            await asyncio.sleep(0.01)
        assert max(telegram.offsets) <= first
        messages = await inbox.messages(2)
        await telegram.wait_quiet(0.2)
    assert [message.text for message in messages] == ["one", "two"]


async def test_what_cannot_be_read_is_passed_over(telegram: TelegramServer, caplog: pytest.LogCaptureFixture):
    telegram.push(message_reaction={"chat": PRIVATE, "message_id": 1, "user": None, "date": 1, "old_reaction": [],
                                    "new_reaction": [{"type": "paid"}], "actor_chat": GROUP})  # fmt: skip
    telegram.say("secret words")
    assert len(await heard(telegram, 1)) == 1
    assert "secret words" not in caplog.text


async def test_a_wrong_token_stops_the_start(telegram: TelegramServer):
    with pytest.raises(SettingError, match="TELEGRAM_TOKEN: got a token that Telegram refuses"):
        await platform(telegram, "42:wrong").check()
    with pytest.raises(SettingError, match="TELEGRAM_TOKEN"):
        platform(telegram, "nonsense")
    assert await platform(telegram).check() == "@parley_bot"


async def test_telegram_out_of_reach_is_retryable_and_says_no_token():
    bot = TelegramPlatform("42:hush", api_base="http://127.0.0.1:1", phrases=Phrases())
    with pytest.raises(RetryableError) as caught:
        await bot.check()
    assert "hush" not in str(caught.value)


def part(text: str, channel: ChannelKey = HERE, *, rateable: bool = False, reply_to: str = "") -> TextPart:
    return TextPart("42:100", 0, channel, text, rateable=rateable, reply_to=reply_to)


def spoken(note: VoiceNote) -> VoicePart:
    return VoicePart("42:100", 0, HERE, note)


async def test_text_voice_and_typing_arrive(telegram: TelegramServer):
    bot = platform(telegram)
    topic = ChannelKey("telegram", "42:-1002", "33")
    assert await bot.send(part("hello", rateable=True, reply_to="9")) == "1"
    await bot.send(part("hello", topic, reply_to="9"))
    await bot.send(spoken(VoiceNote(b"OggS...", 1.4, b"\1")))
    await bot.typing(HERE)
    await bot.typing(HERE, "recording")
    private, group, voice = telegram.sent
    assert (private.text, private.buttons, private.reply_to) == ("hello", ("👍", "👎", "↻"), None)
    assert (group.chat, group.topic, group.reply_to, group.buttons) == (-1002, 33, 9, ())
    assert (voice.voice, voice.duration) == (b"OggS...", 2)
    assert (telegram.typed, telegram.signs) == ([7, 7], ["typing", "record_voice"])


@pytest.mark.slow
@pytest.mark.parametrize("words", ["VOICE_MESSAGES_FORBIDDEN", "not enough rights to send voice notes to the chat"])
async def test_a_chat_that_takes_no_voice_notes_is_told_from_one_that_takes_nothing(
    telegram: TelegramServer, words: str
):
    telegram.fail("sendVoice", 400, f"Bad Request: {words}")
    with pytest.raises(VoiceForbidden):
        await platform(telegram).send(spoken(VoiceNote(b"x", 1, b"")))
    assert await platform(telegram).send(part("but texts"))


async def test_errors_become_parleys(telegram: TelegramServer):
    bot = platform(telegram)
    telegram.fail("sendMessage", 429, "Too Many Requests: retry after 7", retry_after=7)
    with pytest.raises(RetryableError) as caught:
        await bot.send(part("x"))
    assert caught.value.after_s == 7
    for code, words, kind in (
        (403, "Forbidden: bot was blocked by the user", PermanentError),
        (400, "Bad Request: chat not found", PermanentError),
        (502, "Bad Gateway", RetryableError),
    ):
        telegram.fail("sendMessage", code, words)
        with pytest.raises(kind) as caught_other:
            await bot.send(part("x"))
        assert TOKEN not in str(caught_other.value)


async def test_files_are_fetched_up_to_the_cap(telegram: TelegramServer):
    bot = platform(telegram)
    small, huge = telegram.keep(b"x" * 1000), telegram.keep(b"x" * (20 * 2**20 + 1))
    assert await bot.fetch(MediaRef("audio", small), 2000) == b"x" * 1000
    with pytest.raises(UserError, match="file_too_big"):
        await bot.fetch(MediaRef("audio", small), 500)
    with pytest.raises(UserError, match="file_too_big"):
        await bot.fetch(MediaRef("audio", huge), bot.limits.media_bytes)
    with pytest.raises(PermanentError):
        await bot.fetch(MediaRef("audio", "gone"), 2000)


@pytest.mark.slow
async def test_pain_13_a_second_poller_is_said_clearly(telegram: TelegramServer, caplog: pytest.LogCaptureFixture):
    telegram.fail("getUpdates", 409, "Conflict: terminated by other getUpdates request")
    bot, inbox = platform(telegram), Inbox()
    with caplog.at_level(logging.ERROR, "parley.telegram"):
        async with listening(bot, inbox), asyncio.timeout(20):
            while bot.trouble() != "another copy of this bot is running":
                await asyncio.sleep(0.01)
            telegram.say("hello")
            await inbox.wait(1)
            assert bot.trouble() == ""
    assert "another copy of this bot" in caplog.text
