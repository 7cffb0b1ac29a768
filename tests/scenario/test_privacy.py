"""What people decide about what is kept of them, through the whole product on the models that ship with it.

A canary word is looked for in every key of Redis, in every file and in all that was printed.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bots.locales import Phrases
from core.lanes.lanes import Lanes
from core.speech.synthesis import Speaking
from core.speech.voices.builtin import BuiltinVoice
from core.store.redis import Store, open_store, server_binary
from core.values.channel import ChannelKey
from tests.platforms.discord_interactions import Given
from tests.platforms.discord_payloads import BOB as BEN
from tests.platforms.discord_payloads import GENERAL
from tests.platforms.discord_server import DiscordServer
from tests.platforms.telegram_server import ANN, BOB, GROUP, TelegramServer
from tests.scenario.product import Product, environment, running
from tests.support.kept import everything, files

SAY = Phrases().say
CANARY = "quinzelbird"
HEARD = "alice"
"""A second canary: a word that the small ears hear."""
STATEMENTS = (
    f"My bird is called {CANARY}.",
    f"I bought {CANARY} in a little shop in Vienna many years ago.",
    f"My sister likes {CANARY} as much as I do, and so does our neighbour.",
    f"Every morning {CANARY} wakes me up and wants to be fed with seeds and apples.",
)


@dataclass
class Place:
    """A running Parley, and where its Redis keeps files."""

    product: Product
    url: str
    data: Path

    @asynccontextmanager
    async def store(self) -> AsyncGenerator[Store]:
        async with open_store(self.url, self.data / "d") as opened:
            yield opened

    async def kept(self) -> list[bytes]:
        async with self.store() as store:
            return await everything(store)

    async def traces(self, *words: str) -> list[str]:
        """Where one of these words is: in Redis, in files, in what was printed."""

        def sings(text: bytes) -> bool:
            return any(word.encode() in text.lower() for word in words)

        found = [f"key: {value[:60]!r}" for value in await self.kept() if sings(value)]
        if sings(await asyncio.to_thread(files, self.data)):
            found.append("files")
        return [*found, *(line for line in (*self.product.log, *self.product.said) if sings(line.encode()))]

    async def silent_within_5_s(self, *words: str) -> None:
        """No trace of these words is left five seconds after the answer."""
        deadline = asyncio.get_running_loop().time() + 5
        while (found := await self.traces(*words)) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.1)
        assert found == []

    async def models(self) -> list[dict[str, object]]:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{self.product.page}/v1/models")).json()["models"]


@asynccontextmanager
async def living(data: Path, url: str = "", **settings: str) -> AsyncGenerator[Place]:
    async with running(data, REDIS_URL=url, **settings) as product:
        yield Place(product, url, data)


@contextlib.contextmanager
def own_redis(folder: Path) -> Generator[str]:
    """A Redis as an owner may run it: it appends to a file and takes snapshots. Yields its address."""
    folder.mkdir()
    socket = folder / "r.sock"
    command = [server_binary(), "--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    with subprocess.Popen([*command, "--appendonly", "yes", "--save", "1 1"], stdout=subprocess.DEVNULL) as server:
        try:
            yield f"unix://{socket}"
        finally:
            server.terminate()


async def note() -> bytes:
    speaking = Speaking(BuiltinVoice())
    spoken = await speaking.speak("Hello, my name is Alice.", "en")
    await speaking.close()
    return spoken.ogg


async def until(truth: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(60):
        while not await truth():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("server", ["started by Parley", "of the owner"])
async def test_pain_17_forget_me_on_telegram_leaves_no_trace_in_redis_files_and_logs(data: Path, server: str):
    async with contextlib.AsyncExitStack() as stack:
        url = stack.enter_context(own_redis(data / "r")) if server == "of the owner" else ""
        telegram = await stack.enter_async_context(TelegramServer())
        settings = {"TELEGRAM_TOKEN": telegram.token, "TELEGRAM_API_BASE": telegram.base}
        place = await stack.enter_async_context(living(data, url, **settings))
        channel = ChannelKey("telegram", f"42:{ANN['id']}")

        async def say(text: str = "", **more: object) -> str:
            count = len(telegram.sent)
            telegram.say(text, **more)  # pyright: ignore[reportArgumentType]
            await telegram.wait_sent(count + 1)
            return (await telegram.wait_quiet(0.3))[-1].text

        async def summary() -> str:
            async with place.store() as store:
                return (await Lanes(store).dialogue(channel)).summary

        await say("/privacy allow")
        for statement in STATEMENTS * 4:
            await say(statement)
        await until(lambda: _is_told(summary))
        await say(voice=telegram.voice(await note()))
        words = next(sent for sent in reversed(telegram.sent) if not sent.voice)
        assert HEARD in words.text.lower()
        telegram.react(words, new=["👍"])
        await say(f"@parley_bot do you know {CANARY}?", chat=GROUP)
        await say("@parley_bot hello", chat=GROUP, user=BOB)
        await until(lambda: _rated(place))
        assert len(await place.traces(CANARY, HEARD)) >= 3
        assert any(model.get("kept_channels") for model in await place.models())

        said = await say("/forget me")
        assert said.startswith(
            "Done, I have forgotten you and what you allowed. "
            "Erased: messages with my answers 18 · summaries 1 · ratings 1"
        )
        await place.silent_within_5_s(CANARY, HEARD)
        assert not any(model.get("kept_channels") for model in await place.models())
        assert not any(b"consent" in value for value in await place.kept())
        assert any(b"hello" in value for value in await place.kept())  # Bob's
        await place.product.kill()
        await (await place.product.start()).healthy()
        await place.silent_within_5_s(CANARY, HEARD)


async def test_a_kill_while_it_forgets_is_made_good_by_the_next_start(data: Path):
    async with TelegramServer() as telegram:
        settings = {"TELEGRAM_TOKEN": telegram.token, "TELEGRAM_API_BASE": telegram.base}
        async with living(data, **settings) as place:
            for moment_s in (0.0, 0.02, 0.1):
                for chat in ({"id": ANN["id"], "type": "private"}, GROUP):
                    count = len(telegram.sent)
                    telegram.say(f"@parley_bot I like {CANARY}", chat=chat)
                    await telegram.wait_sent(count + 1)
                count = len(telegram.sent)
                wish = telegram.say("/forget me")
                await until(lambda wish=wish: _done(lambda: max(telegram.offsets) > wish["update_id"]))
                await asyncio.sleep(moment_s)
                await place.product.kill()
                await (await place.product.start()).healthy()
                await telegram.wait_sent(count + 1)
                assert telegram.sent[-1].text.startswith("Done, I have forgotten you")
                await place.silent_within_5_s(CANARY)
                await telegram.wait_quiet()


async def test_pain_17_export_on_telegram_comes_to_the_person_alone(data: Path):
    async with TelegramServer() as telegram:
        settings = {"TELEGRAM_TOKEN": telegram.token, "TELEGRAM_API_BASE": telegram.base}
        async with living(data, **settings):
            telegram.say(f"@parley_bot hello {CANARY}", chat=GROUP)
            await telegram.wait_sent(1)
            telegram.say("@parley_bot good morning", chat=GROUP, user=BOB)
            await telegram.wait_sent(2)
            telegram.say("/export", chat=GROUP)
            *_, sent = await telegram.wait_sent(3)
            assert (sent.chat, sent.text) == (ANN["id"], SAY("exported", "en"))
            found = json.loads(sent.document)
            assert [turn["said"] for room in found["channels"] for turn in room["turns"]] == [f"hello {CANARY}"]
            telegram.chats.closed.add(BOB["id"])
            telegram.say("/export", chat=GROUP, user=BOB)
            *_, told = await telegram.wait_sent(4)
            assert (told.chat, told.text) == (GROUP["id"], SAY("write_privately_first", "zh-hans"))
            assert not told.document


async def test_privacy_forget_and_export_on_discord(data: Path):
    discord = DiscordServer()
    await discord.start()
    try:
        settings = {"DISCORD_API_BASE": discord.api, "DISCORD_GATEWAY": discord.gateway}
        async with living(data, DISCORD_TOKEN=discord.token, **settings) as place:
            await discord.wait_ready(120)

            async def under(name: str, choice: str = "", **more: str) -> Given:
                token = await discord.interactions.command(name, choice, **more)
                given = discord.interactions.given[token]
                await until(lambda: _done(lambda: bool(given.texts)))
                return given

            await discord.say(f"I like {CANARY}", author=BEN)
            await discord.say(f"and {CANARY} likes me", author=BEN, channel=GENERAL, mention=True)
            await discord.say("hello there", channel=GENERAL, mention=True)
            await discord.wait_sent(3)
            here = {"author": BEN, "channel": GENERAL}
            assert SAY("consent_none", "en") in (await under("privacy", **here)).texts[0]
            assert "You allowed on" in (await under("privacy", "allow", **here)).texts[0]
            given = await under("export", **here)
            assert (given.ephemeral, given.texts) == (True, [SAY("exported", "en")])
            found = json.loads(given.files[0])
            assert found["improving_the_model"]["allowed"]
            assert sorted(turn["said"] for room in found["channels"] for turn in room["turns"]) == [
                f"I like {CANARY}",
                f"and {CANARY} likes me",
            ]
            count = len(discord.sent)
            await discord.say("/export", author=BEN)
            await discord.wait_sent(count + 1)
            assert json.loads(discord.sent[-1].voice)["person"] == BEN
            assert (await under("forget", "channel", **here)).texts == [SAY("only_admins", "en")]
            assert "messages with my answers 2" in (await under("forget", "me", **here)).texts[0]
            await place.silent_within_5_s(CANARY)
            assert any(b"hello there" in value for value in await place.kept())
            assert "messages with my answers 1" in (await under("forget", "channel", channel=GENERAL)).texts[0]
            assert not any(b"hello there" in value for value in await place.kept())
    finally:
        await discord.stop()


async def test_privacy_forget_and_export_on_the_web(data: Path):
    async with living(data) as place:
        product = place.product
        await product.ask(f"I like {CANARY}", "one")
        await product.ask(f"So does {CANARY}", "two")
        messages = f"{product.page}/v1/channels/one/messages"
        async with httpx.AsyncClient(timeout=60) as client:
            heard = await client.post(messages, files={"file": ("note.ogg", await note(), "audio/ogg")})
            assert HEARD in heard.json()["heard"].lower()
            refused = await client.post(messages, files={"file": (f"{CANARY}.png", b"\x89PNG", "image/png")})
            assert refused.status_code == 422
            assert "You allowed on" in (await product.ask("/privacy allow", "one"))["text"]
            answer = await product.ask("/export", "one")
            assert answer["text"] == SAY("exported", "en")
            file = await client.get(f"{product.page}{answer['file_url']}")
            assert "attachment" in file.headers["content-disposition"]
            rooms = file.json()["channels"]
            assert {room["channel"]: len(room["turns"]) for room in rooms} == {"web/one": 2, "web/two": 1}
            assert sum(each["bytes"] for room in rooms for each in room["files"]) > 1000
            said = (await product.ask("/forget me", "two"))["text"]
            assert said.startswith(
                "Done, I have forgotten you and what you allowed. Erased: messages with my answers 3"
            )
            await place.silent_within_5_s(CANARY, HEARD)
            assert (await client.get(f"{product.page}{answer['file_url']}")).status_code == 404
            assert (await client.get(messages)).json()["messages"] == []


async def test_privacy_forget_and_export_in_the_terminal(data: Path):
    lines = [f"I like {CANARY}", "/privacy allow", "/export", "/privacy"]
    printed = await _chat(data, *lines)
    assert "You allowed on" in printed
    folder = data / "d" / "exports"
    (file,) = folder.iterdir()
    assert f"{SAY('exported', 'en')} {file}" in printed
    assert file.stat().st_mode & 0o077 == 0
    assert json.loads(file.read_text("utf-8"))["channels"][0]["turns"][0]["said"] == f"I like {CANARY}"
    printed = await _chat(data, "/forget me", "/privacy")
    assert "Done, I have forgotten you and what you allowed. Erased: messages with my answers 1" in printed
    assert SAY("consent_none", "en") in printed
    assert CANARY.encode() not in await asyncio.to_thread(files, data)


async def _chat(data: Path, *lines: str) -> str:
    """What `parley chat` prints to these lines."""
    chat = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bots",
        "chat",
        cwd=data,
        env=environment(DATA_DIR=str(data / "d"), LANG="en_GB.UTF-8"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        printed, _ = await chat.communicate("".join(f"{line}\n" for line in lines).encode())
    assert chat.returncode == 0
    return printed.decode()


async def _done(truth: Callable[[], bool]) -> bool:
    return truth()


async def _is_told(summary: Callable[[], Awaitable[str]]) -> bool:
    return CANARY in await summary()


async def _rated(place: Place) -> bool:
    return any("👍".encode() in value for value in await place.kept())
