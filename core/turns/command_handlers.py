"""What each command does. Those that need the models (/retry, /translate, /transcribe) are done in `answering`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import cast

from core.delivery.parts import notice
from core.errors import AssistantError, UserError
from core.intake.access import Access
from core.intake.commands import AUTO, OFF, OFFERED, Asked
from core.intake.pairing import TooManyTries
from core.lanes.lanes import LONGEST, Lanes
from core.platform import Words
from core.privacy.service import Privacy
from core.store.preferences import PreferenceStore
from core.telemetry import log
from core.text import cleaning
from core.text.language import language_tag
from core.thinking import prompt
from core.thinking.engines import Engines
from core.values import dialogue as dialogues
from core.values.channel import ChannelKey, Person
from core.values.dialogue import Dialogue
from core.values.events import Message, asker_of
from core.values.parts import Part
from core.values.preferences import Preferences, VoiceMode

_LOG = log("commands")
_PERSONA_CHARS = 600
"""So that it leaves small models room for the conversation."""
Administers = Callable[[ChannelKey, Person], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Room:
    """Where a command is given: its message, and the channel's dialogue and preferences."""

    message: Message
    dialogue: Dialogue
    preferences: Preferences
    language: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a command leaves: the dialogue (None: unchanged) and what to send."""

    dialogue: Dialogue | None
    parts: tuple[Part, ...]


class Commands:
    """Does what a command asks for."""

    def __init__(
        self,
        channels: PreferenceStore,
        lanes: Lanes,
        engines: Engines,
        words: Words,
        administers: Administers,
        access: Access,
        privacy: Privacy,
    ) -> None:
        self._channels = channels
        self._lanes = lanes
        self._engines = engines
        self._words = words
        self._administers = administers
        self._access = access
        self._privacy = privacy

    def only_owners_read(self, message: Message) -> bool:
        """Whether what answers a message is read by an owner and nobody else."""
        return not message.group and self._access.owns(message.sender, message.channel)

    async def run(self, asked: Asked, room: Room) -> Done:
        """Do it; UserError when it cannot be done here."""
        match asked.command.name:
            case "help":
                lines = [f"/{name} – {self._words.command(name, room.language)}" for name in OFFERED]
                return self._say(asked, room, "welcome", commands="\n".join(lines))
            case "new":
                await self._only_admins(room)
                return replace(self._say(asked, room, "new_conversation"), dialogue=dialogues.anew(room.dialogue))
            case "stop":
                return await self._stop(asked, room)
            case "undo":
                return await self._undo(asked, room)
            case "voice":
                return await self._voice(asked, room)
            case "language":
                return await self._language(asked, room)
            case "status":
                return await self._status(asked, room)
            case "privacy":
                return await self._tell_privacy(asked, room)
            case "forget":
                return await self._forget(asked, room)
            case "export":
                return await self._export(asked, room)
            case "settings":
                return await self._settings(asked, room)
            case "persona":
                return await self._persona(asked, room)
            case "pair":
                return await self._pair(asked, room)
            case "model":
                return await self._model(asked, room)
            case name:
                raise UserError("unknown_command", name=name)

    async def _stop(self, asked: Asked, room: Room) -> Done:
        """What waited was taken out when the word came; for a whole group it is done now, by who looks after it."""
        message = room.message
        if not message.group or not asked.argument:
            return self._say(asked, room, "stopped_own" if message.group else "stopped")
        await self._only_admins(room)
        _, *waiting = await self._lanes.waiting(message.channel, 2 * LONGEST)
        wanted = [entry for entry in waiting if asker_of(entry.value)]
        gone = [entry.value for entry in await self._lanes.withdraw(message.channel, wanted)]
        sorry = [event for event in gone if isinstance(event, Message) and event.waits]
        parts = (notice(event, self._words.say("stopped", room.language), room.language) for event in sorry)
        return Done(None, (*self._say(asked, room, "stopped").parts, *parts))

    async def _undo(self, asked: Asked, room: Room) -> Done:
        """Forget the last turn and take its answer away."""
        if not room.dialogue.turns:
            raise UserError("nothing_to_undo")
        last = room.dialogue.turns[-1]
        shown = await self._lanes.shown(room.message.channel, last.id)
        gone = tuple(
            Part(last.id, index, room.message.channel, "removal", replaces=ref) for index, ref in enumerate(shown, 1)
        )
        done = self._say(asked, room, "undone", said=_short(last.said))
        return Done(dialogues.without_last(room.dialogue), (*done.parts, *gone))

    async def _voice(self, asked: Asked, room: Room) -> Done:
        if not asked.argument:
            return self._say(asked, room, f"voice_{room.preferences.voice}")
        chosen = cast(VoiceMode, asked.argument)
        await self._prefer(room, lambda kept: replace(kept, voice=chosen))
        return self._say(asked, room, f"voice_{chosen}")

    async def _language(self, asked: Asked, room: Room) -> Done:
        if not asked.argument:
            chosen = room.preferences.language
        else:
            chosen = "" if asked.argument == AUTO else language_tag(asked.argument)
            await self._prefer(room, lambda kept: replace(kept, language=chosen))
        room = replace(room, language=chosen or room.message.sender.language or room.language)
        return self._say(asked, room, "language_fixed" if chosen else "language_auto", language=chosen)

    async def _status(self, asked: Asked, room: Room) -> Done:
        share = await asyncio.to_thread(self._engines.used_share, room.dialogue, room.preferences)
        summary = room.dialogue.summary or "–"
        return self._say(
            asked,
            room,
            "status",
            model=self._engines.model_name(room.preferences),
            language=room.preferences.language or AUTO,
            voice=room.preferences.voice,
            used=round(100 * share),
            summary=summary,
            persona=room.preferences.persona or "–",
            coming=self._coming(room),
        )

    def _coming(self, room: Room) -> str:
        """A line for each model that is on its way, before it a line break."""
        return "".join(
            "\n" + self._words.say(f"model_{each.state}", room.language, name=each.name, percent=each.percent)
            for each in self._engines.arrivals.all
            if each.state != "here"
        )

    async def _tell_privacy(self, asked: Asked, room: Room) -> Done:
        whose = room.message.channel.platform, room.message.sender.id
        if not asked.argument:
            return self._answer(asked, room, await self._privacy.explain(*whose, room.language))
        return self._answer(
            asked, room, await self._privacy.decide(*whose, room.language, allow=asked.argument == "allow")
        )

    async def _forget(self, asked: Asked, room: Room) -> Done:
        if not asked.argument:
            return self._say(asked, room, "forget_what")
        if asked.argument == "me":
            text, parts = await self._privacy.forget_me(room.message, room.language)
        else:
            await self._only_admins(room)
            text, parts = await self._privacy.forget_channel(room.message, room.language)
        return Done(None, (*self._answer(asked, room, text).parts, *parts))

    async def _export(self, asked: Asked, room: Room) -> Done:
        document = await self._privacy.export(room.message)
        (part,) = self._say(asked, room, "exported").parts
        return Done(None, (replace(part, kind="file", document=document),))

    async def _settings(self, asked: Asked, room: Room) -> Done:
        chosen = room.preferences
        if asked.argument:
            await self._only_admins(room)
            choice = asked.argument

            def choose(kept: Preferences) -> Preferences:
                match choice:
                    case "answer-everything":
                        return replace(kept, answers="everything")
                    case "answer-mentions":
                        return replace(kept, answers="mentions")
                    case _:
                        return replace(kept, thumbs=choice == "thumbs-on")

            chosen = await self._prefer(room, choose)
        answers = self._words.say(f"answers_{chosen.answers}", room.language)
        thumbs = self._words.say("on" if chosen.thumbs else "off", room.language)
        language, voice = chosen.language or AUTO, chosen.voice
        return self._say(asked, room, "settings", answers=answers, thumbs=thumbs, language=language, voice=voice)

    async def _persona(self, asked: Asked, room: Room) -> Done:
        """How Parley is to be in this channel, in its owner's own words, which stand in one line of the prompt."""
        chosen = room.preferences.persona
        if asked.argument:
            await self._only_admins(room)
            wanted = " ".join(cleaning.clean(asked.argument).split())
            if len(wanted) > _PERSONA_CHARS:
                raise UserError("persona_too_long", limit_chars=_PERSONA_CHARS, chars=len(wanted))
            chosen = "" if wanted.lower() == OFF else wanted
            await self._prefer(room, lambda kept: replace(kept, persona=chosen))
        return self._say(asked, room, "persona_set" if chosen else "persona_none", persona=chosen)

    async def _pair(self, asked: Asked, room: Room) -> Done:
        """Let in who has a code, or tell who waits with one."""
        if not self._access.owns(room.message.sender, room.message.channel):
            raise UserError("only_owners")
        pairing = self._access.pairing
        if not asked.argument:
            waiting = [f"{one.code}  {prompt.label(one.sender.name)}  {one.who}" for one in await pairing.waiting()]
            return self._say(asked, room, "pair_waiting", waiting="\n".join(waiting) or "–")
        try:
            found = await pairing.confirm(asked.argument)
        except TooManyTries:
            raise UserError("pair_too_often") from None
        if found is None:
            raise UserError("pair_unknown")
        return self._say(asked, room, "paired", name=prompt.label(found.sender.name), who=found.who)

    async def _model(self, asked: Asked, room: Room) -> Done:
        """Which language model answers in this channel: an owner's choice among those that are here."""
        if not self._access.owns(room.message.sender, room.message.channel):
            raise UserError("only_owners_choose")
        names = self._engines.choices()
        if asked.argument:
            chosen = "" if asked.argument == AUTO else asked.argument
            if chosen and chosen not in names:
                raise UserError("model_unknown", choices=", ".join(names))
            try:
                await self._engines.ready(chosen)
            except AssistantError as error:
                _LOG.warning("%s cannot answer in %s: %s", chosen, room.message.channel, error)
                raise UserError("model_not_ready", name=chosen) from error
            kept = await self._prefer(room, lambda kept: replace(kept, model=chosen))
            room = replace(room, preferences=kept)
        name = self._engines.model_name(room.preferences)
        return self._say(asked, room, "model_here", name=name, choices=", ".join((AUTO, *names)))

    async def _only_admins(self, room: Room) -> None:
        message = room.message
        if message.group and not await self._administers(message.channel, message.sender):
            raise UserError("only_admins")

    async def _prefer(self, room: Room, choose: Callable[[Preferences], Preferences]) -> Preferences:
        return await self._channels.change(room.message.channel, choose)

    def _say(self, asked: Asked, room: Room, key: str, **blanks: object) -> Done:
        return self._answer(asked, room, self._words.say(key, room.language, **blanks))

    def _answer(self, asked: Asked, room: Room, text: str) -> Done:
        message = room.message
        private_to = message.sender.id if asked.command.private and message.group else ""
        part = Part(
            message.id,
            0,
            message.channel,
            "text",
            text,
            reply_to=message.ref,
            language=room.language,
            private_to=private_to,
            person=message.sender.id,
        )
        return Done(None, (part,))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
