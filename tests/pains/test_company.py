"""Voices, groups, reactions and signs of life, as the people in a chat see them."""

import time

import pytest

from bots.locales import Phrases
from core.speech import audio
from core.values.channel import ChannelKey
from tests.fault.model_server import MODEL, Trouble, answer_to
from tests.pains.world import World, until
from tests.platforms.discord_payloads import ALICE, BOB, DM, GENERAL, RANDOM, ROBOT, VOICE_FLAG
from tests.platforms.telegram_server import ANN
from tests.platforms.telegram_server import BOB as BEN
from tests.platforms.telegram_trouble import Json
from tests.scenario.product import run_to_end

pytestmark = pytest.mark.asyncio(loop_scope="session")
SAY = Phrases().say
CLUB: Json = {"id": -1014, "type": "supergroup", "title": "Club"}


async def test_pain_08_every_recording_on_telegram_gets_its_transcript_or_a_reason(world: World, notes: list[bytes]):
    telegram = world.telegram
    good, empty, broken = (telegram.voice(data) for data in (notes[0], b"", b"OggS" + b"\1" * 999))
    for number, kind in enumerate(("voice", "audio", "video_note", "video")):
        telegram.person(801 + number, **{kind: {**good, "width": 1, "height": 1}})
        telegram.person(801 + number, **{kind: {**empty, "width": 1, "height": 1}})
        telegram.person(801 + number, **{kind: {**broken, "width": 1, "height": 1}})
    await until(lambda: all(len(telegram.shown(chat)) == 4 for chat in range(801, 805)))
    for chat in range(801, 805):
        heard, *reasons = telegram.texts(chat)
        assert heard.startswith("🎧 “hello")
        assert "alice" in heard.lower()
        assert reasons == [SAY("audio_empty", "en"), SAY("audio_unreadable", "en")]


async def test_pain_08_a_missing_engine_is_told_at_the_start(world: World):
    (world.data / "no-engine").mkdir()
    settings = {"LM_URL": world.model.base, "LM_MODEL": MODEL, "DATA_DIR": str(world.data / "e")}
    code, printed = await run_to_end(world.data, "run", ASR_MODEL=str(world.data / "no-engine"), **settings)
    assert code == 2
    assert "parley: ASR_MODEL: got" in printed


async def test_pain_09_every_voice_message_on_discord_gets_its_transcript_or_a_reason(world: World, notes: list[bytes]):
    discord, before = world.discord, len(world.discord.shown(DM[ALICE]))
    for data in (notes[0], b"", b"OggS" + b"\1" * 999):
        await discord.voice(data)
    await until(lambda: len(discord.shown(DM[ALICE])) == before + 3)
    heard, *reasons = discord.shown(DM[ALICE])[before:]
    assert heard.startswith("🎧 “hello")
    assert "alice" in heard.lower()
    assert reasons == [SAY("audio_empty", "en"), SAY("audio_unreadable", "en")]


async def test_pain_12_voice_answers_are_bubbles_on_both_platforms(world: World, notes: list[bytes]):
    telegram, discord = world.telegram, world.discord
    before = len(discord.sent)
    telegram.person(1201, voice=telegram.voice(notes[0]))
    await discord.voice(notes[0], author=BOB)
    await until(lambda: len(telegram.shown(1201)) == 2 and any(sent.voice for sent in discord.sent[before:]))
    bubble = telegram.shown(1201)[1]
    message = next(sent for sent in discord.sent[before:] if sent.voice)
    for ogg, duration_s in ((bubble.voice, bubble.duration), (message.voice, message.duration_s)):
        length_s = len(audio.decode(ogg, max_s=60)) / audio.SAMPLE_RATE_HZ
        assert duration_s is not None
        assert 0 < length_s <= duration_s + 0.1
    assert message.flags & VOICE_FLAG
    assert message.waveform


async def test_pain_12_where_voice_is_forbidden_or_fails_there_is_text(world: World, notes: list[bytes]):
    telegram, discord, model = world.telegram, world.discord, world.model
    telegram.fail("sendVoice", 400, "Bad Request: VOICE_MESSAGES_FORBIDDEN")
    for _ in range(2):
        telegram.person(1202, voice=telegram.voice(notes[0]))
    await until(lambda: len(telegram.texts(1202)) == 2)
    await world.quiet()
    assert not any(sent.voice for sent in telegram.shown(1202))

    before = len(discord.sent)
    model.answer = lambda said: "***"
    telegram.person(1203, voice=telegram.voice(notes[0]))
    await until(lambda: telegram.texts(1203))
    await world.quiet()
    assert [bool(sent.voice) for sent in telegram.shown(1203)] == [False]

    model.answer = answer_to
    discord.voiceless.add(DM[BOB])
    await discord.voice(notes[0], author=BOB)
    await until(lambda: any(sent.voice for sent in discord.sent[before:]))
    file = next(sent for sent in discord.sent[before:] if sent.voice)
    assert not file.flags & VOICE_FLAG
    assert file.filename.endswith(".ogg")


async def test_pain_14_in_groups_it_speaks_when_it_is_spoken_to(world: World, notes: list[bytes]):
    telegram, discord, group = world.telegram, world.discord, CLUB["id"]
    robot = {"id": 5, "is_bot": True, "first_name": "Robot"}
    unasked = len(world.model.asked)
    telegram.say("nobody asked you", chat=CLUB)
    telegram.say("@parley_bot hi", chat=CLUB, user=robot)
    telegram.say("@everyone @other_bot hi", chat=CLUB, user=BEN)
    telegram.say("/help@other_bot", chat=CLUB)
    telegram.say(chat=CLUB, voice=telegram.voice(notes[0]))
    for author, channel in ((BOB, GENERAL), (ALICE, RANDOM)):
        await discord.say("nobody asked you", author=author, channel=channel)
        await discord.say("@everyone @here hi", author=author, channel=channel)
        await discord.say("hi", author=ROBOT, channel=channel, mention=True)
        await discord.voice(notes[0], author=author, channel=channel)
    await world.quiet()
    assert (telegram.shown(group), discord.shown(GENERAL), discord.shown(RANDOM)) == ([], [], [])
    assert len(world.model.asked) == unasked

    telegram.say("@parley_bot one", chat=CLUB, user=BEN)
    await discord.say("one", author=BOB, channel=GENERAL, mention=True)
    await until(lambda: telegram.shown(group) and discord.shown(GENERAL))
    answer, bot_message = telegram.shown(group)[0], discord.sent[-1].id
    telegram.say("and two?", chat=CLUB, reply_to=answer)
    telegram.say(chat=CLUB, reply_to=answer, voice=telegram.voice(notes[0]))
    telegram.say("/help@parley_bot", chat=CLUB)
    await discord.say("and two?", author=ALICE, channel=GENERAL, reply_to=bot_message)
    attachment = discord.recording(notes[0])
    await discord.say(author=ALICE, channel=GENERAL, reply_to=bot_message, flags=VOICE_FLAG, attachments=[attachment])
    await until(lambda: len(telegram.texts(group)) == 4 and len(discord.shown(GENERAL)) == 3)
    await world.quiet()
    one, two, heard, helped = telegram.texts(group)
    assert (one, two) == (answer_to("Bob Li: one"), answer_to("Ann: and two?"))
    assert heard.startswith("🎧")
    assert helped.startswith(SAY("welcome", "en", commands="").strip())
    one, two, heard = discord.shown(GENERAL)
    assert (one, two) == (answer_to("Bob: one"), answer_to("Alice: and two?"))
    assert heard.startswith("🎧")


async def test_pain_18_a_reaction_on_any_part_counts_once_as_the_platform_shows_it(world: World):
    telegram, discord = world.telegram, world.discord
    world.model.answer = lambda said: "word " * 1600
    before = len(discord.sent)
    telegram.person(1801, "rate this")
    await discord.say("rate this", author=BOB)
    await until(lambda: len(telegram.shown(1801)) == 2 and len(discord.sent[before:]) >= 4)
    await world.quiet()
    first, last = telegram.shown(1801)
    person = {**ANN, "id": 1801}
    parts = [sent.id for sent in discord.sent[before:]]

    async def rated(*ratings: int) -> None:
        await world.rated(ChannelKey("telegram", "42:1801"), "1801", *ratings)
        await world.rated(ChannelKey("discord", DM[BOB]), BOB, *ratings)

    telegram.react(first, new=["👍"], user=person)
    telegram.react(first, new=["👍"], user=person)
    await discord.react(parts[0], BOB, "👍🏽")
    await rated(1)
    await world.product.stop()
    await world.restart()
    telegram.react(last, new=["👎"], user=person)
    await discord.react(parts[-1], BOB, "👎")
    await rated(-1)
    telegram.react(last, old=["👎"], user=person)
    await discord.react(parts[-1], BOB, "👎", add=False)
    await rated(1)
    telegram.react(first, old=["👍"], user=person)
    await discord.react(parts[0], BOB, "👍🏽", add=False)
    await rated()


async def test_pain_19_typing_shows_within_a_second_and_ends_with_the_answer(world: World):
    telegram, discord, model = world.telegram, world.discord, world.model
    model.first_s = lambda said: 1.5
    waited: list[float] = []
    for chat in (1901, 1902, 1903):
        telegram.person(chat, "hello")
        waited.append(await until(lambda chat=chat: chat in telegram.typed))
        assert not telegram.shown(chat)
    discord.typing.clear()
    await discord.say("hello", author=BOB)
    waited.append(await until(lambda: DM[BOB] in discord.typing))
    assert min(waited) < 1.0
    await until(lambda: all(telegram.texts(chat) for chat in (1901, 1902, 1903)))
    ended, typed = time.monotonic(), len(telegram.typed)
    await until(lambda: time.monotonic() > ended + 4.5)
    assert len(telegram.typed) == typed


async def test_pain_19_an_error_is_one_short_sentence(world: World):
    telegram, discord = world.telegram, world.discord
    world.model.trouble = lambda said: Trouble(status=400) if said == "poison" else None
    before = len(discord.shown(DM[ALICE]))
    telegram.person(1911, "poison")
    telegram.person(1911, "and this?")
    await discord.say("poison")
    await until(lambda: len(telegram.texts(1911)) == 2 and len(discord.shown(DM[ALICE])) == before + 1)
    assert telegram.texts(1911) == [SAY("went_wrong", "en"), answer_to("and this?")]
    assert discord.shown(DM[ALICE])[-1] == SAY("went_wrong", "en")
    assert len(SAY("went_wrong", "en")) < 100
