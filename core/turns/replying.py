"""What the models are asked for, for a message: the words of its voice note, its answer, the voice of that.

Called by `answering`, and by the commands that need a model.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from core.delivery.live import Showing
from core.delivery.parts import notice, parts_of
from core.errors import PermanentError, UserError
from core.feedback.ratings import Feedback
from core.intake.access import Access
from core.intake.quotas import Quotas
from core.lanes.lanes import Lanes
from core.lm.base import Usage
from core.platform import Limits, Platform, Words
from core.speech.hearing import MAX_AUDIO_S, Transcript
from core.telemetry import TURNS, log
from core.text.language import language_of
from core.thinking.context import Context
from core.thinking.engine import Engine, Unsure
from core.thinking.engines import Engines
from core.turns import transcripts
from core.turns.scene import Outcome, Scene
from core.values import dialogue as dialogues
from core.values.attachments import VoiceNote
from core.values.channel import MediaRef, PlatformName
from core.values.dialogue import Dialogue
from core.values.events import Message
from core.values.parts import NoticePart, OwedVoicePart
from core.values.preferences import Preferences
from core.values.turn import Draft, Reply

_LOG = log("replying")


class Replying:
    """One for all channels."""

    def __init__(
        self,
        engines: Engines,
        lanes: Lanes,
        feedback: Feedback,
        platforms: Mapping[PlatformName, Platform],
        words: Words,
        quotas: Quotas,
        access: Access,
    ) -> None:
        self._engines = engines
        self._lanes = lanes
        self._feedback = feedback
        self._platforms = platforms
        self._words = words
        self._quotas = quotas
        self._access = access

    async def think(
        self, engine: Engine, scene: Scene, message: Message, showing: Showing, *, resample: bool = False
    ) -> Reply | None:
        """The answer; None when the message proves not to be for Parley."""
        audio = transcripts.before(scene.claim, message) or await self._fetch(message)
        aloud = scene.preferences.voice == "always" or audio is not None
        speak = aloud and await self._lanes.takes_voice(message.channel)
        asked = await self._without_shown(message, scene.dialogue)
        owner = not message.group and self._access.owns(message.sender, message.channel)
        context = Context(scene.dialogue, scene.preferences, audio=audio, speak=speak, resample=resample, owner=owner)
        async with contextlib.aclosing(engine.answer(asked, context)) as steps:
            async for step in steps:
                match step:
                    case Reply():
                        return step
                    case Usage():
                        await self.charge_tokens(step, message)
                    case Transcript():
                        await self._note_heard(scene, message, step)
                    case Draft():
                        showing.draft(step)
                    case Unsure():
                        language = self.language(message, scene.preferences)
                        question = self._words.say("did_you_say", language, heard=step.turn.said)
                        return Reply(replace(step.turn, reply=question, doubtful=True))
        return None

    async def hear(
        self,
        engine: Engine,
        message: Message,
        media: tuple[MediaRef, ...],
        scene: Scene,
        *,
        in_english: bool = False,
    ) -> str:
        """What is said in these files, its own or those of the message that it answers; "" when there are none."""
        # What language another person speaks, this one's app does not tell.
        speaker = message.sender if media is message.media else replace(message.sender, language="")
        spoken = replace(message, sender=speaker, media=media)
        if (before := transcripts.before(scene.claim, message)) is not None:
            return before.text
        audio = await self._fetch(spoken)
        if audio is None:
            return ""
        transcript = await engine.hear(audio, spoken, scene.dialogue, scene.preferences, in_english=in_english)
        await self._note_heard(scene, message, transcript)
        return transcript.text

    async def _note_heard(self, scene: Scene, message: Message, transcript: Transcript) -> None:
        """What was heard is kept for the next try and charged this once."""
        await self._lanes.note_heard(scene.claim, message.id, transcripts.kept(scene.claim, transcript))
        await self._quotas.charge("voice", transcript.duration_s, message.channel, message.sender)

    def replied(self, scene: Scene, message: Message, reply: Reply | None) -> Outcome:
        """The parts of an answer, and the dialogue that remembers it; nothing for None."""
        if reply is None:
            return Outcome(None, ())
        platform = message.channel.platform
        TURNS.labels(platform, "answered").inc()
        limits, thumbs = self._platforms[platform].limits, scene.preferences.thumbs
        postscript = self._introduction(scene, message)
        parts = parts_of(reply, message, limits, thumbs=thumbs, postscript=postscript)
        return Outcome(dialogues.append(scene.dialogue, reply.turn), parts)

    def _introduction(self, scene: Scene, message: Message) -> str:
        """Once a chat, while a real model is on its way: who answers meanwhile."""
        coming = self._engines.arrivals.coming("mind")
        if coming is None or scene.dialogue.turns or scene.dialogue.summary:
            return ""
        language = self.language(message, scene.preferences)
        return self._words.say("builtin_meanwhile", language, percent=coming.percent)

    async def say(self, part: OwedVoicePart) -> VoiceNote | None:
        """The voice note that a part owes; None when it cannot be made."""
        return await self._engines.peek(Preferences()).say(part.text, part.language)

    async def quoted_turn(self, message: Message) -> str:
        """The turn whose answer a message is a reply to; "" when it is to none that is known, or to a part of one."""
        quote = message.quote
        if quote is None or not quote.own or not quote.ref:
            return ""
        return await self._feedback.turn_of(message.channel, quote.ref)

    async def _without_shown(self, message: Message, dialogue: Dialogue) -> Message:
        """The message, and no quote in it of an answer that the model reads anyway."""
        meant = await self.quoted_turn(message)
        shown = any(meant == turn.id for turn in dialogues.uncovered(dialogue))
        return replace(message, quote=None) if shown else message

    async def charge_tokens(self, usage: Usage, message: Message) -> None:
        """Take what the model wrote from the quotas, where any counts tokens."""
        await self._quotas.charge("tokens", usage.completion_tokens, message.channel, message.sender)

    async def _fetch(self, message: Message) -> bytes | None:
        """The message's voice note or audio file; UserError for files that Parley does not understand."""
        platform = self._platforms[message.channel.platform]
        audio = next((media for media in message.media if media.kind == "audio"), None)
        if audio is None:
            if message.media:
                raise UserError("image_not_understood" if message.media[0].kind == "image" else "file_not_understood")
            return None
        if audio.duration_s is not None and audio.duration_s > MAX_AUDIO_S:
            raise UserError("audio_too_long", limit_minutes=MAX_AUDIO_S // 60)
        cap_bytes = platform.limits.media_bytes
        if audio.size_bytes is not None and audio.size_bytes > cap_bytes:
            raise UserError("file_too_big", limit_mb=cap_bytes // 2**20)
        try:
            return await platform.fetch(audio, cap_bytes)
        except PermanentError as error:
            _LOG.warning("%s: a file is gone: %s", message.channel, error)
            raise UserError("file_gone") from error

    def limits(self, message: Message) -> Limits:
        """Those of the platform that a message came from."""
        return self._platforms[message.channel.platform].limits

    def notice(self, message: Message, key: str, preferences: Preferences, **params: object) -> NoticePart:
        """Parley speaking about itself to the sender of a message."""
        language = self.language(message, preferences)
        return notice(message, self._words.say(key, language, **params), language)

    def language(self, message: Message, preferences: Preferences) -> str:
        """What Parley's own words to a message are in (BCP 47)."""
        return preferences.language or message.sender.language or language_of(message.text)
