"""What a message leads to: a reply of the model, what a command does, or one sentence that says why not.

Called by turns, which keep and deliver it.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.delivery.live import Showing
from core.delivery.parts import notice, parts_of, text_parts
from core.errors import PermanentError, RetryableError, UserError
from core.feedback.ratings import Feedback
from core.intake import commands
from core.intake.commands import Asked
from core.intake.quotas import Quotas
from core.lanes.claim import Claim
from core.lanes.lanes import Lanes
from core.platform import Platform, Words
from core.speech.hearing import MAX_AUDIO_S, Transcript
from core.telemetry import TURNS, log
from core.text import cleaning
from core.text.language import language_of, language_tag
from core.thinking.engine import Engine, Unsure, is_for_parley
from core.thinking.engines import Engines
from core.turns import heard
from core.turns.command_handlers import Commands, Done, Room
from core.values import dialogue as dialogues
from core.values.attachments import VoiceNote
from core.values.channel import MediaRef, Person, PlatformName
from core.values.dialogue import Dialogue
from core.values.events import Message
from core.values.parts import Part
from core.values.preferences import Preferences
from core.values.turn import Draft, Reply

_LOG = log("answering")
_TRIES = 3
"""Of a message whose answer fails for a reason that nobody foresaw."""
_PATIENCE = 7
"""Tries of a message that a part of the house cannot serve now: about 30 s."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a claim brought, read: where a turn happens."""

    claim: Claim
    dialogue: Dialogue
    preferences: Preferences


class Answering:
    """One for all channels."""

    def __init__(
        self,
        engines: Engines,
        lanes: Lanes,
        feedback: Feedback,
        commands: Commands,
        platforms: Mapping[PlatformName, Platform],
        words: Words,
        quotas: Quotas,
    ) -> None:
        self._engines = engines
        self._lanes = lanes
        self._feedback = feedback
        self._commands = commands
        self._platforms = platforms
        self._words = words
        self._quotas = quotas

    async def answer(self, scene: Scene, message: Message, showing: Showing) -> Done | None:
        """What a message leads to; None when trying is of no use."""
        platform, claim = message.channel.platform, scene.claim
        try:
            async with self._engines.borrow(scene.preferences) as engine:
                if asked := commands.asked_in(message):
                    return await self._command(asked, engine, scene, message, showing)
                reply = await self._think(engine, scene, message, showing)
        except UserError as error:
            TURNS.labels(platform, error.key).inc()
            return self._sorry(scene, message, error.key, **error.params)
        except RetryableError as error:
            if claim.attempts + 1 < _PATIENCE:
                raise
            _LOG.error("%s: turn %s given up: %s", message.channel, message.id, error)
            TURNS.labels(platform, "unavailable").inc()
            return self._sorry(scene, message, "unavailable")
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # The one place for what nobody foresaw: the person hears of it, the lane goes on, the log has the rest.
            _LOG.exception("%s: turn %s failed", message.channel, message.id)
            if claim.attempts + 1 < _TRIES:
                raise RetryableError(f"{type(error).__name__} in turn {message.id}", 0.0) from error
            return None
        return self._replied(scene, message, reply)

    def _sorry(self, scene: Scene, message: Message, key: str, **params: object) -> Done:
        """One sentence; none to people who did not speak to Parley."""
        heeded = is_for_parley(message, scene.preferences)
        return Done(None, (self.notice(message, key, scene.preferences, **params),) if heeded else ())

    def _replied(self, scene: Scene, message: Message, reply: Reply | None) -> Done:
        if reply is None:
            return Done(None, ())
        platform = message.channel.platform
        TURNS.labels(platform, "answered").inc()
        limits, thumbs = self._platforms[platform].limits, scene.preferences.thumbs
        postscript = self._introduction(scene, message)
        parts = parts_of(reply, message, limits, thumbs=thumbs, postscript=postscript)
        return Done(dialogues.append(scene.dialogue, reply.turn), parts)

    def _introduction(self, scene: Scene, message: Message) -> str:
        """Once a chat, while a real model is on its way: who answers meanwhile."""
        coming = self._engines.arrivals.coming("mind")
        if coming is None or scene.dialogue.turns or scene.dialogue.summary:
            return ""
        language = self._language(message, scene.preferences)
        return self._words.say("builtin_meanwhile", language, percent=coming.percent)

    async def _command(self, asked: Asked, engine: Engine, scene: Scene, message: Message, showing: Showing) -> Done:
        if asked.command.name == "retry":
            return await self._retry(engine, scene, message, showing)
        language = self._language(message, scene.preferences)
        if asked.command.name == "translate":
            return await self._translate(engine, scene, message, asked.argument or language, showing)
        if asked.command.name == "transcribe":
            return await self._transcribe(engine, scene, message, language)
        return await self._commands.run(asked, Room(message, scene.dialogue, scene.preferences, language))

    async def _retry(self, engine: Engine, scene: Scene, message: Message, showing: Showing) -> Done:
        """Answer the last message once more, or the one whose answer this is about, in the place of its turn."""
        turns, meant = scene.dialogue.turns, await self._quoted_turn(message)
        if not turns:
            raise UserError("nothing_to_retry")
        places = [place for place, turn in enumerate(turns) if not meant or meant in (turn.id, *turn.earlier)]
        if not places:
            raise UserError("retry_forgotten")
        turn = turns[place := places[-1]]
        before = replace(scene, dialogue=replace(scene.dialogue, turns=turns[:place]))
        again = Message(
            message.id,
            message.channel,
            Person(turn.person or message.sender.id, turn.speaker, message.sender.language),
            turn.at,
            turn.said,
            ref=turn.ref,
            group=message.group,
            forwarded=turn.forwarded,
        )
        reply = await self._think(engine, before, again, showing, anew=True)
        if reply is None:
            return Done(None, ())
        anew = replace(reply.turn, earlier=(*turn.earlier, turn.id))
        kept = replace(scene.dialogue, turns=(*turns[:place], anew, *turns[place + 1 :]))
        return replace(self._replied(before, message, replace(reply, turn=anew)), dialogue=kept)

    async def _translate(self, engine: Engine, scene: Scene, message: Message, typed: str, showing: Showing) -> Done:
        """The message that is answered to, in another language; the conversation goes on without it."""
        language, quote = language_tag(typed), message.quote
        if quote is None or not (quote.text or quote.media):
            raise UserError("translate_what")
        if not quote.text and language.split("-")[0] == "en" and engine.hearing.translates:
            translated = await self._hear(engine, message, quote.media, scene, in_english=True)
        else:
            text = quote.text or await self._hear(engine, message, quote.media, scene)
            translated = await self._translated(engine, text, language, showing)
            await self._charge_tokens(engine, translated, message)
        if not translated:
            raise UserError("no_answer")
        limits = self._platforms[message.channel.platform].limits
        return Done(None, text_parts(message, translated, language, limits))

    async def _translated(self, engine: Engine, text: str, language: str, showing: Showing) -> str:
        grown = ""
        async with contextlib.aclosing(engine.translate(text, language)) as pieces:
            async for piece in pieces:
                grown += piece
                showing.draft(Draft(grown))
        return cleaning.presentable(grown)

    async def _transcribe(self, engine: Engine, scene: Scene, message: Message, language: str) -> Done:
        """The words of a voice note, here or in the message that is answered to; the conversation goes on without."""
        media = message.media or (message.quote.media if message.quote else ())
        text = await self._hear(engine, message, media, scene)
        if not text:
            raise UserError("transcribe_what")
        limits, asker = self._platforms[message.channel.platform].limits, message.sender.id if message.group else ""
        return Done(None, text_parts(message, f"🎧 “{text}”", language, limits, private_to=asker))

    async def _hear(
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
        if (before := heard.before(scene.claim, message)) is not None:
            return before.text
        audio = await self._fetch(spoken)
        if audio is None:
            return ""
        transcript = await engine.hear(audio, spoken, scene.dialogue, scene.preferences, in_english=in_english)
        await self._note_heard(scene, message, transcript)
        return transcript.text

    async def _note_heard(self, scene: Scene, message: Message, transcript: Transcript) -> None:
        """What was heard is kept for the next try and charged this once."""
        await self._lanes.note_heard(scene.claim, message.id, heard.kept(scene.claim, transcript))
        await self._quotas.charge("voice", transcript.duration_s, message.channel, message.sender)

    async def _think(
        self, engine: Engine, scene: Scene, message: Message, showing: Showing, *, anew: bool = False
    ) -> Reply | None:
        """The answer; None when the message proves not to be for Parley."""
        audio = heard.before(scene.claim, message) or await self._fetch(message)
        aloud = scene.preferences.voice == "always" or audio is not None
        speak = aloud and await self._lanes.takes_voice(message.channel)
        asked = await self._without_shown(message, scene.dialogue)
        owner = self._commands.only_owners_read(message)
        answer = engine.answer(asked, audio, scene.dialogue, scene.preferences, speak=speak, anew=anew, owner=owner)
        async with contextlib.aclosing(answer) as steps:
            async for step in steps:
                match step:
                    case Reply():
                        await self._charge_tokens(engine, step.turn.reply, message)
                        return step
                    case Transcript():
                        await self._note_heard(scene, message, step)
                    case Draft():
                        showing.draft(step)
                    case Unsure():
                        language = self._language(message, scene.preferences)
                        question = self._words.say("did_you_say", language, heard=step.turn.said)
                        return Reply(replace(step.turn, reply=question, doubtful=True))
        return None

    async def say(self, part: Part) -> VoiceNote | None:
        """The voice note that a part owes; None when it cannot be made."""
        return await self._engines.peek(Preferences()).say(part.text, part.language)

    async def _without_shown(self, message: Message, dialogue: Dialogue) -> Message:
        """The message, and no quote in it of an answer that the model reads anyway."""
        meant = await self._quoted_turn(message)
        shown = any(meant == turn.id for turn in dialogues.uncovered(dialogue))
        return replace(message, quote=None) if shown else message

    async def _quoted_turn(self, message: Message) -> str:
        """The turn whose answer a message is a reply to; "" when it is to none that is known, or to a part of one."""
        quote = message.quote
        if quote is None or not quote.own or not quote.ref:
            return ""
        return await self._feedback.turn_of(message.channel, quote.ref)

    async def _charge_tokens(self, engine: Engine, text: str, message: Message) -> None:
        if self._quotas.counts("tokens"):
            tokens = await asyncio.to_thread(engine.tokens_in, text)
            await self._quotas.charge("tokens", tokens, message.channel, message.sender)

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

    def notice(self, message: Message, key: str, preferences: Preferences, **params: object) -> Part:
        """Parley speaking about itself to the sender of a message."""
        language = self._language(message, preferences)
        return notice(message, self._words.say(key, language, **params), language)

    def _language(self, message: Message, preferences: Preferences) -> str:
        return preferences.language or message.sender.language or language_of(message.text)
