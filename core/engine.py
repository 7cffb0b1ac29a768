"""One turn, top to bottom: hear, read, remember, think, speak.

Bytes and values in, values out. Knows no platform and no Redis; the worker calls it.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from core import clock, prompt, reading
from core.dialogue import Dialogue
from core.errors import AssistantError, UserError
from core.hearing import Hearing
from core.lm.base import LanguageModel, Request
from core.message import Draft, Message, Reply, Sign, Turn, VoiceNote
from core.profiles import Profile
from core.speaking import Speaking
from core.telemetry import VOICE_FAILURES, log, timed

_LOG = log("engine")
_CHARS_PER_TOKEN = 8
"""No tokenizer makes fewer tokens of a text than this, so that an absurd text is refused before it is tokenised."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The thinking half: a model, ears, a voice and a way of speaking."""

    model: LanguageModel
    hearing: Hearing
    speaking: Speaking
    profile: Profile

    async def answer(
        self, message: Message, audio: bytes | None, dialogue: Dialogue, *, speak: bool
    ) -> AsyncGenerator[Draft | Sign | Reply, None]:
        """Drafts as the answer grows, a sign while it is spoken, then the Reply.

        `audio` is the message's voice note in any container, `speak` whether the answer has one.
        UserError when the message cannot be served.
        """
        heard = await self._hear(audio, message) if audio is not None else ""
        said = reading.clean(f"{heard}\n{message.text}", message.mentions)
        if not said:
            raise UserError("empty_message")
        language = reading.language_of(said, message.sender.language)
        with timed("prompt"):
            request = self._request(message, said, dialogue, language)
        if heard:
            yield Draft("", heard)
        grown = ""
        # Closed when the turn is cancelled, which ends the generation.
        async with aclosing(self.model.stream(request)) as pieces:
            with timed("model"):
                async for piece in pieces:
                    grown += piece
                    yield Draft(reading.presentable(grown), heard)
        text = reading.presentable(grown)
        if not text:
            raise UserError("no_answer")
        voice: VoiceNote | None = None
        if speak:
            yield "recording"
            voice = await self._speak(text, language)
        yield Reply(self._turn(message, said, text, language, bool(heard), voice), voice)

    async def _hear(self, audio: bytes, message: Message) -> str:
        with timed("hearing"):
            transcript = await self.hearing.transcribe(audio, language=message.sender.language or None)
        return transcript.text

    def _request(self, message: Message, said: str, dialogue: Dialogue, language: str) -> Request:
        if len(said) > self.model.context_tokens * _CHARS_PER_TOKEN:
            raise UserError("message_too_long", limit_words=self.model.context_tokens // 2)
        utterances = prompt.build(
            self.profile,
            dialogue,
            said,
            language=language,
            speaker=message.sender.name,
            group=message.group,
            notes=(),
            model=self.model,
            max_new_tokens=self.profile.max_new_tokens,
        )
        return Request(
            utterances=utterances,
            max_new_tokens=self.profile.max_new_tokens,
            sampling=self.profile.sampling,
            stop=(),
            channel=str(message.channel),
        )

    async def _speak(self, text: str, language: str) -> VoiceNote | None:
        try:
            with timed("speaking"):
                return await self.speaking.speak(text, language)
        except AssistantError as error:
            VOICE_FAILURES.inc()
            _LOG.warning("answering without a voice note: %s", error)
            return None

    def _turn(
        self, message: Message, said: str, reply: str, language: str, heard: bool, voice: VoiceNote | None
    ) -> Turn:
        return Turn(
            id=message.id,
            at=clock.now(),
            speaker=message.sender.name,
            said=said,
            reply=reply,
            language=language,
            model=self.model.name,
            profile=self.profile.name,
            heard=heard,
            spoken=voice is not None,
            ref=message.ref,
        )
