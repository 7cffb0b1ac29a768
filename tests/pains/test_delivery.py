"""Nothing lost, nothing twice, in order: whatever happens to the process, the line or the text."""

import re

import pytest

from bots.locales import Phrases
from core.text.splitting import units
from tests.fault.model_server import Trouble, answer_to
from tests.pains.world import World, until
from tests.platforms.discord_payloads import ALICE, BOB, DM
from tests.platforms.telegram_server import ANN, GROUP
from tests.platforms.telegram_server import BOB as BEN

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_pain_01_what_was_accepted_before_kill_9_is_answered_after_it(world: World, notes: list[bytes]):
    telegram, discord, model = world.telegram, world.discord, world.model
    shown = len(discord.shown(DM[ALICE]))
    model.trouble = lambda said: Trouble(hang=True) if said == "generating" else None
    parts = [f"part {number} " + "word " * 700 for number in (1, 2, 3)]
    model.answer = lambda said: "\n\n".join(parts) if said == "sending" else answer_to(said)
    telegram.stuck[103] = "part 2"
    telegram.mute |= {104: "sendMessage", 105: "sendVoice"}
    discord.mute.add(DM[ALICE])
    telegram.person(101, "generating")
    telegram.person(101, "received")
    telegram.person(103, "sending")
    telegram.person(104, "sent, not marked")
    await discord.say("/help")
    await until(lambda: model.times_asked("generating") and {103, 104} <= set(telegram.unanswered))
    await until(lambda: discord.unanswered)
    telegram.person(105, voice=telegram.voice(notes[0]))
    await until(lambda: 105 in telegram.unanswered)
    long = telegram.person(102, voice=telegram.voice(notes[1]))["message"]["voice"]["file_id"]
    await until(lambda: long in telegram.fetched)
    await world.product.kill()
    assert not model.times_asked("received")
    assert [telegram.texts(chat)[:1] for chat in (101, 102)] == [[], []]
    assert [text[:6] for text in telegram.texts(103)] == ["part 1"]
    before = len(model.asked)

    telegram.stuck.clear()
    telegram.mute.clear()
    discord.mute.clear()
    model.trouble = lambda said: None
    await world.restart()
    await until(lambda: len(telegram.texts(101)) == 2 and len(telegram.texts(103)) == 3)
    await until(lambda: all(any(sent.voice for sent in telegram.shown(chat)) for chat in (102, 105)))
    await world.quiet()
    assert telegram.texts(101) == [answer_to("generating"), answer_to("received")]
    assert [text[:6] for text in telegram.texts(103)] == ["part 1", "part 2", "part 3"]
    assert set(telegram.texts(104)) == {answer_to("sent, not marked")}
    assert len(telegram.texts(104)) <= 2
    (helped,) = discord.shown(DM[ALICE])[shown:]
    assert helped.startswith(Phrases().say("welcome", "en", commands="").strip())
    for chat in (102, 105):
        assert sum(bool(sent.voice) for sent in telegram.shown(chat)) == 1
        assert len(set(telegram.texts(chat))) == 1
    asked_again = {asked.said for asked in model.asked[before:]}
    assert "sending" not in asked_again
    assert "sent, not marked" not in asked_again


async def test_pain_02_one_update_is_one_turn_and_one_visible_answer(world: World):
    telegram, discord, model = world.telegram, world.discord, world.model
    before, asked = len(discord.shown(DM[BOB])), model.times_asked("hello")
    model.word_s = 0.15
    model.answer = lambda said: "one two three four five six seven eight nine ten eleven twelve"
    telegram.person(201, "hello")
    said = await discord.say("hello", author=BOB)
    await until(lambda: telegram.texts(201) and any("twelve" in text for text in discord.shown(DM[BOB])))
    assert any(chat == 201 for chat, *_ in telegram.drafts)
    sent = len(telegram.sent)
    telegram.repeat_everything()
    await discord.events.close(4000)
    await until(lambda: discord.events.resumes)
    await discord.events.dispatch("MESSAGE_CREATE", discord.messages[said])
    telegram.person(201, "/help")
    await until(lambda: len(telegram.texts(201)) == 2)
    await world.quiet()
    assert len(telegram.sent) == sent + 1
    assert telegram.texts(201)[0] == model.answer("")
    assert discord.shown(DM[BOB])[before:] == [model.answer("")]
    assert model.times_asked("hello") == asked + 2


async def test_pain_03_what_is_said_while_the_bot_is_down_is_answered_in_order(world: World):
    telegram, discord = world.telegram, world.discord
    await discord.say("before", author=BOB)
    await until(lambda: answer_to("before") in discord.shown(DM[BOB]))
    await world.product.stop()
    words = ("one", "two", "three")
    for text in words:
        telegram.person(301, text)
        await discord.say(text, author=BOB)
    await world.restart()
    answers = [answer_to(text) for text in words]
    await until(lambda: len(telegram.texts(301)) == 3 and answers[-1] in discord.shown(DM[BOB]))
    await world.quiet()
    assert telegram.texts(301) == answers
    assert discord.shown(DM[BOB])[-4:] == [answer_to("before"), *answers]


async def test_pain_04_ten_rapid_messages_are_answered_in_order_each_speaker_named(world: World, notes: list[bytes]):
    telegram, model = world.telegram, world.model
    model.first_s = lambda said: 0.1
    for number in range(10):
        telegram.say(f"@parley_bot {number}", chat=GROUP, user=(ANN, BEN)[number % 2])
    telegram.person(401, "one")
    telegram.person(401, voice=telegram.voice(notes[0]))
    telegram.person(401, "three")
    telegram.person(401, audio=telegram.voice(notes[0]))
    telegram.person(401, "five")
    await until(lambda: len(telegram.texts(GROUP["id"])) == 10 and len(telegram.shown(401)) == 7)
    await world.quiet()
    named = [answer_to(f"{('Ann', 'Bob Li')[number % 2]}: {number}") for number in range(10)]
    assert telegram.texts(GROUP["id"]) == named
    kinds = ["voice" if sent.voice else "heard" if "🎧" in sent.text else sent.text for sent in telegram.shown(401)]
    spoken = ["heard", "voice"]
    assert kinds == [answer_to("one"), *spoken, answer_to("three"), *spoken, answer_to("five")]


async def test_pain_05_a_429_stops_one_chat_for_its_time_and_the_answer_is_whole_and_single(world: World):
    telegram, wait_s = world.telegram, 2
    telegram.fail("sendMessage", 429, f"Too Many Requests: retry after {wait_s}", retry_after=wait_s)
    telegram.person(501, "hello")
    await until(lambda: telegram.sends(501))
    refused = telegram.sends(501)[0]
    telegram.person(502, "hello")
    await until(lambda: telegram.texts(502))
    await until(lambda: telegram.texts(501))
    await world.quiet()
    calls = [call.at for call in telegram.journal if call.chat == 501 and call.at > refused]
    assert min(calls) - refused >= wait_s
    assert telegram.sends(502)[0] < min(calls)
    assert telegram.texts(501) == [answer_to("hello")]


HOSTILE = [
    "**bold *and `never closed [link](http://x",
    "| a | b |\n|---|---|\n| you | 1 \\| 2 |\n\nafter",
    "- one\n  - two\n    - three\n      1. four",
    "```py\nx = 1",
    "<b>raw</b> &amp; <script>alert(1)</script> words",
    "@everyone @here <@100000000000000001> words",
    "_a_b_c_ ~~ || spoiler ||| words\u202e and words",
    "> quote\n>> deeper\n\n# heading\n\n---\n\n1) words",
    "$x^2$ \\(y\\) \\[z\\] words",
]


async def test_pain_06_any_output_of_a_model_is_delivered(world: World):
    telegram, discord, model = world.telegram, world.discord, world.model
    model.answer = lambda said: HOSTILE[int(said)]
    before = len(discord.sent)
    telegram.fail("sendMessage", 400, "Bad Request: can't parse entities: Unsupported start tag")
    telegram.person(600, "7")
    await until(lambda: telegram.texts(600))
    assert telegram.texts(600) == [HOSTILE[7]]
    for number in range(len(HOSTILE)):
        telegram.person(601 + number, str(number))
        await discord.say(str(number), author=(ALICE, BOB)[number % 2])
    await until(lambda: all(telegram.texts(601 + number) for number in range(len(HOSTILE))))
    await until(lambda: len(discord.sent) == before + len(HOSTILE))
    await world.quiet()
    for number, text in enumerate(HOSTILE):
        (shown,) = telegram.texts(601 + number)
        words = set(re.findall(r"[a-z]{3,}", re.sub(r"\]\(.*|```\w*|<.*?>|&amp;", "", text)))
        assert words <= set(re.findall(r"[a-z]{3,}", shown)), shown
    shown = discord.shown(DM[ALICE]) + discord.shown(DM[BOB])
    assert {text for text in HOSTILE if not text.startswith(("|", "```"))} <= set(shown)
    assert HOSTILE[3] + "\n```" in shown
    assert "```\na    b\n---  -----\nyou  1 | 2\n```\n\nafter" in shown
    assert all(sent.allowed_mentions["parse"] == [] for sent in discord.sent[before:])
    everyone = telegram.texts(606)[0]
    assert "@everyone" not in everyone
    assert "everyone" in everyone


async def test_pain_07_a_long_answer_arrives_whole(world: World):
    telegram, discord, model = world.telegram, world.discord, world.model
    prose = " ".join(f"word{number}" for number in range(1100))
    code = "```python\n" + "\n".join(f"x{number} = '😀'  # 你好" for number in range(400)) + "\n```"
    text = f"{prose}\n\n{code}\n\n" + "\n".join(f"- line {number}" for number in range(100)) + "\n\nThe end."
    model.answer = lambda said: text if said == "long" else "short"
    before = len(discord.sent)
    telegram.person(701, "long")
    await discord.say("long")
    await until(lambda: telegram.texts(701) and telegram.texts(701)[-1].endswith("The end."))
    await until(lambda: discord.sent[before:] and discord.sent[-1].content.endswith("The end."))
    await world.quiet()

    def visible(markdown: str) -> str:
        return re.sub(r"\s|```(python)?|^[-•] ", "", markdown, flags=re.MULTILINE)

    for pieces, limit in (
        (telegram.texts(701), 4096),
        ([discord.messages[sent.id]["content"] for sent in discord.sent[before:]], 2000),
    ):
        assert visible("\n".join(pieces)) == visible(text)
        assert max(units(piece) for piece in pieces) <= limit
        assert all(piece.count("```") % 2 == 0 for piece in pieces)
    marks = [sent.entities for sent in telegram.shown(701)]
    assert sum("pre" in mark for mark in marks) >= 2
