"""After all other tests: no token in anything that a Parley printed, answered or kept, nor in what pytest reports."""

from pathlib import Path

import pytest

from tests.fault.conftest import REPORTS, Note
from tests.fault.discord_world import joined
from tests.platforms.discord_payloads import ALICE, DM
from tests.platforms.discord_server import DiscordServer
from tests.platforms.telegram_server import TelegramServer
from tests.scenario.product import run_to_end
from tests.scenario.traces import TRACES, Trace, secrets_in


def test_23_a_leak_would_be_seen(tmp_path: Path):
    token = "12345678:a-token-that-nobody-has"
    trace = Trace({"TELEGRAM_TOKEN": token})
    TRACES.remove(trace)
    (tmp_path / "dump.rdb").write_bytes(b"\0\1" + token.encode() + b"\2")
    trace.line("all is well")
    trace.line("GET https://api.telegram.org/bot12345678%3Aa-token-that-nobody-has/getMe")
    trace.page("/healthz", b'{"telegram": "a-token-that-nobody-has"}')
    trace.files(tmp_path)
    assert {leak.split(":")[0] for leak in trace.leaks} == {
        "a printed line", "the page /healthz", "the file dump.rdb"}  # fmt: skip


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
async def test_23_platforms_that_fail_in_every_way(data: Path, level: str):
    """Refusals, broken connections and servers that are away end in errors that name what was asked for."""
    async with joined(data, LOG_LEVEL=level, WEB_TOKEN="local-test-web-secret") as both:
        here = f"/channels/{DM[ALICE]}/messages"
        for status in (0, 401, 403, 500, 503):
            both.discord.trouble.answer_next("POST", here, status, {"message": "no", "code": 0})
            await both.tell()
        for method, code in (("sendMessage", 401), ("sendMessage", 500), ("sendChatAction", 400), ("getUpdates", 502)):
            both.telegram.fail(method, code, "Bad Request: no")
            both.say(1)
        both.telegram.say(voice=both.telegram.voice(b"OggS"))
        await both.discord.voice(b"OggS")
        await both.discord.events.close(4000)
        both.model.trouble = lambda said: None
        await both.model.refuse()
        both.say(2)
        await both.discord.wait_quiet(3)
        await both.model.listen()
        await both.telegram.wait_quiet(1)


async def test_23_tokens_that_are_refused(data: Path):
    discord = DiscordServer("the-right-discord-secret")
    await discord.start()
    async with TelegramServer("42:the-right-telegram-secret") as telegram:
        for settings in (
            {"TELEGRAM_TOKEN": "42:a-wrong-telegram-secret", "TELEGRAM_API_BASE": telegram.base},
            {"DISCORD_TOKEN": "a-wrong-discord-secret", "DISCORD_API_BASE": discord.api},
            {"TELEGRAM_TOKEN": "not-even-a-telegram-secret"},
        ):
            for command in ("run", "doctor"):
                code, printed = await run_to_end(data, command, **settings)
                assert code != 0, printed
    await discord.stop()


def test_23_no_token_is_anywhere(note: Note):
    looked_at = {kind: sum(trace.looked_at[kind] for trace in TRACES) for kind in ("lines", "pages", "files")}
    secrets = {secret for trace in TRACES for secret in trace.secrets}
    leaks = [leak for trace in TRACES for leak in trace.leaks]
    note(f"{len(TRACES)} Parleys with {len(secrets)} secrets: {looked_at}, {len(REPORTS)} reports; leaks {leaks}")
    assert len(secrets) >= 6
    assert min(looked_at.values()) > 0
    assert leaks == []
    assert secrets_in(REPORTS) == []
