"""The real discord.py against a local Discord: what people change, what Parley changes, and what came while away."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace

import pytest

from bots.discord_bot.last_seen import LastSeen
from bots.discord_bot.platform import DiscordPlatform
from bots.locales import Phrases
from core import clock
from core.errors import ChannelGone, TooFast
from core.store import keys
from core.store.redis import Store
from core.values.channel import ChannelKey, Person
from core.values.events import Deletion, Edit, Event, Message
from core.values.parts import DraftPart, RemovalPart, TextPart
from tests.platforms.discord_payloads import ALICE, BOB, DM, GENERAL, SUPPRESS_EMBEDS
from tests.platforms.discord_server import DiscordServer

HERE = ChannelKey("discord", DM[ALICE])


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    server = DiscordServer()
    await server.start()
    yield server
    await server.stop()


def platform_of(server: DiscordServer, last_seen: LastSeen | None = None) -> DiscordPlatform:
    return DiscordPlatform(
        server.token,
        api_base=server.api,
        gateway=server.gateway,
        phrases=Phrases(),
        last_seen=last_seen,
        identify_gap_s=0.02,
    )


@contextlib.asynccontextmanager
async def listening(platform: DiscordPlatform, server: DiscordServer) -> AsyncGenerator[list[Event]]:
    events: list[Event] = []

    async def accept(event: Event) -> bool:
        if isinstance(event, Message) and not event.addressed:
            return False
        new = event.id not in [known.id for known in events]
        if new:
            events.append(event)
        return new

    running = asyncio.create_task(platform.listen(accept))
    try:
        await server.wait_ready()
        yield events
    finally:
        running.cancel()
        await asyncio.wait((running,))


async def until(events: list[Event], count: int) -> None:
    async with asyncio.timeout(10):
        while len(events) < count:
            await asyncio.sleep(0.01)


async def test_edits_and_deletions_of_people_arrive_in_order(server: DiscordServer):
    async with listening(platform_of(server), server) as events:
        first = await server.say("one")
        await server.change(first, "two")
        await server.change(first, "two and a preview", by_person=False)
        second = await server.say("three")
        await server.delete(first)
        third = await server.say("four")
        await server.delete(second, third)
        await until(events, 6)
    assert [type(event) for event in events] == [Message, Edit, Message, Deletion, Message, Deletion]
    edit, bulk = events[1], events[5]
    assert isinstance(edit, Edit)
    assert (edit.message.text, edit.message.ref) == ("two", first)
    assert isinstance(bulk, Deletion)
    assert set(bulk.targets) == {second, third}


def draft(said: str, *, transcript: str = "", replaces: str = "") -> DraftPart:
    return DraftPart("1", 0, HERE, said, transcript=transcript, replaces=replaces)


def text(said: str, **more: object) -> TextPart:
    return replace(TextPart("1", 0, HERE, said), **more)


async def test_a_draft_grows_into_the_answer(server: DiscordServer):
    platform = platform_of(server)
    ref = ""
    for said in ("", "Hel", "Hello", "x" * 3000):
        ref = await platform.send(draft(said, transcript="hi", replaces=ref))
        (shown,) = server.shown(DM[ALICE])
        assert shown.startswith("🎧 “hi”")
        assert shown.endswith(" …")
        assert len(shown) <= 2000
    assert await platform.send(text("Hello there.", replaces=ref)) == ref
    assert server.shown(DM[ALICE]) == ["Hello there."]
    assert len(server.sent) == 1


async def test_a_draft_that_was_lost_from_sight_becomes_the_answer(server: DiscordServer):
    platform = platform_of(server)
    await platform.send(draft("Hel"))
    await platform.send(text("Hello there."))
    assert server.shown(DM[ALICE]) == ["Hello there."]


async def test_an_edit_of_what_is_gone_is_sent_anew_and_a_removal_may_come_twice(server: DiscordServer):
    platform = platform_of(server)
    ref = await platform.send(text("two", replaces="999"))
    assert server.shown(DM[ALICE]) == ["two"]
    for _ in range(2):
        assert await platform.send(RemovalPart("1", 1, HERE, ref)) == ""
    assert server.shown(DM[ALICE]) == []


async def test_texts_show_no_link_previews(server: DiscordServer):
    await platform_of(server).send(text("See http://x.y"))
    (sent,) = server.sent
    assert sent.flags & SUPPRESS_EMBEDS


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (403, {"code": 50007, "message": "Cannot send messages to this user"}, ChannelGone),
        (403, {"code": 50001, "message": "Missing Access"}, ChannelGone),
        (404, {"code": 10003, "message": "Unknown Channel"}, ChannelGone),
        (429, {"retry_after": 120.0, "message": "You are being rate limited.", "global": False}, TooFast),
    ],
)
async def test_refusals_say_what_can_be_done(
    server: DiscordServer, status: int, body: dict[str, object], error: type[Exception]
):
    headers = {"Retry-After": "120", "Via": "1.1 google"} if status == 429 else {}
    server.trouble.answer_next("POST", f"/channels/{DM[ALICE]}/messages", status, body, headers)
    with pytest.raises(error) as raised:
        await platform_of(server).send(text("hi"))
    if isinstance(raised.value, TooFast):
        assert raised.value.after_s == 120


async def test_pain_03_what_was_said_while_parley_was_down_is_heard_in_order(server: DiscordServer, store: Store):
    last_seen = LastSeen(store, "bot")
    async with listening(platform_of(server, last_seen), server) as events:
        await server.say("one")
        await server.say("hello", author=BOB, channel=GENERAL, mention=True)
        await until(events, 2)
        await asyncio.sleep(0.1)
    await server.say("two")
    await server.say("not for the bot", author=BOB, channel=GENERAL)
    await server.say("there", author=BOB, channel=GENERAL, mention=True)
    await server.say("three")
    async with listening(platform_of(server, last_seen), server) as events:
        await server.say("four")  # before what came meanwhile can have been read
        await until(events, 4)
    said = [(event.channel.space, event.text.split()[-1]) for event in events if isinstance(event, Message)]
    assert [text for space, text in said if space == DM[ALICE]] == ["two", "three", "four"]
    assert [text for space, text in said if space == GENERAL] == ["there"]
    assert [event.group for event in events if isinstance(event, Message)].count(True) == 1


async def test_pain_13_a_lost_gateway_is_told_of(server: DiscordServer):
    platform = platform_of(server)
    assert platform.trouble() == ""
    async with listening(platform, server):
        async with asyncio.timeout(10):
            while platform.trouble():
                await asyncio.sleep(0.01)
        await server.stop()
        async with asyncio.timeout(10):
            while platform.trouble() != "not connected":
                await asyncio.sleep(0.01)
    assert platform.trouble() == ""


async def test_a_channel_that_was_quiet_for_a_week_is_forgotten_while_it_runs(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    last_seen = LastSeen(store, "bot")
    await store.redis.hset(keys.heard("bot"), "1", f"5 {int(clock.now()) - 8 * keys.DAY_S} 0")
    await store.redis.hset(keys.heard("bot"), "2", f"6 {int(clock.now()) - 6 * keys.DAY_S} 0")
    said = Message("m", ChannelKey("discord", "3"), Person("1", "Ann"), 1.0, "hi", ref="7")
    await last_seen.mark(said)
    assert await store.redis.hlen(keys.heard("bot")) == 3
    later = clock.monotonic() + 3601
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    await last_seen.mark(said)
    assert sorted(await store.redis.hkeys(keys.heard("bot"))) == [b"2", b"3"]
