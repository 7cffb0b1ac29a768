"""What people are told and given of what is kept of them, and what they decide about it.

Where /privacy, /forget and /export lead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from core.delivery.parts import notice
from core.platform import Words
from core.privacy import export
from core.privacy.aof_rewrite import Files
from core.privacy.cache_invalidation import Invalidation
from core.privacy.consent import Consent, Consents
from core.privacy.erasure import Erased, Erasure
from core.privacy.ownership import EVERYBODY
from core.privacy.subject_data import SubjectDataReader
from core.settings import Settings
from core.store import keys
from core.store.people import People
from core.store.redis import Store
from core.values.attachments import Document
from core.values.channel import ChannelKey, PlatformName
from core.values.events import Message
from core.values.parts import Part

_PASSES = 3
"""An answer that was on its way out when it was erased may leave its record behind, which the next pass finds."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the owner's settings mean for people.

    days: how long anything is kept, 0 for ever; store: the host of Redis, "" for this machine; servers: the hosts that
    words are sent to for an answer or a voice.
    """

    days: int = 0
    store: str = ""
    servers: tuple[str, ...] = ()

    def at_most(self, lifetime_s: int) -> int:
        """The days that something with a lifetime of its own is kept."""
        days = lifetime_s // keys.DAY_S
        return min(days, self.days) if self.days else days

    @classmethod
    def of(cls, settings: Settings) -> "Terms":
        """Those of these settings."""
        addresses = (settings.lm_url, settings.asr_url, settings.tts_url)
        return cls(
            settings.retention_days,
            _host(settings.redis_url),
            tuple(dict.fromkeys(filter(None, map(_host, addresses)))),
        )


class Privacy:
    """One for all people."""

    def __init__(
        self,
        store: Store,
        words: Words,
        terms: Terms,
        invalidation: Invalidation,
        erasers: Sequence[Callable[[ChannelKey], None]] = (),
    ) -> None:
        """`erasers` erase the files that platforms keep of a channel outside Redis."""
        self._files = Files(store)
        self._consents = Consents(store)
        self._people = People(store)
        self._subject_data = SubjectDataReader(store)
        self._erasure = Erasure(store, self._subject_data)
        self._invalidation = invalidation
        self._erasers = erasers
        self._words = words
        self._terms = terms

    async def explain(self, platform: PlatformName, person: str, language: str) -> str:
        """What is kept, where, for how long and what for, and how to change it."""
        say, terms = self._words.say, self._terms
        consent = await self._consents.of(platform, person)
        return say(
            "privacy",
            language,
            where=say("privacy_there", language, host=terms.store) if terms.store else say("privacy_here", language),
            how_long=say("privacy_days", language, days=terms.days) if terms.days else say("privacy_ever", language),
            upload_days=terms.at_most(keys.UPLOAD_S),
            voice_days=terms.at_most(keys.VOICE_S),
            servers=say("privacy_servers", language, hosts=", ".join(terms.servers))
            if terms.servers
            else say("privacy_no_server", language),
            consent=self._decision(consent, language),
        )

    async def decide(self, platform: PlatformName, person: str, language: str, *, allow: bool) -> str:
        """Keep whether a person's words may improve the model; what they decided, in words."""
        return self._decision(await self._consents.record(platform, person, given=allow), language)

    async def export(self, message: Message) -> Document:
        """All that is kept of the sender."""
        return await export.export(self._subject_data, self._people, self._consents, message)

    async def forget_me(self, message: Message, language: str) -> tuple[str, tuple[Part, ...]]:
        """Erase what is kept of the sender wherever they wrote, in their lane's turn; safe to repeat.

        Returns what was erased, in words, and what else is to be sent there.
        """
        return await self._forget(message, message.sender.id, language)

    async def forget_channel(self, message: Message, language: str) -> tuple[str, tuple[Part, ...]]:
        """Erase what a message's channel keeps of everybody, as `forget_me` does."""
        return await self._forget(message, EVERYBODY, language)

    async def _forget(self, message: Message, person: str, language: str) -> tuple[str, tuple[Part, ...]]:
        here, began_ms = message.channel, await self._people.now_ms()
        found = [] if person == EVERYBODY else await self._people.channels_of(here.platform, person)
        channels = tuple(dict.fromkeys([*found, here]))
        parts = await self._erase(message, person, channels, language)
        if person != EVERYBODY and await self._consents.of(here.platform, person):
            await self._erasure.count(here, message.id, Erased(changes=1))
            await self._consents.erase(here.platform, person)
        erased = await self._erasure.counted(channels, message.id)
        if erased.changes:
            await self._files.write_anew()
        # Only now: a try that fails before is followed by one that looks, and counts, in the same channels.
        for channel in channels:
            gone = await self._people.of(channel) if person == EVERYBODY else [person]
            await self._people.leave(channel, gone, began_ms)
        await self._erasure.forget_counts(channels, message.id)
        return self._forgotten("forgotten_channel" if person == EVERYBODY else "forgotten_me", erased, language), parts

    async def _erase(
        self, message: Message, person: str, channels: Sequence[ChannelKey], language: str
    ) -> tuple[Part, ...]:
        def sorry(waiting: Message) -> Part:
            own = waiting.sender.language or language
            return replace(notice(waiting, self._words.say("stopped", own), own), person="")

        parts = tuple[Part, ...]()
        for _ in range(_PASSES):
            anything = False
            for channel in channels:
                own = channel == message.channel
                found, more = await self._erasure.erase(channel, person, sorry, wish=message.id, own=own)
                anything, parts = anything or found, (*parts, *more)
                await self._invalidation.tell(channel)
                for erase in self._erasers:
                    erase(channel)
            if not anything:
                break
        return parts

    def _forgotten(self, key: str, erased: Erased, language: str) -> str:
        say = self._words.say
        counts = [say(f"erased_{what}", language, count=count) for what, count in erased.told.items()]
        told = say("erased", language, counts=" · ".join(counts)) if counts else say("erased_nothing", language)
        return say(key, language, erased=told)

    def _decision(self, consent: Consent | None, language: str) -> str:
        if consent is None:
            return self._words.say("consent_none", language)
        key = "consent_given" if consent.given else "consent_refused"
        return self._words.say(key, language, date=datetime.fromtimestamp(consent.at, UTC).date().isoformat())


def _host(address: str) -> str:
    """The host of an address; "" for this machine."""
    host = urlsplit(address).hostname or ""
    try:
        return "" if ip_address(host).is_loopback else host
    except ValueError:
        return "" if host == "localhost" else host
