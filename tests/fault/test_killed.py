"""The product is killed, or told to leave, in the middle of its work."""

import asyncio
import random
import time
from pathlib import Path

from core.speech.synthesis import Speaking
from core.speech.voices.builtin import BuiltinVoice
from tests.fault.conftest import Note
from tests.fault.model_server import answer_to
from tests.fault.world import World, living, until
from tests.platforms.voice_server import VoiceServer

_KILLS = 20


async def test_01_killed_while_it_generates(world: World, note: Note):
    chance = random.Random(1)
    world.model.first_s = lambda said: chance.uniform(0.0, 0.6)
    world.model.word_s = 0.05
    began, mid_generation = time.monotonic(), 0
    world.say_everywhere(range(1, 11), 2)
    for number in range(_KILLS):
        if number % 5 == 0:
            world.say_everywhere(range(1, 11), 1)
        await until(lambda: world.model.running > 0, "a generation")
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        mid_generation += world.model.running > 0
        await world.kill()
        await world.product.start()
    verdict = await world.answered()
    note(
        f"{_KILLS} kills, {mid_generation} of them in a generation, in {time.monotonic() - began:.0f} s: "
        f"{verdict.messages} messages, lost {len(verdict.lost)}, shown twice {len(verdict.doubled)}, "
        f"asked {len(world.model.asked)} times"
    )
    assert verdict.messages == 60
    assert verdict.kept, verdict
    assert all(world.doubled_by_a_kill(text) for text in verdict.doubled)


async def test_02_killed_between_commit_and_send(world: World, note: Note):
    world.telegram.hold()
    for chat in range(1, 6):
        world.say(chat)
    await until(lambda: world.telegram.held == 5, "answers on their way out")
    await world.kill()
    world.telegram.take()
    await world.product.start()
    restarted = time.monotonic()
    verdict = await world.answered()
    last = max(world.telegram.sent_at) - restarted
    note(f"5 answers {last:.1f} s after the restart, shown twice {len(verdict.doubled)}")
    assert verdict.kept, verdict
    assert all(len(world.shown_at(text)) <= 2 for text in verdict.doubled)
    assert [world.model.times_asked(text) for text in world.said_at] == [1] * 5


async def test_02_killed_while_the_voice_note_is_made(data: Path, note: Note):
    speaking = Speaking(BuiltinVoice())
    ogg = (await speaking.speak("Hello.", "en")).ogg
    await speaking.close()
    async with VoiceServer() as voice, living(data, TTS_URL=voice.base, TTS_MODEL="m") as world:
        world.telegram.say("/voice always", chat={"id": 1, "type": "private"})
        await world.telegram.wait_sent(1, 60)
        text = world.say(1)
        for kills in (1, 2, 3):
            await until(lambda kills=kills: len(voice.asked) == kills, "the voice note is being made")
            assert [sent.text for sent in world.telegram.sent[1:]] == [answer_to(text)]
            await world.kill()
            await world.product.start()
        restarted = time.monotonic()
        await until(lambda: len(voice.asked) == 4, "the voice note is made once more")
        voice.answers.append(ogg)
        await until(lambda: len(world.telegram.sent) == 3, "the voice note")
        came = time.monotonic() - restarted
        world.say(1, "one that is stopped")
        await until(lambda: len(voice.asked) == 5, "the next voice note is being made")
        world.telegram.say("/stop", chat={"id": 1, "type": "private"})
        await until(lambda: len(world.telegram.sent) == 5, "the answer to /stop")
        voice.answers.append(ogg)
        sent = await world.telegram.wait_quiet()
    note(f"killed 3 times over one voice note: text shown once, voice note once, {came:.1f} s after the restart")
    assert [bool(each.voice) for each in sent] == [False, False, True, False, False]
    assert sent[3].text == answer_to("one that is stopped")
    assert [world.model.times_asked(each) for each in (text, "one that is stopped")] == [1, 1]
