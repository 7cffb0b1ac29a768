"""`parley setup` as a person meets it: a child in a pseudo-terminal, and local servers at the other end."""

import asyncio
import contextlib
import os
import pty
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.platforms.discord_server import DiscordServer
from tests.platforms.telegram_server import BOB, TOKEN, TelegramServer
from tests.scenario.product import environment
from tests.support.model_pages import listed, serving

_SECRET = TOKEN.partition(":")[2]
_PROMPT = "(Enter: not now):"
_PERMISSIONS = sum(1 << bit for bit in (6, 10, 11, 15, 16, 38, 46))
"""developers/topics/permissions: reactions, seeing channels, messages, files, history, in threads, voice messages."""
_NOBODY = "http://127.0.0.1:9"


class Person:
    """Reads the screen and types."""

    def __init__(self, process: asyncio.subprocess.Process, screen: int) -> None:
        self.process = process
        self.seen = ""
        self._screen = screen
        self._read_to = 0

    async def sees(self, text: str) -> str:
        """Wait until it stands there, after what was seen before; what came up to it."""
        while (at := self.seen.find(text, self._read_to)) < 0:
            assert await asyncio.wait_for(self._more(), 60), self.seen[self._read_to :]
        shown, self._read_to = self.seen[self._read_to : at], at + len(text)
        return shown

    async def types(self, line: str) -> None:
        await asyncio.to_thread(os.write, self._screen, f"{line}\n".encode())

    async def ends(self) -> int:
        """Its exit code."""
        while await self._more():
            pass
        return await self.process.wait()

    async def _more(self) -> bool:
        with contextlib.suppress(OSError):  # the other end is closed
            if piece := await asyncio.to_thread(os.read, self._screen, 65_536):
                self.seen += piece.decode(errors="replace").replace("\r\n", "\n")
                return True
        return False


@asynccontextmanager
async def asked(folder: Path, **settings: str) -> AsyncGenerator[Person]:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bots",
        "setup",
        cwd=folder,
        env=environment(**{"LANG": "en_GB.UTF-8", "ACCESS": "", "MODELS": "", "DISCORD_API_BASE": _NOBODY, **settings}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Person(process, ours)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)


async def skip_models(person: Person) -> None:
    for _ in range(2):
        await person.sees("Which one?")
        await person.types("")


def written(folder: Path) -> dict[str, str]:
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


@pytest.mark.slow
async def test_every_answer_is_tried_and_kept_and_the_writer_becomes_the_owner(tmp_path: Path):
    discord = DiscordServer()
    await discord.start()
    async with TelegramServer() as telegram:
        telegram.say("hello", user=BOB)
        async with asked(tmp_path, TELEGRAM_API_BASE=telegram.base, DISCORD_API_BASE=discord.api) as person:
            await person.sees("Which one? [1]")
            await person.types("2")
            await person.sees("Which one? [2]")  # the built-in mind alone: nothing is fetched, the ears neither
            await person.types("")
            await person.sees(_PROMPT)
            await person.types("hello")
            await person.sees("does not look like the token that @BotFather gives")
            await person.sees(_PROMPT)
            await person.types("42:wrong")
            await person.sees("That token is refused")
            await person.sees(_PROMPT)
            await person.types(TOKEN)
            await person.sees("That is Parley, https://t.me/parley_bot\nIn groups it is shown commands, mentions")
            await person.sees(_PROMPT)
            await person.types(discord.token)
            await person.sees("Its Message Content Intent is off")
            link = await person.sees("OWNER")
            assert "scope=bot+applications.commands" in link
            assert f"permissions={_PERMISSIONS}" in link
            await person.sees("[Y/n]")
            await person.types("")
            await person.sees("Bob Li (telegram:8) wrote. Is that you? [Y/n]")
            await person.types("")
            await person.sees("That is all.")
            assert await person.ends() == 0
        assert _SECRET not in person.seen
        assert discord.token not in person.seen
        assert set(telegram.offsets) == {0}  # nothing was confirmed: Parley still gets the message
    await discord.stop()
    assert written(tmp_path) == {
        "MODELS": "builtin",
        "LM_MODEL": "",
        "LM_URL": "",
        "ASR_MODEL": "",
        "TELEGRAM_TOKEN": TOKEN,
        "DISCORD_TOKEN": "discord-test-token",
        "OWNERS": "telegram:8",
    }


@pytest.mark.slow
async def test_asked_again_it_shows_what_is_set_and_leaves_the_rest_of_the_file_alone(tmp_path: Path):
    file = f"# mine\nTELEGRAM_TOKEN={TOKEN}  # the bot of the shop\n\nOWNERS=telegram:7\nLM_MODEL=/models/big\n"
    (tmp_path / ".env").write_text(file)
    async with TelegramServer() as telegram, asked(tmp_path, TELEGRAM_API_BASE=telegram.base) as person:
        await person.sees("*1. as it is: /models/big")
        await skip_models(person)
        await person.sees("A token is set: ...oken")
        await person.sees("Another token (Enter: as it is; -: none any more):")
        await person.types("")
        await person.sees(_PROMPT)
        await person.types("")
        await person.sees("As set: telegram:7")
        await person.types("nobody")
        await person.sees("That is no id such as")
        await person.types("")
        assert await person.ends() == 0
    after = (tmp_path / ".env").read_text()
    assert after.startswith(file)
    assert set(written(tmp_path)) - {"MODELS", "ASR_MODEL"} == {"TELEGRAM_TOKEN", "OWNERS", "LM_MODEL"}
    assert _SECRET not in person.seen


@pytest.mark.slow
async def test_a_platform_out_of_reach_keeps_the_token_only_if_wanted(tmp_path: Path):
    async with asked(tmp_path, TELEGRAM_API_BASE=_NOBODY) as person:
        await skip_models(person)
        for answer in ("n", "y"):
            await person.sees(_PROMPT)
            await person.types(TOKEN)
            await person.sees("Nobody answers: Telegram cannot be reached")
            assert "TELEGRAM_TOKEN" not in written(tmp_path)
            await person.types(answer)
        await person.sees("DISCORD")
        assert written(tmp_path)["TELEGRAM_TOKEN"] == TOKEN


@pytest.mark.slow
async def test_ctrl_c_in_the_middle_keeps_what_was_answered(tmp_path: Path):
    async with asked(tmp_path) as person:
        await skip_models(person)
        await person.sees(_PROMPT)
        person.process.send_signal(signal.SIGINT)
        await person.sees("Stopped. What was answered is in .env.")
        assert await person.ends() == 130
    assert written(tmp_path)["MODELS"] == "starter"
    assert "Traceback" not in person.seen


@pytest.mark.slow
async def test_a_server_is_asked_for_its_models_and_its_key_is_not_shown(tmp_path: Path):
    pages = {"v1/models": listed({"id": "small", "max_model_len": 2048}, {"id": "large", "max_model_len": 8192})}
    async with serving(pages) as url, asked(tmp_path, LANG="zh_CN.UTF-8") as person:
        options = await person.sees("选哪一个？")
        await person.types(options.rsplit(". 支持", 1)[0].rsplit(" ", 1)[1])
        await person.sees("http://127.0.0.1:11434/v1")
        await person.types("nowhere")
        await person.sees("这不是像")
        await person.sees("选哪一个？")
        await person.types(options.rsplit(". 支持", 1)[0].rsplit(" ", 1)[1])
        await person.types(url)
        await person.sees("密钥")
        await person.types("sk-very-secret")
        await person.sees("2. large")
        await person.types("2")
        await person.sees("large 有回应。提示和回答合计最多的 token 数：8192。")
        await person.sees("选哪一个？")
        found = written(tmp_path)
    assert (found["LM_URL"], found["LM_MODEL"], found["LM_API_KEY"]) == (url, "large", "sk-very-secret")
    assert "sk-very-secret" not in person.seen


@pytest.mark.slow
async def test_lines_of_a_pipe_are_answers_and_their_end_is_the_end(tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bots",
        "setup",
        cwd=tmp_path,
        env=environment(LANG="en_GB.UTF-8", MODELS=""),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate(b"\n99\n1\n")
    assert process.returncode == 1
    assert b"Please type a number from 1 to " in printed
    assert printed.decode().endswith("There are no more answers: what was answered is in .env.\n")
    assert b"Traceback" not in printed
