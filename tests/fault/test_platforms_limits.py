"""A platform asks for seven seconds: that route hears nothing for so long, the answer is whole, the others wait not."""

import statistics
import time
from typing import Any

from tests.fault.conftest import Note
from tests.fault.discord_world import Both
from tests.fault.model_server import answer_to
from tests.fault.world import until
from tests.platforms.discord_payloads import ALICE, BOB, CROWD, DM

_PAUSE_S = 7
_SLOW = " ".join(f"word{number}" for number in range(240))
"""At 0.05 s a word, twelve seconds of drafts; one message on Discord."""
_OTHERS = 10
_ROUNDS = 3


async def test_16_discord_asks_for_a_pause_on_edits_or_sends(both: Both, note: Note):
    both.model.word_s = 0.05
    both.model.answer = lambda said: _SLOW if said == "slow" else answer_to(said)
    before = await _discord_others(both)
    routes = [("PATCH", f"/channels/{DM[ALICE]}/messages"), ("POST", f"/channels/{DM[BOB]}/messages")]
    for method, path in routes:
        both.discord.trouble.limit(method, path, _PAUSE_S)
    await both.discord.say("slow", author=ALICE)
    await both.discord.say("slow", author=BOB)
    await until(lambda: len(both.discord.trouble.pauses) == 2, "both pauses")
    meanwhile = await _discord_others(both)
    await until(lambda: both.shown(ALICE) == both.shown(BOB) == [_SLOW], "both answers")
    await both.discord.wait_quiet(2)
    silent = [_silence(both.discord.times_of(*route), both.discord.trouble.pauses) for route in routes]
    note(f"no edit for {silent[0]:.2f} s, no post for {silent[1]:.2f} s (7 asked for); {_compared(before, meanwhile)}")
    assert both.shown(ALICE) == both.shown(BOB) == [_SLOW]
    assert min(silent) >= _PAUSE_S
    assert len(both.discord.trouble.pauses) == 2
    assert both.wrong() == {}
    both.no_error()


async def test_16_telegram_asks_for_a_pause_on_sends_edits_signs_or_drafts(both: Both, note: Note):
    sends, edits, signs, drafts, signs_amid_drafts = range(1, 6)
    both.model.word_s = 0.05
    both.model.answer = lambda said: _SLOW if said == "slow" else answer_to(said)
    both.model.first_s = lambda said: 10.0 if said == "pondered" else 0.0
    before = await _telegram_others(both, 100)
    asked = both.telegram.say("first", **_in(edits))["message"]
    await until(lambda: _said(both, edits) == [answer_to("first")], "the answer that is edited later")
    trouble = both.telegram.trouble
    for chat, method in ((sends, "sendMessage"), (edits, "editMessageText"), (drafts, "sendMessageDraft")):
        trouble.limit(chat, _PAUSE_S, method)
    trouble.limit(signs, _PAUSE_S, "sendChatAction")
    both.telegram.say("hello", **_in(sends))
    both.telegram.push(edited_message={**asked, "text": "second", "edit_date": int(time.time())})
    both.telegram.say("pondered", **_in(signs))
    for chat in (drafts, signs_amid_drafts):
        both.telegram.say("slow", **_in(chat))
    await until(lambda: any(chat == signs_amid_drafts for chat, *_ in both.telegram.drafts), "a draft")
    trouble.limit(signs_amid_drafts, _PAUSE_S, "sendChatAction")
    await until(lambda: {chat for _, chat in trouble.pauses} == set(range(1, 6)), "five pauses")
    meanwhile = await _telegram_others(both, 200)
    right = {sends: answer_to("hello"), edits: answer_to("second"), signs: answer_to("pondered")}
    right |= dict.fromkeys((drafts, signs_amid_drafts), _SLOW)
    await until(lambda: all(_said(both, chat) == [text] for chat, text in right.items()), "five answers")
    await both.telegram.wait_quiet(2)
    silent = {
        chat: _silence([call.at for call in both.telegram.calls if call.chat == chat], [at])
        for at, chat in trouble.pauses
    }
    told = ", ".join(f"{silent[chat]:.2f}" for chat in sorted(silent))
    note(f"no call at all into five chats that asked for 7 s for {told} s; {_compared(before, meanwhile)}")
    assert {chat: _said(both, chat) for chat in right} == {chat: [text] for chat, text in right.items()}
    assert min(silent.values()) >= _PAUSE_S
    assert len(trouble.pauses) == 5
    both.no_error()


def _in(chat: int) -> dict[str, Any]:
    return {"chat": {"id": chat, "type": "private"}, "user": {"id": chat, "is_bot": False, "first_name": "A"}}


def _said(both: Both, chat: int) -> list[str]:
    """What the bot's messages in a chat say now."""
    return [both.telegram.text_of(sent.id) for sent in both.telegram.sent if sent.chat == chat]


def _silence(calls: list[float], pauses: list[float]) -> float:
    """How long after the first pause that one of these calls was answered with nothing came."""
    first = min(at for at in pauses if min(abs(at - call) for call in calls) < 0.05)
    return min(call - first for call in calls if call > first + 0.05)


async def _discord_others(both: Both) -> list[float]:
    """How long ten other people wait for an answer, in seconds, three times each."""
    took: list[float] = []
    waiting = {DM[person] for person in CROWD[:_OTHERS]}
    for _ in range(_ROUNDS):
        began = time.monotonic()
        await both.tell_everywhere(CROWD[:_OTHERS])
        left = set(waiting)
        while left:
            await until(lambda left=left: not left <= both.wrong().keys(), "an answer")
            took += [time.monotonic() - began] * len(left - both.wrong().keys())
            left &= both.wrong().keys()
    return took


async def _telegram_others(both: Both, first: int) -> list[float]:
    took: list[float] = []
    for _ in range(_ROUNDS):
        texts = [both.say(chat) for chat in range(first, first + _OTHERS)]
        await until(lambda texts=texts: all(both.shown_at(text) for text in texts), "answers for the others")
        took += [both.shown_at(text)[0] - both.said_at[text] for text in texts]
    return took


def _compared(before: list[float], meanwhile: list[float]) -> str:
    base, now = (statistics.quantiles(times, n=20)[-1] for times in (before, meanwhile))
    return f"others' p95 {now:.2f} s, {now / base:.2f} x the {base:.2f} s before (goal 1.2 x)"
