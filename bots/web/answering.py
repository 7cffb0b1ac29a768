"""One message from acceptance to its whole answer, as the events that the API streams.

The turn in the dialogue is the truth; notes from the wire only make it faster and let it grow before one's eyes. So a
request that comes late, comes twice or misses a note ends with the same answer.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal

from bots.web.failures import WebError
from bots.web.wire import Ear, Inbox, Note, kept
from core import clock
from core.errors import RetryableError
from core.lanes.lanes import Lanes
from core.platform import Accept
from core.store import keys
from core.store.redis import Store, translated
from core.values.channel import ChannelKey
from core.values.events import Message
from core.values.parts import TextPart
from core.values.turn import Turn

SILENCE_S = 15.0
"""The longest that a stream says nothing: its reader is told, and a proxy in between bears it."""
_LOOK_AGAIN_S = 3.0
"""Until a waiting request looks at the dialogue: twice as long each time, for those who wait are many when the house is
busy, and at most the longest silence.
"""
_VOICE_S, _LOOK_FOR_VOICE_S = 30.0, 0.5
_NOTICE_STATUS = 422


@dataclass(frozen=True, slots=True)
class Step:
    """One event of an answer: its name and what the client gets.

    accepted: stored, and how long nothing may be said from here on. heard: the transcript. draft: all the text so far.
    reply: the answer. voice: where its sound is. file: where a file is that came with it. waiting: nothing for a while,
    sent to keep the connection open.
    """

    name: Literal["accepted", "heard", "draft", "reply", "voice", "file", "waiting"]
    data: dict[str, object]


class Answering:
    """Waits for answers; one for the whole server."""

    def __init__(self, store: Store, lanes: Lanes, ear: Ear, deadline_s: float, silence_s: float = SILENCE_S) -> None:
        self._store = store
        self._redis = store.redis
        self._lanes = lanes
        self._ear = ear
        self._deadline_s = deadline_s
        self._silence_s = silence_s

    async def steps(self, message: Message, accept: Accept) -> AsyncGenerator[Step]:
        """Accept a message, `accepted` being the first step, then follow it to its answer.

        A message that was accepted before is followed the same way and not answered twice. Ends early when a notice
        (WebError 422), the deadline (504) or Redis (RetryableError) says so; the message itself is never lost.
        """
        deadline = clock.monotonic() + self._deadline_s
        with self._ear.waiting_for(message.id) as inbox:
            new = await accept(message)
            where = {"message_id": message.id, "channel": message.channel.space}
            yield Step("accepted", {**where, "silence_s": self._silence_s})
            heard, last = "", None if new else await self._recorded(message)
            look_again_s = min(_LOOK_AGAIN_S, self._silence_s)
            while last is None:
                note = await self._next(message, inbox, deadline, look_again_s)
                if note is None:
                    look_again_s = min(2 * look_again_s, self._silence_s)
                    yield Step("waiting", {})
                elif note.kind != "draft":
                    last = note
                else:
                    if note.transcript and not heard:
                        heard = note.transcript
                        yield Step("heard", {"text": heard})
                    if note.text:
                        yield Step("draft", {"text": note.text})
            if last.kind == "notice":
                raise WebError.saying(_NOTICE_STATUS, last.text)
            turn = await self.turn(message.channel, message.id)
            if last.transcript and not heard:
                yield Step("heard", {"text": last.transcript})
            yield Step("reply", _reply(message, turn, last))
            if last.kind == "file":
                yield Step("file", {"file_url": file_url(message.channel, message.id)})
            if turn is not None and turn.spoken:
                async for step in self._voice(message, inbox):
                    yield step

    async def turn(self, channel: ChannelKey, turn_id: str) -> Turn | None:
        """One turn that the channel remembers."""
        dialogue = await self._lanes.dialogue(channel)
        return next((turn for turn in dialogue.turns if turn.id == turn_id), None)

    async def known(self, channel: ChannelKey, turn_id: str) -> bool:
        """Whether a message was answered: as long as the dialogue tells, and 30 days beyond it."""
        if await self.turn(channel, turn_id) is not None:
            return True
        with translated():
            return bool(await self._redis.exists(keys.ref(channel, answer_ref(channel, turn_id))))

    async def _next(self, message: Message, inbox: Inbox, deadline: float, look_again_s: float) -> Note | None:
        left_s = deadline - clock.monotonic()
        if left_s <= 0:
            raise WebError(504, "web_late", minutes=max(1, round(self._deadline_s / 60)))
        note = await inbox.get(min(left_s, look_again_s))
        if self._ear.stopped:
            raise RetryableError("the web server stops")
        if note is not None and note.kind != "voice":
            return note
        return await self._recorded(message)

    async def _recorded(self, message: Message) -> Note | None:
        turn = await self.turn(message.channel, message.id)
        if turn is not None:
            return Note(turn.id, "text", turn.reply, turn.said if turn.is_transcript else "")
        return await kept(self._store, message.channel, message.id)

    async def _voice(self, message: Message, inbox: Inbox) -> AsyncGenerator[Step]:
        """The voice note, waited for as long as it is owed; nothing when it was not made."""
        deadline, silent_s = clock.monotonic() + _VOICE_S, 0.0
        while True:
            owed = await self._lanes.owes_voice(message.channel, message.id)
            if await self.has_voice(message.channel, message.id):
                yield Step("voice", {"voice_url": voice_url(message.channel, message.id)})
                return
            left_s = deadline - clock.monotonic()
            if not owed or left_s <= 0 or self._ear.stopped:
                return
            if silent_s >= min(_LOOK_AGAIN_S, self._silence_s):
                silent_s = 0.0
                yield Step("waiting", {})
            wait_s = min(left_s, _LOOK_FOR_VOICE_S, self._silence_s)
            await inbox.get(wait_s)
            silent_s += wait_s

    async def has_voice(self, channel: ChannelKey, turn_id: str) -> bool:
        """Whether a spoken answer is kept."""
        with translated():
            return bool(await self._redis.exists(keys.voice(channel, turn_id)))


def voice_url(channel: ChannelKey, turn_id: str) -> str:
    """Where a spoken answer is served."""
    return f"/v1/channels/{channel.space}/messages/{turn_id}/voice"


def file_url(channel: ChannelKey, turn_id: str) -> str:
    """Where a file that came with an answer is served."""
    return f"/v1/channels/{channel.space}/messages/{turn_id}/file"


def answer_ref(channel: ChannelKey, turn_id: str) -> str:
    """What `WebPlatform.send` returned for the text of an answer: the target of reactions."""
    return TextPart(turn_id, 0, channel, "").nonce


def _reply(message: Message, turn: Turn | None, note: Note) -> dict[str, object]:
    """The dialogue's words go before the note's: a reload shows what was shown live."""
    return {
        "message_id": message.id,
        "text": turn.reply if turn else note.text,
        "heard": note.transcript or (turn.said if turn and turn.is_transcript else ""),
        "channel": message.channel.space,
    }
