"""Whatever a platform may deliver becomes an event or nothing: no error, no bot answered, no group woken unasked."""

from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Update

from bots.discord_bot.receive import to_deletion, to_edit, to_message, to_reaction
from bots.telegram_bot.receive import Me, to_event
from core.text import cleaning
from core.values.events import Edit, Event, Message, Reaction, decode_event, encode_event
from tests.platforms.discord_payloads import (
    ALICE,
    BOB,
    BOT,
    DM,
    GENERAL,
    GUILD,
    ROBOT,
    ROLE,
    THREAD,
    USERS,
    guild,
    member,
    message,
    snowflake,
)

Json = dict[str, Any]
TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("😀@/ \n你\u200d\u202e\0"), max_size=30)


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Any of these fields, any of them left out."""
    return st.fixed_dictionaries({}, optional=fields)


def survives(event: Event | None) -> None:
    """Whether a lane keeps it."""
    if event is not None:
        assert decode_event(encode_event(event)) == event


# Telegram

ME = Me(42, "parley_bot", "Parley")
PEOPLE = st.fixed_dictionaries(
    {"id": st.sampled_from([7, 8]), "is_bot": st.sampled_from([False, False, True]), "first_name": TEXT},
    optional={"last_name": TEXT, "username": TEXT, "language_code": st.sampled_from(["en", "zh-hans", "", "xx-yy"])},
)
CHATS = st.fixed_dictionaries(
    {
        "id": st.sampled_from([7, -5, -1001]),
        "type": st.sampled_from(["private"] * 3 + ["group", "supergroup", "channel"]),
    }
)
FILES = st.fixed_dictionaries(
    {"file_id": st.just("F"), "file_unique_id": st.just("U"), "duration": st.integers(0, 10**6)},
    optional={"file_size": st.integers(0, 2**40), "mime_type": TEXT, "file_name": TEXT},
)
SHAPES = FILES.map(lambda file: {**file, "width": 1, "height": 1, "length": 1})
MARKS = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["mention", "text_mention", "bot_command", "bold", "custom_emoji", "brand_new"]),
            "offset": st.integers(0, 20),
            "length": st.integers(0, 20),
        },
        optional={"user": PEOPLE},
    ),
    max_size=3,
)
ADDRESSED = st.sampled_from(["@parley_bot", "@Parley_Bot hi", "/help", "/help@parley_bot", "/help@other", "@other"])


def told(depth: int = 1) -> st.SearchStrategy[Json]:
    """A Telegram message."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "voice": FILES,
        "audio": FILES,
        "video_note": SHAPES,
        "video": SHAPES,
        "document": FILES,
        "sticker": SHAPES.map(lambda file: {**file, "type": "regular", "is_animated": False, "is_video": False}),
        "photo": st.lists(SHAPES, max_size=2),
        "message_thread_id": st.integers(1, 99),
        "is_topic_message": st.booleans(),
        "media_group_id": st.just("album"),
        "new_chat_title": TEXT,
        "rich_message": st.just({"blocks": []}),
        "forum_topic_created": st.just({"name": "t", "icon_color": 1}),
    }
    if depth:
        fields["reply_to_message"] = told(depth - 1)
    whole = st.fixed_dictionaries(
        {"message_id": st.integers(1, 99), "date": st.integers(0, 2**31), "chat": CHATS, "from": PEOPLE}
    )
    words = st.one_of(
        st.fixed_dictionaries({"text": TEXT | ADDRESSED}, optional={"entities": MARKS}),
        st.fixed_dictionaries({"caption": TEXT | ADDRESSED}, optional={"caption_entities": MARKS}),
    )
    made = st.tuples(whole, words, maybe(**fields)).map(lambda made: {**made[0], **made[1], **made[2]})
    nobody = made.map(lambda post: {key: value for key, value in post.items() if key != "from"})
    return st.one_of(made, made, made, nobody, made.map(lambda post: {**post, "migrate_to_chat_id": -100500}))


EMOJI = st.lists(
    st.sampled_from(
        [{"type": "emoji", "emoji": "👍"}, {"type": "emoji", "emoji": "❤"}, {"type": "paid"},
         {"type": "custom_emoji", "custom_emoji_id": "1"}, {"type": "brand_new"}]
    ),
    max_size=3,
)  # fmt: skip
REACTIONS = st.tuples(
    st.fixed_dictionaries({"chat": CHATS, "message_id": st.integers(1, 99), "date": st.integers(0, 2**31),
                           "old_reaction": EMOJI, "new_reaction": EMOJI}),
    maybe(user=PEOPLE, actor_chat=CHATS),
).map(lambda made: {**made[0], **made[1]})  # fmt: skip
PRESSES = st.tuples(
    st.fixed_dictionaries({"id": st.just("1"), "from": PEOPLE, "chat_instance": st.just("1")}),
    maybe(message=told() | told(0).map(lambda old: {**old, "date": 0}), data=TEXT | st.sampled_from(["👍", "👎"])),
).map(lambda made: {**made[0], **made[1]})
UPDATES = st.one_of(
    told().map(lambda made: {"message": made}),
    told().map(lambda made: {"message": made}),
    told().map(lambda made: {"edited_message": {**made, "edit_date": 1}}),
    REACTIONS.map(lambda made: {"message_reaction": made}),
    PRESSES.map(lambda made: {"callback_query": made}),
    st.just({"brand_new": {}}),
)


@pytest.mark.slow
@given(UPDATES)
def test_any_telegram_update_is_an_event_or_nothing(payload: Json):
    event = to_event(Update.de_json({"update_id": 1, **payload}, None), ME)
    survives(event)
    source = payload.get("message") or payload.get("edited_message") or payload.get("message_reaction")
    sender = (source or {}).get("from") or (source or {}).get("user") or {}
    assert not (isinstance(event, Message | Edit | Reaction) and sender.get("is_bot"))
    said = event.message if isinstance(event, Edit) else event
    if isinstance(said, Message):
        assert said.group == ((source or {})["chat"]["type"] != "private")
        assert said.text or said.media
        assert said.channel.thread in ("", str((source or {}).get("message_thread_id")))
        cleaned = cleaning.clean(said.text, said.mentions)
        assert all(markup not in cleaned for markup, name in said.mentions if not name)


@given(told(0))
def test_nobody_in_a_telegram_group_is_answered_unasked(payload: Json):
    """Without a reply, a mention or a command there is nothing that could be meant for the bot."""
    for field in ("entities", "caption_entities", "migrate_to_chat_id"):
        payload.pop(field, None)
    group = {**payload, "chat": {"id": -5, "type": "group"}}
    found = to_event(Update.de_json({"update_id": 1, "message": group}, None), ME)
    assert found is None or (isinstance(found, Message) and not found.addressed)


# Discord


def _state() -> Any:
    """discord.py's own cache with the one server in it: the part of the client that makes messages of payloads."""
    state: Any = discord.Client(intents=discord.Intents(guilds=True), max_messages=None)._connection
    state.user = discord.ClientUser(state=state, data=USERS[BOT])  # pyright: ignore[reportArgumentType]
    state._add_guild_from_data(guild())
    return state


STATE = _state()
STRANGER = "999000000000000001"
MENTIONS = st.sampled_from(
    [f"<@{BOT}>", f"<@!{BOT}>", f"<@{ALICE}>", f"<@{STRANGER}>", f"<@&{ROLE}>", f"<#{GENERAL}>", "<#1>", "<@&1>",
     "@everyone", "@here", "<@>", "<@" + "9" * 30 + ">"]
)  # fmt: skip
ATTACHMENTS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(1, 2**63).map(str), "filename": TEXT | st.sampled_from(["a.OGG", "b", ".png", "c.tar.gz"]),
         "size": st.integers(0, 2**40), "url": st.just("http://x/y"), "proxy_url": st.just("http://x/y")},
        optional={"content_type": TEXT | st.sampled_from(["audio/ogg", "video/mp4", "image/png", "text/plain"]),
                  "duration_secs": st.floats(0, 1e6), "waveform": st.just("AAEC")},
    ),
    max_size=2,
)  # fmt: skip
WORDS = st.lists(TEXT | MENTIONS, max_size=5).map(" ".join)


@st.composite
def posts(draw: st.DrawFn) -> Json:
    """A Discord message."""
    author = draw(st.sampled_from([ALICE, ALICE, BOB, ROBOT, BOT]))
    text = draw(WORDS)
    mentioned = [USERS[id] for id in (BOT, ALICE) if f"<@{id}>" in text or f"<@!{id}>" in text]
    post = message(
        author,
        draw(st.sampled_from([DM[ALICE], GENERAL, THREAD, "700000000000000001"])),
        text,
        type=draw(st.sampled_from([0, 0, 19, 19, 7, 20, 21, 46, 250])),
        flags=draw(st.sampled_from([0, 4, 1 << 13])),
        attachments=draw(ATTACHMENTS),
        edited_timestamp=draw(st.sampled_from([None, "2026-01-01T00:00:00+00:00"])),
        mention_everyone="@everyone" in text,
    )
    if "guild_id" in post:
        mentioned = [{**person, "member": member(person["id"])} for person in mentioned]
    post["mentions"] = mentioned
    if draw(st.integers(0, 9)) == 9:
        post["webhook_id"] = STRANGER
    if draw(st.booleans()):
        post["message_reference"] = {"type": 0, "message_id": "5", "channel_id": post["channel_id"]}
        earlier = st.sampled_from([BOT, BOB]).map(lambda id: message(id, post["channel_id"], "before"))
        post |= draw(maybe(referenced_message=st.none() | earlier))
    if draw(st.booleans()):
        forwarded = {"content": draw(WORDS), "attachments": draw(ATTACHMENTS), "embeds": [], "mentions": [],
                     "mention_roles": [], "timestamp": post["timestamp"], "edited_timestamp": None, "type": 0,
                     "flags": 0}  # fmt: skip
        post["message_snapshots"] = [{"message": forwarded}]
    return post


def posted(post: Json) -> discord.Message:
    """As discord.py makes it of MESSAGE_CREATE."""
    if post["channel_id"] in DM.values():
        channel = discord.DMChannel(me=STATE.user, state=STATE, data={"id": post["channel_id"], "type": 1})  # pyright: ignore
    else:
        channel, _ = STATE._get_guild_channel(post)
    return discord.Message(state=STATE, channel=channel, data=post)  # pyright: ignore[reportArgumentType]


@given(posts())
def test_any_discord_message_is_an_event_or_nothing(post: Json):
    told = posted(post)
    found = to_message(told, int(BOT))
    survives(found)
    answers = post.get("referenced_message") or {}
    asked = any(person["id"] == BOT for person in post["mentions"]) or answers.get("author", {}).get("id") == BOT
    if found is not None:
        assert post["author"]["id"] in (ALICE, BOB)
        assert "webhook_id" not in post
        assert asked or not found.group or not found.addressed
        cleaned = cleaning.clean(found.text, found.mentions)
        assert f"<@{BOT}>" not in cleaned
        assert f"<@!{BOT}>" not in cleaned
    change = discord.RawMessageUpdateEvent(post, told)  # pyright: ignore[reportArgumentType]
    edit = to_edit(change, int(BOT))
    survives(edit)
    assert (edit is None) == (found is None or post["edited_timestamp"] is None)


@given(
    st.sampled_from([BOT, ALICE, ROBOT]),
    st.sampled_from([{"id": None, "name": "👍"}, {"id": "5", "name": "x"}, {"id": "5", "name": None}]),
    st.booleans(),
    st.booleans(),
)
def test_any_discord_reaction_is_an_event_or_nothing(who: str, emoji: Json, add: bool, direct: bool):
    data: Json = {"user_id": who, "channel_id": GENERAL, "message_id": snowflake(), "emoji": emoji, "burst": False,
                  "type": 0}  # fmt: skip
    named = discord.PartialEmoji.from_dict(emoji)
    change = discord.RawReactionActionEvent(data, named, "REACTION_ADD" if add else "REACTION_REMOVE")  # pyright: ignore
    if not direct and add:
        server = STATE._get_guild(int(GUILD))
        change.member = discord.Member(data={**member(who), "user": USERS[who]}, guild=server, state=STATE)  # pyright: ignore
    found = to_reaction(change, int(BOT), None)
    survives(found)
    if found is not None:
        assert who != BOT
        assert emoji["id"] is None
        assert who != ROBOT or change.member is None


@given(st.lists(st.integers(1, 2**63), min_size=1, max_size=5), st.booleans())
def test_any_discord_deletion_is_an_event(ids: list[int], many: bool):
    place: Json = {"channel_id": GENERAL, "guild_id": GUILD}
    if many:
        gone = discord.RawBulkMessageDeleteEvent({**place, "ids": [str(id) for id in ids]})  # pyright: ignore
    else:
        gone = discord.RawMessageDeleteEvent({**place, "id": str(ids[0])})  # pyright: ignore[reportArgumentType]
    deletion = to_deletion(gone)
    survives(deletion)
    assert set(deletion.targets) == ({str(id) for id in ids} if many else {str(ids[0])})
