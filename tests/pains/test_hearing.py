"""Ears without a key and without a network, short clips, the language of a chat, and what was misheard."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from core.thinking import profiles
from core.thinking.engine import Engine
from core.values.channel import ChannelKey, Person
from core.values.dialogue import Dialogue
from core.values.events import Message
from core.values.preferences import Preferences
from core.values.turn import Turn
from tests.fakes.thinking import FakeHearing, FakeModel, FakeSpeaking
from tests.fault.model_server import answer_to
from tests.pains.world import World, spoken, until
from tests.scenario.product import running

pytestmark = pytest.mark.asyncio(loop_scope="session")
CLIPS = ("Yes.", "No.", "Hello.", "Stop.", "Thank you.", "Good night.")


@asynccontextmanager
async def silent_network() -> AsyncGenerator[tuple[str, list[str]]]:
    """A proxy and hub that takes every connection and never answers; the list tells who called."""
    called: list[str] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append((await reader.readline()).decode(errors="replace"))
        await asyncio.Event().wait()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", called
    finally:
        server.close()


async def test_pain_10_ears_work_after_the_install_without_key_or_network(tmp_path: Path, notes: list[bytes]):
    data = tmp_path / "d"
    data.mkdir()
    async with silent_network() as (nowhere, called):
        ways = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "HF_ENDPOINT")
        network = dict.fromkeys(ways, nowhere) | {"HF_HOME": str(tmp_path / "empty"), "NO_PROXY": "127.0.0.1"}
        async with running(data, **network) as product, httpx.AsyncClient(timeout=60) as client:
            file = {"file": ("note.ogg", notes[0], "audio/ogg")}
            answer = (await client.post(f"{product.page}/v1/channels/a/messages", files=file)).json()
        assert "alice" in answer["heard"].lower()
        assert answer["text"]
        assert called == []


async def test_pain_11_short_clips_are_heard_as_what_they_say(world: World):
    clips = await spoken(CLIPS)
    for number, clip in enumerate(clips):
        world.telegram.person(1100 + number, voice=world.telegram.voice(clip, duration=1))
    await until(lambda: all(world.telegram.texts(1100 + number) for number in range(len(clips))))
    shown = [world.telegram.texts(1100 + number)[0].split("\n")[0] for number in range(len(clips))]
    assert [line.strip("🎧 “”") for line in shown] == [clip.strip(".").lower() for clip in CLIPS]


async def test_pain_11_a_chat_is_heard_in_its_own_language():
    hearing = FakeHearing()
    engine = Engine(FakeModel(), hearing, FakeSpeaking(), profiles.load("plain"))
    message = Message("1", ChannelKey("telegram", "42:1"), Person("1", "Ann", "de"), 1.0)
    fixed, app = Preferences(language="zh-Hans"), Preferences()
    spoken = Turn("0", 0.0, "Ann", "Bonjour", "Salut", "fr", "fake", "plain", is_transcript=True)
    for preferences, dialogue in ((fixed, Dialogue()), (app, Dialogue()), (app, Dialogue(turns=(spoken,)))):
        await engine.hear(b"hi", message, dialogue, preferences)
    assert hearing.asked == [("zh-Hans", ("de",)), (None, ("de",)), (None, ("fr", "de"))]


async def test_pain_11_names_of_the_chat_are_expected():
    hearing = FakeHearing()
    engine = Engine(FakeModel(), hearing, FakeSpeaking(), profiles.load("plain"))
    message = Message("1", ChannelKey("telegram", "42:1"), Person("1", "Siobhan", "en"), 1.0, bot_names=("Parley",))
    turns = [Turn(str(n), 0.0, who, "Hi", "Hi", "en", "fake", "plain") for n, who in enumerate(("Zora", "Siobhan"))]
    await engine.hear(b"hi", message, Dialogue(turns=tuple(turns)), Preferences())
    assert hearing.names == ("Siobhan", "Zora", "Parley")


async def test_pain_11_what_was_misheard_is_seen_and_put_right(world: World, notes: list[bytes]):
    telegram, model = world.telegram, world.model
    telegram.person(1110, voice=telegram.voice(notes[0]))
    await until(lambda: telegram.texts(1110))
    assert telegram.texts(1110)[0].startswith("🎧 “hello")
    telegram.person(1110, "/undo")
    telegram.person(1110, "My name is Alys.")
    await until(lambda: answer_to("My name is Alys.") in telegram.texts(1110))
    last = next(asked for asked in reversed(model.asked) if asked.said == "My name is Alys.")
    assert len(last.chat) == 2
    assert "alice" not in str(last.chat).lower()
