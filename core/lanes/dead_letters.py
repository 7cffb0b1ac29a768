"""What nobody could read, answer or send, and how it lies in the list `dead`: `kind@time:body`, the time in seconds."""

from dataclasses import dataclass

from core.store.codec import EVENT, PART, Codec, Entry, home_of
from core.values.channel import ChannelKey
from core.values.events import Event
from core.values.parts import Part


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One of them; `at` is when that was, None where an early version wrote none."""

    raw: bytes
    kind: str
    at: float | None
    entry: Entry[Event | Part]


def read(codec: Codec, channel: ChannelKey, raw: bytes) -> DeadLetter:
    """What an entry of the list holds. What is neither an event nor a part is an event that nobody can read."""
    head, _, body = raw.partition(b":")
    kind, _, at = head.decode().partition("@")
    home = home_of(channel)
    entry = codec.read(PART, home, body) if kind == "out" else codec.read(EVENT, home, body)
    return DeadLetter(raw, kind, float(at) if at else None, entry)


def written(kind: str, at: float, body: bytes) -> bytes:
    """The entry of something that is given up, as the script `dead_letter` writes it."""
    return b"%b@%d:%b" % (kind.encode(), at, body)
