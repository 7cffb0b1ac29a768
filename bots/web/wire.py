"""How a worker's parts reach the request that waits for them, also from another process.

`post` only writes to Redis: the last word of an answer is kept for retries, and everything is published. `Ear` holds
the one subscription of a web server and hands each note to the requests that wait for its turn. Pub/sub forgets what
nobody hears, so a waiting request also looks at what is kept, every few seconds.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Annotated, Literal, assert_never, cast

from pydantic import Field
from redis.exceptions import RedisError

from core.errors import PermanentError
from core.store import keys
from core.store.codec import FILE, Codec, home_of, json_of
from core.store.redis import Store, translated
from core.telemetry import log
from core.values.channel import ChannelKey
from core.values.parts import DraftPart, FilePart, NoticePart, RemovalPart, Sendable, TextPart, VoicePart

_LOG = log("web")
_POST = """
-- KEYS key key ...   ARGV wire note value lifetime_s value lifetime_s ...
-- keeps each value and tells who listens, in one step
local wire, note = unpack(ARGV)
local values = {select(3, unpack(ARGV))}
for at, key in ipairs({unpack(KEYS)}) do redis.call('SET', key, values[2 * at - 1], 'EX', values[2 * at]) end
return redis.call('PUBLISH', wire, note)
"""
_POLL_S = 5.0
_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Note:
    """One part of an answer on its way to the page; spoken bytes stay in Redis."""

    turn: str
    kind: Literal["draft", "text", "voice", "notice", "removal", "file"]
    text: str = ""
    transcript: Annotated[str, Field(alias="heard")] = ""


NOTE = json_of(Note, "a note on the wire")


async def post(store: Store, part: Sendable) -> None:
    """Keep what must outlive the moment and publish the part; RetryableError without Redis."""
    home, codec = home_of(part.channel), store.codec
    note = codec.seal(NOTE, home, _note(part))
    kept: dict[str, tuple[bytes, int]] = {}
    match part:
        case VoicePart():
            kept[keys.voice(part.channel, part.turn)] = codec.seal(FILE, home, part.voice.ogg), keys.VOICE_S
        case FilePart():
            kept[keys.file(part.channel, part.turn)] = codec.seal(FILE, home, part.document.data), keys.FILE_S
        case TextPart() | NoticePart() | DraftPart() | RemovalPart():
            pass
        case _:
            assert_never(part)
    if isinstance(part, TextPart | NoticePart | FilePart):
        kept[keys.answer(part.channel, part.turn)] = note, keys.ANSWER_S
    with translated():
        if not kept:  # a draft
            await store.redis.publish(keys.wire(part.channel), note)
            return
        values = [each for kept_s in kept.values() for each in kept_s]
        await store.redis.register_script(_POST)(keys=list(kept), args=[keys.wire(part.channel), note, *values])


def _note(part: Sendable) -> Note:
    match part:
        case TextPart() | DraftPart():
            return Note(part.turn, part.kind, part.text, part.transcript)
        case NoticePart() | FilePart():
            return Note(part.turn, part.kind, part.text)
        case VoicePart() | RemovalPart():
            return Note(part.turn, part.kind)
        case _:
            assert_never(part)


async def kept(store: Store, channel: ChannelKey, turn: str) -> Note | None:
    """The last word of an answer, if it was sent in the last two days."""
    with translated():
        raw = await store.redis.get(keys.answer(channel, turn))
    return store.codec.open(NOTE, home_of(channel), raw) if isinstance(raw, bytes) else None


class Inbox:
    """Notes for one waiting request. A draft replaces the draft before it, so a slow reader never piles them up."""

    def __init__(self) -> None:
        self._notes: deque[Note] = deque()
        self._filled = asyncio.Event()

    def put(self, note: Note) -> None:
        """Add one note."""
        if note.kind == "draft" and self._notes and self._notes[-1].kind == "draft":
            self._notes.pop()
        self._notes.append(note)
        self._filled.set()

    def wake(self) -> None:
        """End a wait early."""
        self._filled.set()

    async def get(self, timeout_s: float) -> Note | None:
        """The next note, None after `timeout_s` seconds of silence."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._filled.wait()
        note = self._notes.popleft() if self._notes else None
        if not self._notes:
            self._filled.clear()
        return note


class Ear:
    """The subscription of one web server to the notes of all web channels."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._codec: Codec = store.codec
        self._inboxes: dict[str, set[Inbox]] = {}
        self.listening = asyncio.Event()
        self.stopped = False

    def stop(self) -> None:
        """Let every waiting request go and end `run`: the server ends."""
        self.stopped = True
        for inbox in (inbox for waiting in self._inboxes.values() for inbox in waiting):
            inbox.wake()

    @contextlib.contextmanager
    def waiting_for(self, turn: str) -> Generator[Inbox]:
        """An inbox that gets every note of this turn from here on."""
        inbox = Inbox()
        self._inboxes.setdefault(turn, set()).add(inbox)
        try:
            yield inbox
        finally:
            self._inboxes[turn].discard(inbox)
            if not self._inboxes[turn]:
                del self._inboxes[turn]

    async def run(self) -> None:
        """Listen until cancelled; when Redis goes away, say so once and try again."""
        self.stopped = False
        # Not `while True`: before Python 3.12 a cancel can get lost in a Redis call, because asyncio.wait_for drops one
        # that comes as it completes.
        while not self.stopped:
            try:
                await self._listen()
            except RedisError as error:
                if self.listening.is_set():
                    _LOG.warning("live answers pause, Redis is away: %s", error)
                self.listening.clear()
            await asyncio.sleep(_PAUSE_S)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as pubsub:
            await pubsub.psubscribe(keys.wire(ChannelKey("web", "*")))
            while not self.stopped:
                message = await pubsub.get_message(timeout=_POLL_S)
                if message is None:
                    continue
                if message["type"] == "psubscribe":
                    self.listening.set()
                elif message["type"] == "pmessage":
                    channel, note = cast(bytes, message["channel"]), cast(bytes, message["data"])
                    self._hand_out(keys.wired(channel.decode()), note)

    def _hand_out(self, channel: ChannelKey, raw: bytes) -> None:
        try:
            note = self._codec.open(NOTE, home_of(channel), raw)
        except PermanentError as error:
            _LOG.warning("%s: %s", channel, error)
            return
        for inbox in self._inboxes.get(note.turn, ()):
            inbox.put(note)
