"""Discord's gateway drops, forgets or refuses the bot: what Discord still holds is answered, once and in order."""

import asyncio
import time

import httpx

from tests.fault.conftest import Note
from tests.fault.discord_world import Both
from tests.fault.model_server import answer_to
from tests.fault.world import until
from tests.platforms.discord_payloads import ALICE, BOB, CROWD, GENERAL, THREAD

_IDENTIFY_GAP_S = 30


async def test_20_a_dropped_gateway_is_resumed_and_nothing_is_lost(both: Both, note: Note):
    gateway = both.discord.events
    for number in range(5):
        await both.tell()
        await gateway.close(4000)
        await both.tell()
        await both.tell(BOB)
        await until(lambda resumed=number + 1: gateway.resumes == resumed, "a resume")
    wrong = await both.settled()
    note(f"5 drops, {gateway.resumes} resumes, {len(gateway.identifies)} IDENTIFY, wrongly shown {len(wrong)}")
    assert wrong == {}
    assert (gateway.resumes, len(gateway.identifies)) == (5, 1)
    both.no_error()


async def test_20_a_forgotten_session_begins_anew_and_reads_what_was_said(both: Both, note: Note):
    await _everywhere(both, "before")
    await until(lambda: len(both.discord.sent) == 4, "everywhere heard once")
    await both.discord.wait_quiet()
    forgotten = time.monotonic()
    await both.discord.events.end_session()
    for number in range(3):
        await _everywhere(both, f"meanwhile {number}")
    await both.ready()
    await _everywhere(both, "at once")  # before the bot has read what was said meanwhile
    returned = time.monotonic()
    wrong = await both.settled()
    await _groups_settled(both, 5)
    gaps = _gaps(both)
    note(
        f"a new IDENTIFY {returned - forgotten:.1f} s after the session was forgotten, {min(gaps):.1f} s after the one "
        f"before (at least {_IDENTIFY_GAP_S}); the last answer {time.monotonic() - returned:.1f} s later"
    )
    assert wrong == {}
    _groups_right(both, ["before", "meanwhile 0", "meanwhile 1", "meanwhile 2", "at once"])
    assert len(gaps) == 1
    assert min(gaps) >= _IDENTIFY_GAP_S
    both.no_error()


async def test_20_a_refused_first_connection_is_tried_again_and_the_time_away_is_read(both: Both, note: Note):
    await _everywhere(both, "before")
    await until(lambda: len(both.discord.sent) == 4, "everywhere heard once")
    await both.discord.wait_quiet()
    await both.kill()
    both.discord.events.identified.clear()
    both.discord.events.refuse = 1
    await _everywhere(both, "while away")
    await both.product.start()
    await until(lambda: both.discord.events.refused == 1, "a refused connection")
    refused = time.monotonic()
    await both.tell(CROWD[0], "to nobody yet, and never heard before")
    told = await _health(both)
    await both.ready()
    await _everywhere(both, "at once")
    both.told.pop(CROWD[0])  # Discord tells no bot of a direct channel that it never heard from
    wrong = await both.settled()
    await _groups_settled(both, 3)
    tried = both.discord.events.identified_at[-1] - refused
    note(f"tried again {tried:.1f} s after the refusal; /healthz meanwhile: {told}")
    assert wrong == {}
    _groups_right(both, ["before", "while away", "at once"])
    assert tried >= _IDENTIFY_GAP_S
    assert told == "not connected"
    both.no_error()


async def _everywhere(both: Both, text: str) -> None:
    """Into two direct channels, a channel and a thread."""
    await both.tell(ALICE, text)
    await both.tell(BOB, text)
    await both.discord.say(text, author=BOB, channel=GENERAL, mention=True)
    await both.discord.say(text, author=ALICE, channel=THREAD, mention=True)


async def _groups_settled(both: Both, count: int) -> None:
    await until(
        lambda: all(len(both.discord.shown(group)) >= count for group in (GENERAL, THREAD)), "answers in groups"
    )
    await both.discord.wait_quiet()


def _groups_right(both: Both, said: list[str]) -> None:
    for group, speaker in ((GENERAL, "Bob"), (THREAD, "Alice")):
        assert both.discord.shown(group) == [answer_to(f"{speaker}: {text}") for text in said]


def _gaps(both: Both) -> list[float]:
    at = both.discord.events.identified_at
    return [after - before for before, after in zip(at, at[1:], strict=False)]


async def _health(both: Both) -> str:
    """What /healthz says of Discord once everything else is well."""
    async with httpx.AsyncClient(timeout=30) as client:
        while True:
            parts = (await client.get(f"{both.product.page}/healthz")).json()
            if all(state == "ok" for name, state in parts.items() if name != "discord"):
                return str(parts["discord"])
            await asyncio.sleep(0.05)
