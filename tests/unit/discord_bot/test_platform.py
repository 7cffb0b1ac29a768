"""The Discord platform against a local Discord over real sockets."""

import asyncio
import base64
import gc
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.http import handle_message_parameters

from bots.discord_bot.platform import DiscordPlatform
from bots.discord_bot.private import Pace, VoiceFile
from bots.locales import Phrases
from core import clock
from core.errors import PermanentError, RetryableError, SettingError, UserError
from core.values.attachments import VoiceNote
from core.values.channel import ChannelKey, MediaRef
from core.values.events import Message, Reaction
from core.values.parts import NoticePart, TextPart, VoicePart
from tests.platforms.discord_payloads import (
    ALICE,
    BOB,
    BOT,
    DM,
    GENERAL,
    GUILD,
    RANDOM,
    ROBOT,
    ROLE,
    SUPPRESS_EMBEDS,
    THREAD,
    VOICE_FLAG,
)
from tests.platforms.discord_server import DiscordServer
from tests.support.discord_inbox import OGG, Inbox, listening, platform_of


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


TURN = "123456789012345678"


def part(text: str = "Hello", *, index: int = 0, channel: str = DM[ALICE], reply_to: str = "") -> TextPart:
    return TextPart(TURN, index, ChannelKey("discord", channel), text, reply_to=reply_to)


def voice(channel: str = DM[ALICE]) -> VoicePart:
    return VoicePart(TURN, 0, ChannelKey("discord", channel), VOICE)


VOICE = VoiceNote(OGG, 2.5, bytes(range(25)))


async def test_check_tells_the_name_of_the_bot(platform: DiscordPlatform) -> None:
    assert (await platform.check()).startswith("parley")


async def test_a_wrong_token_is_the_owners_to_mend(server: DiscordServer) -> None:
    stranger = platform_of(server, "wrong-token")
    with pytest.raises(SettingError, match="DISCORD_TOKEN") as caught:
        await stranger.check()
    assert "wrong-token" not in str(caught.value)
    with pytest.raises(SettingError, match="DISCORD_TOKEN"):
        await stranger.listen(Inbox().accept)
    with pytest.raises(PermanentError, match="DISCORD_TOKEN"):
        await stranger.send(part())


async def test_an_absent_discord_can_be_tried_again(server: DiscordServer) -> None:
    nobody = DiscordPlatform("token", api_base="http://127.0.0.1:9/api/v10", phrases=Phrases())
    with pytest.raises(RetryableError):
        await nobody.check()


async def test_a_direct_message_arrives(server: DiscordServer, inbox: Inbox) -> None:
    id = await server.say("Hello")
    message = await inbox.message()
    assert (message.id, message.ref, message.text, message.group) == (id, id, "Hello", False)
    assert message.channel == ChannelKey("discord", DM[ALICE])
    assert (message.sender.id, message.sender.name) == (ALICE, "Alice")


async def test_in_a_server_what_is_addressed_to_the_bot_is_told_apart(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox
) -> None:
    own = await platform.send(part(channel=GENERAL))
    other = await server.say("to nobody", author=BOB, channel=GENERAL)
    await server.say("@everyone look", author=BOB, channel=GENERAL)
    await server.say(f"<@&{ROLE}> and <@{BOB}>, look", channel=GENERAL)
    await server.say("a reply to someone else", channel=GENERAL, reply_to=other)
    await server.say("I am a bot", author=ROBOT, channel=GENERAL, mention=True)
    await server.say("I am a webhook", author="77", channel=GENERAL, mention=True, webhook_id="77")
    await server.say("a pin", channel=GENERAL, mention=True, type=6)
    await server.say("mentioned", author=BOB, channel=GENERAL, mention=True)
    await server.say("replied to", channel=GENERAL, reply_to=own)
    messages = [event for event in await inbox.wait(6) if isinstance(event, Message)]
    aside = ["to nobody", "@everyone look", f"<@&{ROLE}> and <@{BOB}>, look", "a reply to someone else"]
    assert [event.text for event in messages if not event.addressed] == aside
    assert [event.text for event in messages if event.addressed] == [f"<@{BOT}> mentioned", "replied to"]
    assert all(event.group for event in messages)
    assert messages[0].channel == ChannelKey("discord", GENERAL)


async def test_a_thread_is_a_channel_of_its_own(server: DiscordServer, inbox: Inbox) -> None:
    await server.say("here", channel=THREAD, mention=True)
    message = await inbox.message()
    assert (message.channel, message.group) == (ChannelKey("discord", THREAD), True)


async def test_mentions_carry_their_names(server: DiscordServer, inbox: Inbox) -> None:
    await server.say(f"ask <@!{BOB}> of <@&{ROLE}> in <#{RANDOM}>, not <#1>", channel=GENERAL, mention=True)
    message = await inbox.message()
    assert dict(message.mentions) == {
        f"<@{BOT}>": "",
        f"<@!{BOB}>": "Bob",
        f"<@&{ROLE}>": "Crew",
        f"<#{RANDOM}>": "random",
    }


async def test_a_forwarded_message_says_what_it_carries(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox
) -> None:
    original = server.messages[await server.voice(OGG, author=BOB)]
    original["content"] = "listen to this"
    await server.say(message_snapshots=[{"message": original}])
    _, message = await inbox.wait(2)
    assert isinstance(message, Message)
    assert message.text == "listen to this"
    assert message.sender.id == ALICE
    assert await platform.fetch(message.media[0], 10**6) == OGG


async def test_a_voice_message_can_be_fetched_after_its_address_has_expired(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox
) -> None:
    id = await server.voice(OGG, duration_s=3.5)
    [media] = (await inbox.message()).media
    assert (media.kind, media.size_bytes, media.duration_s) == ("audio", len(OGG), 3.5)
    assert media.handle.startswith(f"{DM[ALICE]}/{id}/")
    server.expire_urls()
    assert await platform.fetch(media, len(OGG)) == OGG
    with pytest.raises(UserError) as caught:
        await platform.fetch(media, len(OGG) - 1)
    assert (caught.value.key, caught.value.params) == ("file_too_big", {"limit_mb": 0})
    server.forget(id)
    with pytest.raises(PermanentError):
        await platform.fetch(media, len(OGG))


async def test_files_are_told_apart_by_type_or_name(server: DiscordServer, inbox: Inbox) -> None:
    files = [
        ("a.png", "image/png", b"1"),
        ("b.JPG", "", b"1"),
        ("c.mp3", "audio/mpeg", b"1"),
        ("d.m4a", "", b"1"),
        ("e.mp4", "video/mp4", b"1"),
        ("f.pdf", "application/pdf", b"1"),
        ("g", "", b"1"),
    ]
    await server.say("seven", files=files)
    kinds = [media.kind for media in (await inbox.message()).media]
    assert kinds == ["image", "image", "audio", "audio", "audio", "other", "other"]


async def test_reactions_of_people_arrive(server: DiscordServer, platform: DiscordPlatform, inbox: Inbox) -> None:
    direct, general = await platform.send(part()), await platform.send(part(index=1, channel=GENERAL))
    await server.react(direct, BOT, "👍")
    await server.react(direct, ALICE, "👍:12345")
    await server.react(general, ROBOT, "👍")
    await server.react(direct, ALICE, "👍")
    await server.react(direct, ALICE, "👍", add=False)
    await server.react(general, BOB, "👎🏽")
    first, gone, second = await inbox.wait(3)
    assert isinstance(first, Reaction)
    assert (first.target, first.added, first.removed, first.sender.id) == (direct, ("👍",), (), ALICE)
    assert isinstance(gone, Reaction)
    assert (gone.added, gone.removed) == ((), ("👍",))
    assert isinstance(second, Reaction)
    assert (second.target, second.added, second.sender.name) == (general, ("👎🏽",), "Bob")
    assert second.channel == ChannelKey("discord", GENERAL)
    assert len({first.id, gone.id, second.id}) == 3


async def test_a_reaction_in_a_thread_tells_the_channel_that_the_thread_is_in(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox
) -> None:
    await server.react(await platform.send(part(channel=THREAD)), ALICE, "👍")
    (reaction,) = await inbox.wait(1)
    assert isinstance(reaction, Reaction)
    assert reaction.places == (GUILD, THREAD, GENERAL)


async def test_events_keep_their_order_when_the_store_is_away(server: DiscordServer, inbox: Inbox) -> None:
    inbox.refuse = 3
    for number in range(20):
        await server.say(str(number))
    await inbox.wait(20)
    assert [event.text for event in inbox.events if isinstance(event, Message)] == [str(n) for n in range(20)]


async def test_a_refused_first_connection_is_tried_again(server: DiscordServer, platform: DiscordPlatform) -> None:
    server.events.refuse = 2
    async with listening(platform, server) as inbox:
        await server.say("at last")
        assert (await inbox.message()).text == "at last"


async def test_discord_may_be_away_at_the_start(server: DiscordServer, platform: DiscordPlatform) -> None:
    server.trouble.answer_next("GET", "/users/@me", 503)
    server.trouble.answer_next("GET", "/gateway/bot", 0)
    async with listening(platform, server) as inbox:
        await server.say("at last")
        assert (await inbox.message()).text == "at last"


async def test_a_lost_connection_is_resumed_and_loses_nothing(server: DiscordServer, inbox: Inbox) -> None:
    await server.say("before")
    await inbox.wait(1)
    await server.events.close(4000)
    await server.say("meanwhile")
    await server.wait_ready()
    await server.say("after")
    await inbox.wait(3)
    assert [event.text for event in inbox.events if isinstance(event, Message)] == ["before", "meanwhile", "after"]
    assert (server.events.resumes, len(server.events.identifies)) == (1, 1)


async def test_without_the_content_intent_parley_hears_less_and_says_so(
    server: DiscordServer, platform: DiscordPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    server.events.message_content = False
    async with listening(platform, server) as inbox:
        await server.say("to nobody", author=BOB, channel=GENERAL)
        await server.say("hello", channel=GENERAL, mention=True)
        await server.say("in private")
        found = [event.text for event in await inbox.wait(2) if isinstance(event, Message)]
    assert found == [f"<@{BOT}> hello", "in private"]
    assert "message content intent is off" in caplog.text
    assert len(server.events.identifies) == 2


async def test_listening_ends_without_a_trace(server: DiscordServer, platform: DiscordPlatform) -> None:
    troubles: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: troubles.append(context["message"]))
    async with listening(platform, server) as inbox:
        await platform.send(part())
        await server.say("last words")
    assert [event.text for event in inbox.events if isinstance(event, Message)] == ["last words"]
    await server.stop()
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    gc.collect()
    assert troubles == []


async def test_a_text_is_sent(server: DiscordServer, platform: DiscordPlatform) -> None:
    first = await platform.send(part("Hello @everyone"))
    second = await platform.send(NoticePart(TURN, 1, ChannelKey("discord", GENERAL), "Indeed", reply_to=first))
    third = await platform.send(part("Still", index=2, reply_to="99"))
    one, two, three = server.sent
    assert (one.id, one.channel, one.content) == (first, DM[ALICE], "Hello @everyone")
    assert (one.nonce, one.flags, one.reference) == ("123456789012345678-0", SUPPRESS_EMBEDS, "")
    assert one.allowed_mentions == {"parse": []}
    assert (two.id, two.channel, two.reference) == (second, GENERAL, first)
    assert three.id == third


async def test_the_same_part_sent_twice_is_one_message(server: DiscordServer, platform: DiscordPlatform) -> None:
    server.trouble.lose_next_answer("POST", f"/channels/{DM[ALICE]}/messages")
    with pytest.raises(RetryableError):
        await platform.send(part())
    again = await platform.send(part())
    assert [sent.id for sent in server.sent] == [again]
    assert await platform.send(part()) == again


async def test_a_voice_message_is_sent(server: DiscordServer, platform: DiscordPlatform) -> None:
    id = await platform.send(voice())
    [sent] = server.sent
    assert (sent.id, sent.flags, sent.voice, sent.duration_s) == (id, VOICE_FLAG, OGG, 2.5)
    assert (sent.content_type, sent.filename) == ("audio/ogg", "voice-message.ogg")
    assert base64.b64decode(sent.waveform) == VOICE.waveform


@pytest.mark.parametrize(("status", "code"), [(400, 50173), (403, 50013)])
async def test_where_voice_messages_are_forbidden_a_file_is_sent(
    server: DiscordServer, platform: DiscordPlatform, status: int, code: int
) -> None:
    server.trouble.answer_next("POST", f"/channels/{GENERAL}/messages", status, {"message": "no", "code": code})
    await platform.send(voice(GENERAL))
    [sent] = server.sent
    assert (sent.flags, sent.voice, sent.filename) == (0, OGG, "voice-message.ogg")


async def test_typing(server: DiscordServer, platform: DiscordPlatform) -> None:
    await platform.typing(ChannelKey("discord", THREAD))
    assert server.typing == [THREAD]


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (429, {"Retry-After": "7"}, RetryableError),
        (429, {"Via": "1.1 google", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "90"}, RetryableError),
        (503, {}, RetryableError),
        (0, {}, RetryableError),
        (403, {}, PermanentError),
        (404, {}, PermanentError),
        (400, {}, PermanentError),
        (401, {}, PermanentError),
    ],
)
async def test_errors_are_turned(
    server: DiscordServer,
    platform: DiscordPlatform,
    status: int,
    headers: dict[str, str],
    expected: type[Exception],
) -> None:
    told = {"message": "no", "code": 50001, "retry_after": 90.0}
    server.trouble.answer_next("POST", f"/channels/{DM[ALICE]}/messages", status, told, headers)
    with pytest.raises(expected) as caught:
        await platform.send(part())
    assert server.token not in str(caught.value)
    if isinstance(caught.value, RetryableError) and status == 429:
        assert caught.value.after_s == (7 if "Retry-After" in headers else 90)


async def test_what_discord_cannot_carry_is_refused(server: DiscordServer, platform: DiscordPlatform) -> None:
    with pytest.raises(PermanentError):
        await platform.send(part("x" * 2001))
    with pytest.raises(PermanentError):
        await platform.send(part(channel="1"))
    with pytest.raises(PermanentError):
        await platform.fetch(MediaRef("audio", f"{DM[ALICE]}/1/1"), 10)
    assert server.sent == []


PAYLOADS = Path(__file__).parents[2] / "scenario" / "payloads" / "discord"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("direct_text", ("What is the tallest mountain in Europe? 🏔️", "Mira", False, [])),
        ("voice", ("", "Mira", False, ["audio"])),
        ("image_with_text", ("what does this say", "Mira", False, ["image"])),
        ("forwarded", ("Doors close at 18:00, last entry 17:30.", "Mira", False, [])),
        ("guild_mention", (f"<@{BOT}> what time does it open?", "Mira (they)", True, [])),
        ("guild_reply", ("and on Sundays?", "Mira (they)", True, [])),
        ("guild_chatter", ("anyone up for lunch?", "Mira (they)", True, [])),
        ("thread_started", None),
        ("sticker", ("", "Mira", False, [])),
    ],
)
async def test_whole_payloads_are_read(
    server: DiscordServer, inbox: Inbox, name: str, expected: tuple[str, str, bool, list[str]] | None
) -> None:
    await server.replay(json.loads((PAYLOADS / f"{name}.json").read_text("utf-8")), OGG)
    await server.say("the end")
    events = await inbox.wait(1 if expected is None else 2)
    messages = [event for event in events if isinstance(event, Message) and event.text != "the end"]
    read = [(one.text, one.sender.name, one.group, [media.kind for media in one.media]) for one in messages]
    assert read == ([] if expected is None else [expected])
    assert all(one.addressed == (name != "guild_chatter") for one in messages)


async def test_an_answer_in_a_direct_channel_points_to_nothing(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox
) -> None:
    direct = await server.say("Hello")
    general = await server.say("Hello", channel=GENERAL, mention=True)
    await inbox.wait(2)
    await platform.send(part(reply_to=direct))
    await platform.send(part(index=1, channel=GENERAL, reply_to=general))
    assert [sent.reference for sent in server.sent] == ["", general]


async def test_where_no_file_may_be_sent_the_voice_is_lost(server: DiscordServer, platform: DiscordPlatform) -> None:
    for _ in range(2):
        server.trouble.answer_next("POST", f"/channels/{GENERAL}/messages", 403, {"message": "no", "code": 50013})
    with pytest.raises(PermanentError, match="50013"):
        await platform.send(voice(GENERAL))


async def test_an_ended_session_is_followed_by_a_new_one(server: DiscordServer, inbox: Inbox) -> None:
    await server.events.end_session()
    async with asyncio.timeout(5):
        while len(server.events.identifies) < 2:
            await asyncio.sleep(0.005)
    await server.wait_ready()
    await server.say("still there?")
    assert (await inbox.message()).text == "still there?"


async def test_identifies_keep_their_distance() -> None:
    pace = Pace(0.1)
    start = clock.monotonic()
    await pace.wait(0, initial=True)
    assert clock.monotonic() - start < 0.05
    await pace.wait(0, initial=False)
    assert clock.monotonic() - start >= 0.1


async def test_the_private_parts_of_discord_py_are_where_they_were() -> None:
    client: Any = discord.AutoShardedClient(intents=discord.Intents.none())
    async with client:
        assert client._AutoShardedClient__shards == {}
        assert client._AutoShardedClient__queue.empty()
    with handle_message_parameters(file=VoiceFile(VOICE), flags=discord.MessageFlags(voice=True)) as params:
        told, file = params.multipart or []
    described = json.loads(told["value"])
    assert (described["flags"], described["attachments"][0]["duration_secs"]) == (VOICE_FLAG, 2.5)
    assert file["content_type"] == "application/octet-stream"


async def test_a_file_larger_than_it_claims_is_not_taken(
    server: DiscordServer, platform: DiscordPlatform, inbox: Inbox
) -> None:
    id = await server.voice(OGG)
    server.messages[id]["attachments"][0]["size"] = 1
    [media] = (await inbox.message()).media
    with pytest.raises(UserError, match="file_too_big"):
        await platform.fetch(media, 1000)


async def test_requests_at_once_share_one_login(server: DiscordServer, platform: DiscordPlatform) -> None:
    await asyncio.gather(*(platform.send(part(index=index)) for index in range(5)))
    assert len(server.sent) == 5
    assert server.calls.count(("GET", "/users/@me")) == 1
