"""The terminal chat over real pipes and a pseudo-terminal, with a worker that answers by script."""

import asyncio
import io
import os
import pty
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bots.console.platform import CHANNEL, ConsolePlatform
from bots.locales import Phrases
from core.errors import PermanentError, RetryableError, UserError
from core.platform import Platform
from core.values.attachments import VoiceNote
from core.values.channel import MediaRef
from core.values.events import Message, PlatformEvent, Reaction
from core.values.parts import DraftPart, NoticePart, TextPart, VoicePart


class Chat:
    """A console with its pipes; what `accept` got is answered at once, in the way that its text asks for."""

    def __init__(self, sink: io.StringIO | io.TextIOWrapper, source: int) -> None:
        self.platform = ConsolePlatform(Phrases(), source=source, sink=sink, language="en-GB")
        self.events: list[PlatformEvent] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def accept(self, event: PlatformEvent) -> bool:
        self.events.append(event)
        if isinstance(event, Message):
            if event.text == "away":
                raise RetryableError("Redis is away")
            self.tasks.append(asyncio.create_task(self.answer(event)))
        return True

    async def answer(self, message: Message) -> None:
        send = self.platform.send
        if message.text == "/bug":
            await send(NoticePart(message.id, 0, CHANNEL, "That went wrong."))
            return
        if message.text == "/help":
            await send(TextPart(message.id, 0, CHANNEL, "I know /help."))
            return
        heard = "hello" if message.media else ""
        for text in ("You ", "You said"):
            await send(DraftPart(message.id, 0, CHANNEL, text, transcript=heard))
            await asyncio.sleep(0)
        text = "Changed." if message.text == "change" else f"You said {heard or message.text}"
        await send(TextPart(message.id, 0, CHANNEL, text, transcript=heard, rateable=True))
        if heard:
            await send(VoicePart(message.id, 1, CHANNEL, VoiceNote(b"OggS", 1.25, b"")))


async def piped(text: str) -> tuple[str, list[PlatformEvent]]:
    source, feed = os.pipe()
    os.write(feed, text.encode())
    os.close(feed)
    sink = io.StringIO()
    chat = Chat(sink, source)
    async with asyncio.timeout(10):
        await chat.platform.listen(chat.accept)
        await asyncio.gather(*chat.tasks)
    os.close(source)
    return sink.getvalue(), chat.events


@asynccontextmanager
async def terminal() -> AsyncGenerator[tuple[Chat, int, asyncio.Task[None]]]:
    ours, theirs = pty.openpty()
    with open(theirs, "w", closefd=False) as sink:  # noqa: ASYNC230
        chat = Chat(sink, theirs)
        listening = asyncio.create_task(chat.platform.listen(chat.accept))
        yield chat, ours, listening
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    os.close(ours)
    os.close(theirs)


async def screen(terminal_fd: int, until: str) -> str:
    shown = ""
    async with asyncio.timeout(10):
        while until not in shown:
            shown += (await asyncio.to_thread(os.read, terminal_fd, 4096)).decode()
    return shown


def leftovers() -> list[str]:
    return [str(path) for path in Path(tempfile.gettempdir()).glob("parley-*/*.ogg")]


def test_is_a_platform() -> None:
    platform: Platform = ConsolePlatform(Phrases())
    assert platform.name == "console"


async def test_lines_of_a_pipe_are_answered_in_order_and_then_it_ends() -> None:
    printed, events = await piped("one\n\n  two \nthree")
    assert printed == "You said one\nYou said two\nYou said three\n"
    assert [event.channel for event in events] == [CHANNEL] * 3
    assert isinstance(events[0], Message)
    assert events[0].sender.language == "en-GB"


async def test_quit_ends_it() -> None:
    printed, events = await piped("one\n/quit\ntwo\n")
    assert printed == "You said one\n"
    assert len(events) == 1


async def test_a_command_of_parley_itself_is_passed_on() -> None:
    assert (await piped("/help\n/bug\n/help\n"))[0] == "I know /help.\nThat went wrong.\nI know /help.\n"


async def test_rating_the_last_answer() -> None:
    printed, events = await piped("+1\none\n+1\n👎\n")
    assert printed.startswith("There is no answer to rate yet.\nYou said one\nNoted: 👍\n")
    message, good, bad = events
    assert isinstance(good, Reaction)
    assert isinstance(bad, Reaction)
    assert good.target == bad.target == f"{message.id}-0"
    assert (good.added, good.removed) == (("👍",), ("👎",))
    assert (bad.added, bad.removed) == (("👎",), ("👍",))


async def test_a_file_is_heard_and_answered_by_voice(tmp_path: Path) -> None:
    note = tmp_path / "a note.ogg"
    note.write_bytes(b"OggS")
    printed, events = await piped(f"@{note}\n@{tmp_path}/none.ogg\n")
    heard, answer, voice, missing = printed.splitlines()
    assert (heard, answer) == ("🎧 hello", "You said hello")
    assert voice.startswith("♪ 1.2 s: ")
    assert voice.removeprefix("♪ 1.2 s: ") not in leftovers()
    assert missing == f"There is no file {tmp_path}/none.ogg."
    assert isinstance(events[0], Message)
    (media,) = events[0].media
    assert (media.kind, media.name, media.size_bytes) == ("audio", "a note.ogg", 4)
    platform = ConsolePlatform(Phrases())
    assert await platform.fetch(media, 4) == b"OggS"
    with pytest.raises(UserError):
        await platform.fetch(media, 3)
    with pytest.raises(PermanentError):
        await platform.fetch(MediaRef("audio", str(tmp_path / "none")), 3)


async def test_without_redis_it_says_so_and_goes_on() -> None:
    assert (await piped("away\none\n"))[0].endswith("try again in a moment.\nYou said one\n")


async def test_in_a_terminal_the_answer_grows_and_the_prompt_returns() -> None:
    async with terminal() as (_, keyboard, listening):
        assert "/quit" in await screen(keyboard, "› ")
        os.write(keyboard, b"hi\n")
        assert (await screen(keyboard, "› ")).replace("\r", "").endswith("You said hi\n› ")
        os.write(keyboard, b"change\n")
        assert (await screen(keyboard, "› ")).replace("\r", "").endswith("You said\nChanged.\n› ")
        os.write(keyboard, b"\x04")
        async with asyncio.timeout(5):
            await listening


async def test_a_cancelled_chat_ends_though_nobody_types() -> None:
    async with terminal() as (_, keyboard, listening):
        await screen(keyboard, "› ")
        listening.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(listening, return_exceptions=True)
