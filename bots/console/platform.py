"""A chat in the terminal, for `parley chat`: one person, one channel, one line at a time.

The prompt comes back when the answer is whole, so nothing that is typed mixes with what is printed. Lines from a pipe
are answered in order. The worker must run in the same process: `send` prints.
"""

import asyncio
import contextlib
import mimetypes
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO, assert_never

from bots.locales import Phrases, language_of_terminal
from core import clock
from core.errors import PermanentError, RetryableError, UserError
from core.platform import Accept, Limits
from core.values.attachments import Document
from core.values.channel import ChannelKey, MediaKind, MediaRef, Person, PlatformName
from core.values.events import Message, Reaction
from core.values.parts import DraftPart, FilePart, NoticePart, RemovalPart, Sendable, TextPart, VoicePart
from core.values.turn import Activity

CHANNEL = ChannelKey("console", "terminal")
_RATING = {"+1": "👍", "👍": "👍", "-1": "👎", "👎": "👎"}
_LEAVE = ("/quit", "/exit")
_ANSWER_S = 300.0
_VOICE_S = 3.0
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"


class ConsolePlatform:
    """Reads the file descriptor `source`, writes to `sink`; `language` is the BCP 47 tag of the person's terminal.

    `exports` is the folder for what /export gives; while `loading`, what is written has to wait, and that is said.
    """

    def __init__(
        self,
        phrases: Phrases,
        *,
        source: int = 0,
        sink: TextIO = sys.stdout,
        language: str = "",
        exports: Path = Path("exports"),
        loading: Callable[[], bool] = lambda: False,
    ) -> None:
        self._phrases = phrases
        self._exports = exports
        self._loading = loading
        self._source = source
        self._sink = sink
        self._language = language or language_of_terminal()
        self._styled = sink.isatty() and "NO_COLOR" not in os.environ
        self._interactive = os.isatty(source) and sink.isatty()
        self._shown = ""
        self._transcript = ""
        self._rateable = ""
        self._whole = asyncio.Event()
        self._spoken = asyncio.Event()
        self._sounds = contextlib.ExitStack()
        self._folder: Path | None = None

    @property
    def name(self) -> PlatformName:
        """Always "console"."""
        return "console"

    @property
    def limits(self) -> Limits:
        """A terminal scrolls as far as one likes."""
        return Limits(
            1_000_000,
            100 * 2**20,
            draft_gap_s=0.05 if self._interactive else None,
            shows_transcript=True,
            draws_tables=True,
        )

    async def listen(self, accept: Accept) -> None:
        """Talk until cancelled, or until the person leaves: then it returns, unlike other platforms."""
        if self._interactive:
            self._print(self._say("console_hint"), dim=True)
        with self._sounds:
            lines = _lines_of(self._source)
            while True:
                if self._interactive:
                    self._write("› ")
                line = await lines.get()
                if line is None or line.strip() in _LEAVE:
                    return
                if line.strip():
                    await self._serve(line.strip(), accept)

    async def fetch(self, media: MediaRef, cap_bytes: int) -> bytes:
        """A file of this machine."""
        try:
            if media.size_bytes is not None and media.size_bytes > cap_bytes:
                raise UserError("file_too_big", limit_mb=cap_bytes // 2**20)
            return await asyncio.to_thread(Path(media.handle).read_bytes)
        except OSError as error:
            raise PermanentError(f"{media.handle} cannot be read: {error}") from error

    async def send(self, part: Sendable) -> str:
        """Print one part; a spoken answer becomes a file that lives as long as the chat. What is printed stays."""
        match part:
            case DraftPart():
                self._show_transcript(part.transcript)
                self._grow(part.text)
            case TextPart():
                self._show_transcript(part.transcript)
                self._finish(part.text)
                self._rateable = part.nonce if part.rateable else self._rateable
            case NoticePart():
                self._finish(part.text)
            case FilePart():
                path = await asyncio.to_thread(self._write_down, part.document)
                self._finish(f"{part.text} {path}")
            case VoicePart():
                path = await asyncio.to_thread(self._keep, part.voice.ogg)
                self._print(f"♪ {part.voice.duration_s:.1f} s: {path}", dim=True)
                self._spoken.set()
            case RemovalPart():
                return ""
            case _:
                assert_never(part)
        return part.nonce

    def _show_transcript(self, transcript: str) -> None:
        if transcript and transcript != self._transcript:
            self._transcript = transcript
            self._print(f"🎧 {transcript}", dim=True)

    def _finish(self, text: str) -> None:
        """All of an answer: `limits` leave it in one part."""
        self._grow(text)
        self._print("")
        self._shown = self._transcript = ""
        self._whole.set()

    async def typing(self, channel: ChannelKey, activity: Activity = "typing") -> None:
        """Nothing: the missing prompt shows it."""

    async def administers(self, channel: ChannelKey, person: Person) -> bool:
        """Always: it is the person's own machine."""
        return True

    def erase(self, channel: ChannelKey) -> None:
        """Erase the spoken answers, and the files that /export wrote."""
        folders = [folder for folder in (self._folder, self._exports) if folder is not None and folder.is_dir()]
        for path in (path for folder in folders for path in folder.iterdir() if channel == CHANNEL):
            path.unlink()

    async def _serve(self, line: str, accept: Accept) -> None:
        try:
            if line in _RATING:
                await self._rate(_RATING[line], accept)
            elif (message := self._message(line)) is not None:
                self._whole.clear()
                self._spoken.clear()
                await accept(message)
                if self._interactive and self._loading():
                    self._print(self._say("console_loading"), dim=True)
                await self._answered(spoken=bool(message.media))
        except RetryableError:
            self._print(self._say("web_store_away"))

    async def _answered(self, *, spoken: bool) -> None:
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._whole.wait()
        except TimeoutError:
            self._print(self._say("console_late", minutes=round(_ANSWER_S / 60)))
            return
        if spoken:
            # The voice note is the next part, if there is one; a notice has none.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_VOICE_S):
                    await self._spoken.wait()

    def _message(self, line: str) -> Message | None:
        """What a line says; None, with a sentence, when it names a file that is not there."""
        media: tuple[MediaRef, ...] = ()
        if line.startswith("@"):
            path = Path(line[1:].strip().strip("'\"")).expanduser().resolve()
            if not path.is_file():
                self._print(self._say("console_no_file", path=path))
                return None
            media, line = (MediaRef(_kind(path), str(path), path.name, path.stat().st_size),), ""
        message_id = secrets.token_hex(8)
        return Message(message_id, CHANNEL, self._person(), clock.now(), line, media, ref=message_id, waits=True)

    async def _rate(self, emoji: str, accept: Accept) -> None:
        if not self._rateable:
            self._print(self._say("console_nothing_to_rate"))
            return
        other = "👎" if emoji == "👍" else "👍"
        reaction = Reaction(
            secrets.token_hex(8), CHANNEL, self._person(), clock.now(), self._rateable, added=(emoji,), removed=(other,)
        )
        await accept(reaction)
        self._print(self._say("console_rated", emoji=emoji), dim=True)

    def _person(self) -> Person:
        return Person("console", os.environ.get("USER", "you"), self._language)

    def _grow(self, text: str) -> None:
        """Print what is new; all of it again where a draft was not the beginning of what follows."""
        if not text.startswith(self._shown):
            self._print("")
            self._shown = ""
        self._write(text[len(self._shown) :])
        self._shown = text

    def _write_down(self, document: Document) -> Path:
        """For its owner's eyes alone."""
        self._exports.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._exports / document.name
        path.touch(mode=0o600)
        path.write_bytes(document.data)
        return path.resolve()

    def _keep(self, ogg: bytes) -> Path:
        if self._folder is None:
            self._folder = Path(self._sounds.enter_context(tempfile.TemporaryDirectory(prefix="parley-")))
        path = self._folder / f"{sum(1 for _ in self._folder.iterdir()) + 1}.ogg"
        path.write_bytes(ogg)
        return path

    def _say(self, key: str, **params: object) -> str:
        return self._phrases.say(key, self._language, **params)

    def _print(self, line: str, *, dim: bool = False) -> None:
        self._write(f"{_DIM}{line}{_PLAIN}\n" if dim and self._styled else f"{line}\n")

    def _write(self, text: str) -> None:
        self._sink.write(text)
        self._sink.flush()


def _kind(path: Path) -> MediaKind:
    family = (mimetypes.guess_type(path.name)[0] or "").partition("/")[0]
    return "audio" if family in ("audio", "video") else "image" if family == "image" else "other"


def _lines_of(source: int) -> asyncio.Queue[str | None]:
    """The lines of a file descriptor as they come, then None.

    A daemon thread reads the bare descriptor: Python's own stdin would keep its lock, and crash the exit, while the
    thread waits for a line that never comes.
    """
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody reads any more
            for line in _split(source):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="console", daemon=True).start()
    return lines


def _split(source: int) -> Iterator[str]:
    rest = b""
    while True:
        try:
            piece = os.read(source, 65_536)
        except OSError:  # a terminal that hangs up
            piece = b""
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
        if not piece:
            if rest:
                yield rest.decode(errors="replace")
            return
