"""What Telegram shows of Parley's parts: entities, edits, drafts, removals, and what its refusals mean."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import MessageEntity

from bots.locales import Phrases
from bots.telegram_bot.markdown import formatted
from bots.telegram_bot.platform import TelegramPlatform
from core.errors import ChannelGone, ChannelMoved, PermanentError, TooFast
from core.text.splitting import units
from core.values.channel import ChannelKey
from core.values.parts import DraftPart, NoticePart, RemovalPart, TextPart
from tests.platforms.telegram_server import TOKEN, TelegramServer

HERE = ChannelKey("telegram", "42:7")
FRIENDS = ChannelKey("telegram", "42:-1001")


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


@pytest.fixture
def bot(telegram: TelegramServer) -> TelegramPlatform:
    return TelegramPlatform(TOKEN, api_base=telegram.base, phrases=Phrases())


def text(said: str, channel: ChannelKey = HERE, **more: object) -> TextPart:
    return replace(TextPart("1", 0, channel, said), **more)


async def test_markdown_becomes_entities(telegram: TelegramServer, bot: TelegramPlatform):
    await bot.send(text("**bold** and `code`\n\n```python\nprint(1)\n```"))
    (sent,) = telegram.sent
    assert sent.text == "bold and code\n\nprint(1)"
    assert sent.entities == ("bold", "code", "pre")


async def test_what_parley_says_itself_is_not_markdown(telegram: TelegramServer, bot: TelegramPlatform):
    await bot.send(NoticePart("1", 0, HERE, "2 * 3 * 4 and _x_"))
    assert telegram.sent[0].text == "2 * 3 * 4 and _x_"


async def test_pain_06_a_part_whose_entities_are_refused_arrives_plain(telegram: TelegramServer, bot: TelegramPlatform):
    telegram.fail("sendMessage", 400, "Bad Request: can't parse entities: unsupported")
    await bot.send(text("**bold**"))
    (sent,) = telegram.sent
    assert (sent.text, sent.entities) == ("**bold**", ())


MARKS = [
    "*",
    "_",
    "`",
    "```",
    "[",
    "](",
    ")",
    "|",
    "|-|",
    "#",
    ">",
    "- ",
    "1. ",
    "~~",
    "||",
    "<b>",
    "&amp;",
    "\n",
    "\\",
]


WORDS = ["@everyone", "word", "你好", "😀", "👨‍👩‍👧", "🇩🇪", "\u202e", "\ufe0f", " ", "http://x.y", "[^1]", "$"]
WRITTEN = st.lists(st.sampled_from([*MARKS, *WORDS]) | st.text(max_size=3), max_size=30).map("".join)


@given(WRITTEN)
def test_pain_06_any_markdown_gives_entities_that_lie_on_whole_characters(markdown: str):
    shown, entities = formatted(markdown)
    assert shown.strip() or not markdown.strip()
    coded = shown.encode("utf-16-le", "surrogatepass")
    for entity in entities:
        assert 0 <= entity.offset < entity.offset + entity.length <= units(shown)
        coded[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")
    for word in ("word", "你好", "😀"):
        there = shown.count(word) + sum((entity.url or "").count(word) for entity in entities)
        # Beside an opening fence stands a language, which Telegram shows only with code in it.
        assert there == markdown.count(word) or ("```" in markdown and there < markdown.count(word))


def test_line_7_tags_definitions_and_links_to_nowhere_are_shown_as_they_are():
    markdown = (
        "List<String>, <b> and\n<div>\nx\n</div>\n[1]: http://a.b\n\n[a](tg://user?id=7) [b](./c) [d](http://e.f)"
    )
    shown, entities = formatted(markdown)
    assert shown == markdown.replace("[d](http://e.f)", "d")
    assert [(entity.type, entity.url) for entity in entities] == [("text_link", "http://e.f")]


def test_line_7_code_can_be_copied_and_names_elsewhere_call_nobody():
    markdown = "`@\u2060a` 😀 @\u2060bob **bold**\n```python\n@\u2060property\ndef x(): ...\n```\n**end**"
    shown, entities = formatted(markdown)
    assert shown == "@a 😀 @\u2060bob bold\n@property\ndef x(): ...\nend"
    assert [(str(entity.type), _of(shown, entity)) for entity in entities] == [
        ("code", "@a"),
        ("bold", "bold"),
        ("pre", "@property\ndef x(): ..."),
        ("bold", "end"),
    ]


def _of(text: str, entity: MessageEntity) -> str:
    return text.encode("utf-16-le")[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")


async def test_a_topic_that_is_gone_is_answered_in_the_chat(telegram: TelegramServer, bot: TelegramPlatform):
    telegram.fail("sendMessage", 400, "Bad Request: message thread not found")
    await bot.send(text("hi", ChannelKey("telegram", "42:-1001", "33")))
    assert telegram.sent[0].topic is None


async def test_an_edit_changes_the_message_and_keeps_its_buttons(telegram: TelegramServer, bot: TelegramPlatform):
    ref = await bot.send(text("one"))
    for said in ("two", "two"):  # the second changes nothing, which Telegram calls an error
        assert await bot.send(text(said, replaces=ref, rateable=True)) == ref
    assert telegram.edited == [(int(ref), "two")]


async def test_line_6_an_edit_whose_entities_are_refused_arrives_plain(telegram: TelegramServer, bot: TelegramPlatform):
    ref = await bot.send(text("one"))
    telegram.fail("editMessageText", 400, "Bad Request: can't parse entities: unsupported")
    assert await bot.send(text("**two**", replaces=ref)) == ref
    assert telegram.edited == [(int(ref), "**two**")]


async def test_an_edit_of_what_is_gone_is_sent_anew(telegram: TelegramServer, bot: TelegramPlatform):
    ref = await bot.send(text("two", replaces="999"))
    assert [(str(sent.id), sent.text) for sent in telegram.sent] == [(ref, "two")]


async def test_a_removal_may_come_twice(telegram: TelegramServer, bot: TelegramPlatform):
    ref = await bot.send(text("one"))
    for _ in range(2):
        assert await bot.send(RemovalPart("1", 1, HERE, ref)) == ""
    assert telegram.removed == [int(ref)]


async def test_a_draft_grows_in_a_private_chat_and_groups_have_none(telegram: TelegramServer, bot: TelegramPlatform):
    for said in ("Hel", "Hello", "x" * 5000):
        assert await bot.send(DraftPart("1", 0, HERE, said, transcript="hi")) == ""
    assert {(chat, draft) for chat, draft, _ in telegram.drafts} == {(7, telegram.drafts[0][1])}
    assert telegram.drafts[0][1] > 0
    assert [units(said) <= 4096 for *_, said in telegram.drafts] == [True] * 3
    assert telegram.drafts[1][2] == "🎧 “hi”\n\nHello"
    with pytest.raises(PermanentError):
        await bot.send(DraftPart("1", 0, FRIENDS, "Hel"))
    assert telegram.sent == []


@pytest.mark.parametrize(
    ("code", "says", "parameters", "error"),
    [
        (403, "Forbidden: bot was blocked by the user", {}, ChannelGone),
        (403, "Forbidden: bot was kicked from the supergroup chat", {}, ChannelGone),
        (429, "Too Many Requests: retry after 7", {"retry_after": 7}, TooFast),
        (400, "Bad Request: chat not found", {}, PermanentError),
        (400, "Bad Request: group chat was upgraded", {"migrate_to_chat_id": -100500}, ChannelMoved),
    ],
)
async def test_refusals_say_what_can_be_done(
    telegram: TelegramServer,
    bot: TelegramPlatform,
    code: int,
    says: str,
    parameters: dict[str, int],
    error: type[Exception],
):
    telegram.fail("sendMessage", code, says, **parameters)
    with pytest.raises(error) as raised:
        await bot.send(text("hi"))
    if isinstance(raised.value, TooFast):
        assert raised.value.after_s == 7
    if isinstance(raised.value, ChannelMoved):
        assert raised.value.space == "42:-100500"
