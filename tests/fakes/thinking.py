"""Doubles for the thinking half: a model that says what it is told to, ears and a voice that are never used."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from core.errors import UserError
from core.lm.base import Capability, Piece, Request, Text, Usage, Utterance
from core.lm.stopping import StopFilter
from core.speech.hearing import Transcript
from core.speech.synthesis import Speaking
from core.values.attachments import VoiceNote


class FakeModel:
    """Answers from a queue, else echoes the last utterance; keeps every request."""

    name = "fake"
    context_tokens = 2048
    revision = "fake-1"
    capabilities: frozenset[Capability] = frozenset(("instructions",))
    weight_bytes = 0

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.forgotten: list[str] = []
        self.delay_s = 0.0
        self.most_at_once = 0
        self._running = 0
        self._queue: deque[str | Exception] = deque()

    def enqueue(self, *answers: str | Exception) -> None:
        self._queue.extend(answers)

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        self.requests.append(request)
        if any(utterance.images for utterance in request.utterances):
            raise UserError("image_not_understood")
        answer = self._queue.popleft() if self._queue else f"You said: {request.utterances[-1].text}"
        if isinstance(answer, Exception):
            raise answer
        stops, prompt_tokens, words = StopFilter(request.stop), self._tokens(request.utterances), 0
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        try:
            for word in answer.split(" "):
                await asyncio.sleep(self.delay_s)
                words += 1
                if text := stops.feed(word + " "):
                    yield Text(text)
                if stops.stopped:
                    break
            if rest := stops.finish():
                yield Text(rest)
            yield Usage(prompt_tokens, words)
        finally:
            self._running -= 1

    def count_tokens(self, utterances: Sequence[Utterance]) -> int:
        return self._tokens(utterances)

    def _tokens(self, utterances: Sequence[Utterance]) -> int:
        return sum(len(utterance.text.split()) + 4 for utterance in utterances)

    def forget(self, channel: str) -> None:
        self.forgotten.append(channel)

    async def close(self) -> None:
        pass


class FakeHearing:
    """Hears the bytes as text; b"" is silence, b"mumble ..." is not sure. Keeps what it was told."""

    name = "fake"
    weight_bytes = 0
    bits = 0

    def __init__(self) -> None:
        self.translates = False
        self.asked: list[tuple[str | None, tuple[str, ...]]] = []
        self.names: tuple[str, ...] = ()

    async def transcribe(
        self,
        data: bytes,
        *,
        language: str | None = None,
        likely: Sequence[str] = (),
        names: Sequence[str] = (),
        in_english: bool = False,
    ) -> Transcript:
        if not data:
            raise UserError("audio_silent")
        text = data.decode()
        self.asked.append((language, tuple(likely)))
        self.names = tuple(names)
        doubtful = text.startswith("mumble ")
        return Transcript(f"{text} (in English)" if in_english else text, language or "en", 1.0, doubtful=doubtful)

    async def close(self) -> None:
        pass


class FakeSpeaking(Speaking):
    """Speaks the text as bytes, once its gate is open; fails on "unspeakable". Keeps what it was asked to say."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def name(self) -> str:
        return "fake"

    async def speak(self, text: str, language: str) -> VoiceNote:
        self.asked.append(text)
        await self.gate.wait()
        if "unspeakable" in text:
            raise UserError("nothing_to_say")
        return VoiceNote(text.encode(), 1.0, b"\x01")

    async def close(self) -> None:
        pass
