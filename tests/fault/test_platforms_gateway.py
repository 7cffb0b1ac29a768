"""Discord's gateway drops, forgets or refuses the bot: what Discord still holds is answered, once and in order."""

import asyncio
import time

import httpx

from tests.fault.conftest import Note
from tests.fault.discord_world import Both
from tests.fault.world import until
from tests.platforms.discord_payloads import ALICE, BOB, GENERAL, THREAD

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
    await _heard_everywhere(both)
    forgotten = time.monotonic()
    await both.discord.events.end_session()
    for _ in range(3):
        await _tell_everywhere(both)
    await both.ready()
    await _tell_everywhere(both)  # before the bot can have read what was said meanwhile
    returned = time.monotonic()
    wrong = await both.settled()
    gaps = _gaps(both)
    note(
        f"a new IDENTIFY {returned - forgotten:.1f} s after the session was forgotten, {min(gaps):.1f} s after the one "
        f"before (at least {_IDENTIFY_GAP_S}); the last answer {both.discord.called_at[-1] - returned:.1f} s later"
    )
    assert wrong == {}
    assert len(gaps) == 1
    assert min(gaps) >= _IDENTIFY_GAP_S
    both.no_error()


async def test_20_a_refused_first_connection_is_tried_again_and_the_time_away_is_read(both: Both, note: Note):
    await _heard_everywhere(both)
    await both.kill()
    both.discord.events.identified.clear()
    both.discord.events.refuse = 1
    await _tell_everywhere(both)
    await both.product.start()
    await until(lambda: both.discord.events.refused_at, "a refused connection")
    await _tell_everywhere(both)
    told = await _health(both)
    await both.ready()
    await _tell_everywhere(both)  # before the bot can have read what was said meanwhile
    wrong = await both.settled()
    tried = both.discord.events.identified_at[-1] - both.discord.events.refused_at[0]
    note(f"tried again {tried:.1f} s after the refusal; /healthz meanwhile: {told}")
    assert wrong == {}
    assert tried >= _IDENTIFY_GAP_S
    assert told == "not connected"
    both.no_error()


async def _heard_everywhere(both: Both) -> None:
    """Discord tells a bot of no direct channel that it never heard from."""
    await _tell_everywhere(both)
    assert await both.settled() == {}


async def _tell_everywhere(both: Both) -> None:
    """Into two direct channels, a channel and a thread."""
    await both.tell(ALICE)
    await both.tell(BOB)
    await both.tell(BOB, group=GENERAL)
    await both.tell(ALICE, group=THREAD)


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
