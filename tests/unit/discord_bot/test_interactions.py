"""Slash commands, menus of messages and answers for one person alone, through the real discord.py."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bots.discord_bot.interactions import Handle
from bots.discord_bot.last_seen import LastSeen
from bots.discord_bot.menu import Menu
from bots.discord_bot.platform import DiscordPlatform
from bots.locales import Phrases
from core import telemetry
from core.errors import RetryableError
from core.store import keys
from core.store.redis import Store
from core.turns.commands import COMMANDS
from core.values.channel import ChannelKey, Person
from core.values.events import Message
from core.values.parts import DraftPart, TextPart
from tests.platforms.discord_payloads import ALICE, BOB, BOT, DM, GENERAL, THREAD
from tests.platforms.discord_server import DiscordServer
from tests.support.discord_inbox import OGG, Inbox, listening, platform_of

HERE = ChannelKey("discord", GENERAL)
KNOWN = Phrases()


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    server = DiscordServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def platform(server: DiscordServer) -> DiscordPlatform:
    return platform_of(server)


@pytest.fixture
async def inbox(platform: DiscordPlatform, server: DiscordServer) -> AsyncIterator[Inbox]:
    async with listening(platform, server) as inbox:
        yield inbox


def with_menu(server: DiscordServer, store: Store) -> DiscordPlatform:
    menu = Menu(store, "bot", KNOWN)
    return DiscordPlatform(server.token, api_base=server.api, gateway=server.gateway, phrases=KNOWN, menu=menu)


async def registered(server: DiscordServer, store: Store, count: int) -> None:
    async with listening(with_menu(server, store), server) as inbox, asyncio.timeout(10):
        while len(server.interactions.registered) < count or not await store.redis.get(keys.menu("bot")):
            await asyncio.sleep(0.01)
        await server.say("hello")
        await inbox.wait(1)
        await server.wait_quiet(0.2)


async def test_commands_are_registered_once_in_each_language_with_their_choices(server: DiscordServer, store: Store):
    for _ in range(2):
        await registered(server, store, 1)
    assert len(server.interactions.registered) == 1
    slash = server.interactions.commands()
    assert list(slash) == [command.name for command in COMMANDS]
    assert slash["help"]["description"] == KNOWN.command("help", "en")
    assert slash["help"]["description_localizations"]["zh-CN"] == KNOWN.command("help", "zh-Hans")
    assert "en-GB" not in slash["help"]["description_localizations"]
    (voice,), (language,) = slash["voice"]["options"], slash["language"]["options"]
    assert [choice["value"] for choice in voice["choices"]] == ["auto", "always", "never"]
    assert language["autocomplete"]
    assert "choices" not in language
    assert server.interactions.commands(3)["Transcribe"]["name_localizations"]["zh-CN"] == "转成文字"
    for command in (*slash.values(), voice, language):
        assert 1 <= len(command["description"]) <= 100


async def test_other_commands_than_last_time_are_registered_anew(server: DiscordServer, store: Store):
    await store.redis.set(keys.menu("bot"), b"another digest")
    await registered(server, store, 1)
    assert await store.redis.get(keys.menu("bot")) != b"another digest"


async def test_commands_that_are_refused_do_not_keep_parley_from_listening(
    server: DiscordServer, store: Store, caplog: pytest.LogCaptureFixture
):
    server.trouble.answer_next("PUT", f"/applications/{BOT}/commands", 400, {"code": 50035, "message": "Invalid"})
    with caplog.at_level(logging.WARNING, "parley.discord"):
        async with listening(with_menu(server, store), server) as inbox:
            await server.say("hello")
            await inbox.wait(1)
            await server.wait_quiet(0.3)
    assert "the commands are as they were: registering the commands" in caplog.text
    assert await store.redis.get(keys.menu("bot")) is None


async def test_a_slash_command_is_deferred_and_becomes_a_message(server: DiscordServer, inbox: Inbox):
    first = await server.interactions.command("voice", "always", author=BOB, channel=THREAD, locale="zh-CN")
    second = await server.interactions.command("new")
    voice, new = [event for event in await inbox.wait(2) if isinstance(event, Message)]
    assert (voice.text, voice.group, voice.addressed, voice.waits) == ("/voice always", True, True, True)
    assert voice.channel == ChannelKey("discord", THREAD)
    assert voice.sender == Person(BOB, "Bob", "zh-CN")
    assert voice.ref == Handle(first, ephemeral=False).ref
    assert len(f"{voice.id}-99") <= 25
    assert (new.text, new.group, new.channel.space) == ("/new", False, DM[ALICE])
    assert all(server.interactions.given[token].original for token in (first, second))


async def test_a_private_command_is_deferred_for_its_sender_alone(server: DiscordServer, inbox: Inbox):
    await server.interactions.command("status", channel=GENERAL)
    await server.interactions.command("help", channel=GENERAL)
    await server.interactions.command("status")
    await inbox.wait(3)
    assert [given.ephemeral for given in server.interactions.given.values()] == [True, False, False]


async def test_what_is_typed_narrows_the_choices_and_may_be_none_of_them(server: DiscordServer, inbox: Inbox):
    assert await server.interactions.type_choice("language", "") == ["auto", "en", "zh-Hans"]
    assert await server.interactions.type_choice("language", "ZH") == ["zh-Hans"]
    assert await server.interactions.type_choice("language", "de") == []
    await server.interactions.command("language", "de")
    assert (await inbox.message()).text == "/language de"


async def test_the_menu_of_a_message_brings_the_message_and_its_file_without_reading_it(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox
):
    note = await server.voice(OGG, author=BOB, channel=GENERAL)
    await server.interactions.choose("Transcribe", note, locale="zh-TW")
    _, asked = await inbox.wait(2)
    assert isinstance(asked, Message)
    assert (asked.text, asked.sender.id, asked.group) == ("/transcribe", ALICE, True)
    assert asked.quote is not None
    assert (asked.quote.speaker, asked.quote.text) == ("Bob", "")
    (media,) = asked.quote.media
    assert (media.kind, media.size_bytes) == ("audio", len(OGG))
    before = len(server.calls)
    assert await platform.fetch(media, 100_000) == OGG
    assert not [path for _, path in server.calls[before:] if note in path]
    with pytest.raises(Exception, match="file_too_big"):
        await platform.fetch(media, 10)


async def test_the_menu_of_a_text_brings_its_words(server: DiscordServer, inbox: Inbox):
    text = await server.say(f"good day <@{BOB}>", channel=GENERAL)
    await server.interactions.choose("Translate", text, author=BOB)
    _, asked = await inbox.wait(2)
    assert isinstance(asked, Message)
    assert asked.text == "/translate"
    assert asked.quote is not None
    assert asked.quote.text == "good day Bob"


async def test_a_deferral_that_fails_loses_no_command(
    server: DiscordServer, inbox: Inbox, caplog: pytest.LogCaptureFixture
):
    server.trouble.answer_next("POST", "/interactions/", 404, {"code": 10062, "message": "Unknown interaction"})
    with caplog.at_level(logging.INFO, "parley.discord"):
        token = await server.interactions.command("help")
        assert (await inbox.message()).text == "/help"
    assert "deferring a command" in caplog.text
    assert token not in caplog.text


def answer(token: str, said: str, *, ephemeral: bool = False, **more: object) -> TextPart:
    part = TextPart("123456789012345678", 0, HERE, said, reply_to=Handle(token, ephemeral).ref)
    return replace(part, **more)


def growing(token: str, said: str) -> DraftPart:
    return DraftPart("123456789012345678", 0, HERE, said, reply_to=Handle(token, False).ref)


async def given(server: DiscordServer, inbox: Inbox, name: str) -> str:
    token = await server.interactions.command(name, channel=GENERAL)
    await inbox.wait(1)
    return token


async def test_the_answer_stands_under_the_command_and_is_seen_once(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox
):
    token = await given(server, inbox, "retry")
    draft = await platform.send(growing(token, "So"))
    final = answer(token, "So it is. http://x.y", replaces=draft, thumbs=True)
    refs = {draft, *[await platform.send(final) for _ in range(2)]}
    assert len(refs) == 1
    assert server.shown(GENERAL) == ["So it is. http://x.y"]
    assert [(id in refs, thumb) for id, thumb in server.reactions[:2]] == [(True, "👍"), (True, "👎")]
    await platform.send(answer("", "and more", index=1, reply_to=""))
    assert server.shown(GENERAL) == ["So it is. http://x.y", "and more"]


@pytest.mark.parametrize("void", ["token", "message"])
async def test_a_command_that_is_too_old_is_answered_like_a_message(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox, void: str
):
    token = await given(server, inbox, "help")
    if void == "token":
        server.interactions.void.add(token)
    else:
        server.forget(await platform.send(growing(token, "draft")))
        server.sent.clear()
    for _ in range(2):
        await platform.send(answer(token, "late"))
    (sent,) = server.sent
    assert (sent.content, sent.reference) == ("late", "")


async def test_discord_out_of_order_is_tried_again_under_the_command(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox
):
    token = await given(server, inbox, "help")
    server.trouble.answer_next("PATCH", "/webhooks/", 0)
    with pytest.raises(RetryableError) as caught:
        await platform.send(answer(token, "here"))
    assert token not in str(caught.value)
    await platform.send(answer(token, "here"))
    assert server.shown(GENERAL) == ["here"]


async def test_what_is_private_is_seen_by_its_reader_alone(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox
):
    token = await given(server, inbox, "status")
    first = answer(token, "secret", ephemeral=True, private_to=ALICE)
    assert await platform.send(first) == ""
    assert await platform.send(replace(first, text="and more", index=1)) == ""
    assert server.interactions.asides(ALICE) == ["secret", "and more"]
    assert server.sent == []


async def test_what_is_private_and_no_command_goes_to_the_direct_channel(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox
):
    for _ in range(2):
        assert await platform.send(answer("", "secret", reply_to="99", private_to=BOB)) == ""
    (sent,) = server.sent
    assert (sent.channel, sent.content, sent.reference) == (DM[BOB], "secret", "")
    token = await given(server, inbox, "help")
    await platform.send(answer(token, "a secret, too", private_to=BOB, turn="2"))
    assert [sent.content for sent in server.sent if sent.channel == DM[BOB]] == ["secret", "a secret, too"]
    assert server.shown(GENERAL) == [KNOWN.say("written_privately", "en")]


async def test_whose_direct_channel_is_closed_is_told_so_where_they_asked(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox
):
    server.places.closed.add(ALICE)
    closed = KNOWN.say("direct_messages_closed", "zh-Hans")
    for _ in range(2):
        await platform.send(answer("", "secret", reply_to="99", private_to=ALICE, language="zh-Hans"))
    assert server.shown(GENERAL) == [closed]
    token = await given(server, inbox, "help")
    await platform.send(answer(token, "secret", private_to=ALICE, language="zh-Hans", turn="2"))
    assert server.shown(GENERAL) == [closed, closed]


async def test_thumbs_that_are_refused_keep_no_answer_back(server: DiscordServer, platform: DiscordPlatform):
    server.trouble.answer_next("PUT", f"/channels/{GENERAL}", 403, {"code": 50013, "message": "Missing Permissions"})
    assert await platform.send(answer("", "hello", reply_to="", thumbs=True))
    assert server.reactions == []


async def test_the_bots_own_thumbs_are_no_feedback(server: DiscordServer, platform: DiscordPlatform, inbox: Inbox):
    await platform.send(answer("", "hello", reply_to="", thumbs=True))
    await server.say("the end")
    assert (await inbox.message()).text == "the end"


async def test_a_voice_message_in_a_server_may_turn_out_to_be_for_parley(server: DiscordServer, inbox: Inbox):
    await server.voice(OGG, author=BOB, channel=GENERAL)
    await server.say("look", author=BOB, channel=GENERAL, files=[("song.ogg", "audio/ogg", OGG)])
    spoken, song = [event for event in await inbox.wait(2) if isinstance(event, Message)]
    assert (spoken.addressed, set(spoken.bot_names)) == (False, {"parley"})
    assert (song.addressed, song.bot_names) == (False, ())


async def test_what_a_message_answers_comes_with_it(server: DiscordServer, platform: DiscordPlatform, inbox: Inbox):
    own = await platform.send(answer("", "an answer", reply_to=""))
    note = await server.voice(OGG, author=BOB, channel=GENERAL)
    await server.say("why?", channel=GENERAL, reply_to=own)
    await server.say("what?", channel=GENERAL, reply_to=note, mention=True)
    _, why, what = [event for event in await inbox.wait(3) if isinstance(event, Message)]
    assert why.quote is not None
    assert (why.quote.text, why.quote.own, why.addressed) == ("an answer", True, True)
    assert what.quote is not None
    assert (what.quote.speaker, what.quote.own) == ("Bob", False)
    assert await platform.fetch(what.quote.media[0], 100_000) == OGG


@pytest.mark.slow
async def test_line_3_only_what_concerns_parley_is_marked_as_heard(server: DiscordServer, store: Store):
    last_seen = LastSeen(store, "bot")
    platform = DiscordPlatform(
        server.token,
        api_base=server.api,
        gateway=server.gateway,
        phrases=KNOWN,
        last_seen=last_seen,
        identify_gap_s=0.02,
    )
    stored: list[Message] = []

    async def accept(event: object) -> bool:
        assert isinstance(event, Message)
        if event.addressed:
            stored.append(event)
        return event.addressed

    async def session(*texts: str) -> None:
        listening = asyncio.create_task(platform.listen(accept))
        await server.wait_ready()
        async with asyncio.timeout(10):
            while [message.text.split()[-1] for message in stored] != list(texts):
                await asyncio.sleep(0.01)
        await server.wait_quiet(0.2)
        listening.cancel()
        await asyncio.wait((listening,))

    mark = await server.say("one", channel=GENERAL, mention=True)
    await server.say("aside", author=BOB, channel=GENERAL)
    await last_seen.mark(Message("1", HERE, Person(ALICE, "Alice"), 1.0, ref="1", group=True))
    await session("one")
    assert [entry.message for entry in await last_seen.recent()] == [int(mark)]
    for number in range(150):
        await server.say(f"talk {number}", author=BOB, channel=GENERAL)
    await server.say("two", channel=GENERAL, mention=True)
    await session("one", "two")


def test_a_token_in_an_address_is_never_logged():
    formatter = telemetry._Formatter(())
    for path in ("/api/v10/webhooks/100/aW50ZXJ/messages/@original", "/interactions/100/aW50ZXJ/callback?with=1"):
        line = formatter.format(logging.LogRecord("x", 30, "x", 1, f"timeout to https://discord.com{path}", (), None))
        assert "aW50ZXJ" not in line
        assert "/100/***/" in line
