"""The product is killed between a platform and itself: Discord shows an answer once, Telegram at most twice."""

import asyncio
import json
import random
import time

from core.speech import audio
from core.speech.synthesis import Speaking
from core.speech.voices.builtin import BuiltinVoice
from tests.fault.conftest import Note
from tests.fault.discord_world import Both
from tests.fault.model_server import answer_to
from tests.fault.world import counter, until
from tests.platforms.discord_payloads import ALICE, BOB, CROWD, DM

_KILLS = 20
_PEOPLE = CROWD[:10]
_LONG = " ".join(f"word{number}" for number in range(400))
"""Two messages on Discord."""


async def test_01_killed_mid_generation_discord_shows_each_answer_once(both: Both, note: Note):
    chance = random.Random(2)
    both.model.first_s = lambda said: chance.uniform(0.0, 0.6)
    both.model.word_s = 0.05
    began, mid_generation = time.monotonic(), 0
    await both.tell_everywhere(_PEOPLE, 2)
    await until(lambda: len(both.model.asked) >= len(_PEOPLE), "everybody heard once")
    for number in range(_KILLS):
        if number % 5 == 0:
            await both.tell_everywhere(_PEOPLE)
        await until(lambda: both.model.running > 0, "a generation")
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        mid_generation += both.model.running > 0
        await both.kill()
        await both.product.start()
    wrong = await both.settled()
    gaps = [after - before for before, after in zip(_identified(both), _identified(both)[1:], strict=False)]
    note(
        f"{_KILLS} kills, {mid_generation} of them in a generation, in {time.monotonic() - began:.0f} s: "
        f"{sum(map(len, both.told.values()))} messages, wrongly shown {len(wrong)}, asked {len(both.model.asked)} "
        f"times, {len(both.discord.sent)} posts; shortest time between IDENTIFYs, over restarts, {min(gaps):.1f} s"
    )
    assert sum(map(len, both.told.values())) == 60
    assert wrong == {}
    both.no_error()


def _identified(both: Both) -> list[float]:
    return both.discord.events.identified_at


def _is_final(body: str) -> bool:
    """Of a post or an edit: it is the answer, not a draft of it."""
    return not json.loads(body)["content"].endswith(" …")


async def test_02_killed_after_commit_before_send_discord(both: Both, note: Note):
    for method in ("POST", "PATCH"):
        both.discord.trouble.hold(method, "/channels/", _is_final, done=False)
    people = CROWD[:5]
    await both.tell_everywhere(people)
    await until(lambda: both.discord.trouble.held == 5, "answers on their way out")
    await both.kill()
    both.discord.trouble.release()
    restarted = await both.start()
    healthy = time.monotonic()
    wrong = await both.settled()
    last = max(both.discord.times_of("PATCH", "/channels/") + both.discord.times_of("POST", "/channels/"))
    note(
        f"5 answers shown once {last - restarted:.1f} s after the restart (goal 5 s), which was healthy after "
        f"{healthy - restarted:.1f} s; wrongly shown {len(wrong)}"
    )
    assert wrong == {}
    assert sorted(asked.said for asked in both.model.asked) == sorted(
        text for texts in both.told.values() for text in texts
    )
    both.no_error()


async def test_03_killed_before_the_mark_discord_shows_text_and_voice_once(both: Both, note: Note):
    """The platform has the draft, the answer's edit, its second part, or a voice note; its HTTP answer never comes."""
    both.model.answer = lambda said: _LONG if said == "long" else answer_to(said)
    spoken = await _spoken("Hello, my name is Alice.")
    holds = both.discord.trouble
    begun = {"draft": ALICE, "edit": BOB, "second part": CROWD[0], "voice": CROWD[1]}
    draft, edit, second, voice = (f"/channels/{DM[person]}/messages" for person in begun.values())
    holds.hold("POST", draft, done=True)
    holds.hold("PATCH", edit, _is_final, done=True)
    holds.hold("POST", second, lambda body: _is_final(body) and "word399" in body, done=True)
    await both.tell(begun["draft"])
    await both.tell(begun["edit"])
    await both.discord.say("long", author=begun["second part"])
    await both.discord.voice(spoken, author=begun["voice"])
    await until(lambda: len(both.shown(begun["voice"])) == 1, "the words of the voice note's answer")
    holds.hold("POST", voice, done=True)
    await until(lambda: holds.held == 4 and _bubbles(both, begun["voice"]) == 1, "all four taken and not answered")
    await both.kill()
    holds.release()
    await both.start()
    await both.settled()
    shown = {what: len(both.shown(person)) + _bubbles(both, person) for what, person in begun.items()}
    flagged = await counter(both.product, "parley_perhaps_twice")
    note(f"messages shown: {shown} (1, 1, 2, 2), flagged {flagged:.0f}")
    assert shown == {"draft": 1, "edit": 1, "second part": 2, "voice": 2}
    assert both.wrong() == {}
    assert " ".join(both.shown(begun["second part"])) == _LONG
    assert flagged == 0
    both.no_error()


def _bubbles(both: Both, person: str) -> int:
    """Voice notes that somebody sees."""
    return sum(bool(sent.voice) and sent.channel == DM[person] for sent in both.discord.sent)


async def test_03_killed_before_the_mark_telegram_text_once_or_twice_and_flagged(both: Both, note: Note):
    both.telegram.trouble.hold_answers("sendMessage")
    asked = [both.say(chat) for chat in (1, 2, 3)]
    await until(lambda: both.telegram.trouble.held == 3, "answers taken and not answered")
    await both.kill()
    both.telegram.trouble.release()
    await both.start()
    after = [both.say(chat) for chat in (1, 2, 3)]
    verdict = await both.answered()
    flagged = await counter(both.product, "parley_perhaps_twice")
    times = [sum(sent.text == answer_to(text) for sent in both.telegram.sent) for text in asked]
    note(f"texts shown {times} times, flagged {flagged:.0f}")
    assert verdict.kept, verdict
    assert set(times) <= {1, 2}
    assert flagged == sum(count == 2 for count in times)
    assert len(_told_of(both, "may be shown twice")) == flagged
    assert [both.model.times_asked(text) for text in asked + after] == [1] * 6


async def test_03_killed_before_the_mark_telegram_voice_exactly_once_and_flagged(both: Both, note: Note):
    spoken = await _spoken("Hello, my name is Alice.")
    both.telegram.trouble.hold_answers("sendVoice")
    both.telegram.say(voice=both.telegram.voice(spoken))
    await until(lambda: both.telegram.trouble.held == 1, "a voice note taken and not answered")
    await both.kill()
    both.telegram.trouble.release()
    await both.start()
    both.say(7, "and now?")
    await both.answered({"and now?"})
    texts = [sent.text for sent in both.telegram.sent if sent.text]
    voices = sum(bool(sent.voice) for sent in both.telegram.sent)
    flagged = await counter(both.product, "parley_perhaps_twice")
    note(f"texts {len(texts)}, voice notes {voices}, flagged {flagged:.0f}")
    assert (len(texts), voices, flagged) == (2, 1, 1)
    assert texts[-1] == answer_to("and now?")
    assert len(_told_of(both, "is not sent again")) == 1


def _told_of(both: Both, words: str) -> list[str]:
    return [line for line in both.product.log if words in line]


async def _spoken(text: str) -> bytes:
    speaking = Speaking(BuiltinVoice())
    note = await speaking.speak(text, "en")
    await speaking.close()
    assert len(audio.decode(note.ogg, max_s=60)) > audio.SAMPLE_RATE_HZ / 2
    return note.ogg
