"""What people are told of what is kept of them, and what they decide about it: where /privacy leads."""

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from core import keys
from core.consents import Consent, Consents
from core.message import PlatformName
from core.platform import Words
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Terms:
    """What the owner's settings mean for people.

    store: the host of Redis, "" for this machine; servers: the hosts that words are sent to for an answer or a voice.
    """

    store: str = ""
    servers: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> "Terms":
        """Those of these settings."""
        addresses = (settings.lm_url, settings.tts_url)
        return cls(_host(settings.redis_url), tuple(dict.fromkeys(filter(None, map(_host, addresses)))))


class Privacy:
    """One for all people."""

    def __init__(self, consents: Consents, words: Words, terms: Terms) -> None:
        self._consents = consents
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
            upload_days=keys.UPLOAD_S // keys.DAY_S,
            voice_days=keys.VOICE_S // keys.DAY_S,
            servers=say("privacy_servers", language, hosts=", ".join(terms.servers))
            if terms.servers
            else say("privacy_no_server", language),
            consent=self._decision(consent, language),
        )

    async def decide(self, platform: PlatformName, person: str, language: str, *, allow: bool) -> str:
        """Keep whether a person's words may improve the model; what they decided, in words."""
        return self._decision(await self._consents.record(platform, person, given=allow), language)

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
