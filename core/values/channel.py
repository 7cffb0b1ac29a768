"""Where something is said and by whom, and what comes with it."""

from dataclasses import dataclass
from typing import Literal, cast

PlatformName = Literal["telegram", "discord", "web", "console"]
MediaKind = Literal["audio", "image", "other"]


@dataclass(frozen=True, slots=True)
class ChannelKey:
    """One conversation.

    `space` is where message ids are unique (a Telegram chat of one bot, a Discord channel or thread), `thread` a
    topic within it. A reaction knows only its space, so everything of one space lives in one Redis partition.
    """

    platform: PlatformName
    space: str
    thread: str = ""

    def __str__(self) -> str:
        return f"{self.platform}/{self.space}" + (f"/{self.thread}" if self.thread else "")

    @classmethod
    def parse(cls, text: str) -> "ChannelKey":
        """The inverse of `str(key)`."""
        platform, space, thread = (text.split("/") + [""])[:3]
        return cls(cast(PlatformName, platform), space, thread)


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote: platform id, the name others see, and the app's language (BCP 47) when the platform tells it."""

    id: str
    name: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A file that stays on its platform until a worker fetches it.

    `handle` is the platform's own name for it and never a URL with a secret. Size (bytes) and duration (seconds) are
    what the sender's app claims, None when it claims nothing.
    """

    kind: MediaKind
    handle: str
    name: str = ""
    size_bytes: int | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The earlier message that is answered; `own`: Parley's, `ref`: its id if all of it is meant, `person`: by whom."""

    speaker: str
    text: str = ""
    media: tuple[MediaRef, ...] = ()
    own: bool = False
    ref: str = ""
    person: str = ""
