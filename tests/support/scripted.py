"""A web platform with real Redis and a small worker that answers by script, for the API's tests.

What a message says picks its answer: "slow" drafts for seconds, "silent" gives none until `go` is set, "fail" gets a
notice, a file is "heard" and answered by voice as well. Anything else is echoed word by word.
"""

import asyncio
import io
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import av
import numpy as np

from bots.locales import Phrases
from bots.web.models import Held, ModelsOut
from bots.web.platform import WebPlatform
from core import clock
from core.delivery import parts as outgoing
from core.feedback.ratings import Feedback, record
from core.lanes.claim import Claim
from core.lanes.lanes import Lanes
from core.store import keys
from core.store.redis import Store
from core.values import dialogue
from core.values.attachments import VoiceNote
from core.values.events import Event, Message, PlatformEvent, Reaction
from core.values.parts import DraftPart, OwedVoicePart, Part, TextPart
from core.values.turn import Reply, Turn

TRANSCRIPT = "how are you today"


def sine_ogg(seconds: float = 1.0) -> bytes:
    """A tone as OGG/Opus."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        times = np.arange(int(48_000 * seconds)) / 48_000
        samples = (0.3 * np.sin(2 * math.pi * 440 * times)).astype(np.float32)
        for start in range(0, len(samples) - 959, 960):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 960], format="flt", layout="mono")
            frame.sample_rate, frame.pts = 48_000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return sink.getvalue()


class Script:
    """The worker. `answered` lists the ids of messages in the order in which they were answered."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.refuses = False
        self.lanes = Lanes(store)
        self.feedback = Feedback(store)
        self.platform: WebPlatform | None = None
        self.answered: list[str] = []
        self.mute = False
        self.seen: list[Event] = []
        self.go = asyncio.Event()
        self.health = {"store": "ok"}
        self._due: asyncio.Queue[PlatformEvent] = asyncio.Queue()

    async def accept(self, event: PlatformEvent) -> bool:
        """What `WebPlatform.listen` is given."""
        if self.refuses:
            assert isinstance(event, Message)
            assert self.platform is not None
            await self.platform.send(outgoing.notice(event, "Too much for today.", "en"))
            return False
        new = await self.lanes.accept(event)
        if new:
            self._due.put_nowait(event)
        return new

    async def work(self) -> None:
        """Serve until cancelled, one event after the other."""
        # A cancel can get lost in a Redis call: before Python 3.12 wait_for drops one that comes as it completes.
        task = asyncio.current_task()
        while task is not None and not task.cancelling():
            due = await self._due.get()
            claim = await self.lanes.claim(keys.partition(due.channel), "web")
            assert claim is not None
            event = claim.event()
            self.seen.append(event)
            if isinstance(event, Reaction):
                await self.feedback.react(event)
                await self.lanes.commit(claim, None, (), last=event.id)
            else:
                assert isinstance(event, Message)
                await self._answer(claim, event)

    async def _answer(self, claim: Claim, message: Message) -> None:
        assert self.platform is not None
        heard = ""
        if message.media:
            await self.platform.fetch(message.media[0], self.platform.limits.media_bytes)
            heard = TRANSCRIPT
            await self.platform.send(self._draft(message, "", heard))
        if message.text.startswith("silent"):
            await self.go.wait()
        if message.text.startswith("fail"):
            notice = outgoing.notice(message, "That did not work, and here is why.", "en")
            return await self._deliver(claim, None, (notice,))
        if message.text == "/help":
            return await self._deliver(claim, None, (TextPart(message.id, 0, message.channel, "I know /help."),))
        said = "\n".join(text for text in (heard, message.text) if text)
        reply = f"You said: {said}"
        for end in [index for index, char in enumerate(reply) if char == " "]:
            await asyncio.sleep(0.8 if "slow" in message.text else 0.01)
            await self.platform.send(self._draft(message, reply[:end], heard))
        turn = Turn(
            message.id, clock.now(), "web", said, reply, "en", "script", "plain", bool(heard), spoken=bool(heard)
        )
        kept = dialogue.append(await self.lanes.dialogue(message.channel), turn)
        assert self.platform is not None
        await self._deliver(claim, kept, outgoing.parts_of(Reply(turn), message, self.platform.limits))

    async def _deliver(self, claim: Claim, kept: dialogue.Dialogue | None, parts: tuple[Part, ...]) -> None:
        assert self.platform is not None
        await self.lanes.commit(claim, kept, parts, last=parts[0].turn)
        self.answered.append(parts[0].turn)
        for part in parts:
            owed = isinstance(part, OwedVoicePart)
            if owed and self.mute:
                await self.lanes.sent(claim, part, "", record(part, self.lanes.codec))
                continue
            whole = part.made(VoiceNote(sine_ogg(), 1.0, b"\x40" * 10)) if owed else part
            await self.lanes.sent(claim, part, await self.platform.send(whole), record(part, self.lanes.codec))

    def _draft(self, message: Message, text: str, heard: str) -> DraftPart:
        return DraftPart(message.id, 0, message.channel, text, transcript=heard)


Web = tuple[WebPlatform, Script]


def web_platform(script: Script, host: str, port: int, token: str | None = None, **options: Any) -> WebPlatform:
    """A web platform over the script's store; its health is what `script.health` says.

    `options` are its deadline, its longest silence and its room for files.
    """

    limits: dict[str, Any] = {"deadline_s": 20.0, **options}

    async def health() -> dict[str, str]:
        return dict(script.health)

    return WebPlatform(
        script.store,
        script.lanes,
        script.feedback,
        host=host,
        port=port,
        token=token,
        phrases=Phrases(),
        health=health,
        models=lambda: ModelsOut(models=[Held(kind="language", name="scripted")], choices=["scripted"]),
        **limits,
    )


@asynccontextmanager
async def scripted_web(
    store: Store, *, token: str | None = None, **options: Any
) -> AsyncGenerator[tuple[WebPlatform, Script]]:
    """A served page and its worker."""
    script = Script(store)
    script.platform = platform = web_platform(script, "127.0.0.1", 0, token, **options)
    tasks = [asyncio.create_task(platform.listen(script.accept)), asyncio.create_task(script.work())]
    try:
        async with asyncio.timeout(10):
            await platform.started.wait()
        yield platform, script
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
