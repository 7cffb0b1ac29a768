"""What people's reactions say about a turn.

A person's state on a turn is the list of emoji they hold on any of its parts, oldest first, as the platform shows it;
their rating is that of the newest one with a meaning. Taking it away lets the one before it count again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import emoji as emoji_table

from core.store import keys
from core.store.codec import Codec, home_of, json_of
from core.store.redis import Store, translated
from core.telemetry import REACTIONS
from core.values.channel import ChannelKey
from core.values.events import Reaction
from core.values.parts import OwedVoicePart, Part, TextPart, VoicePart

_MEANING = {
    +1: "👍❤🔥🥰👏😁🎉🤩🙏👌😍💯🤣⚡🏆😎💘🫡🤗🆒💋😘🤝✅⭐🌟💪🙌😊😂",
    -1: "👎🤬😢🤮💩🤡🥱💔😐🖕😡😠❌🙁😞😕",
}
RATING = {emoji: rating for rating, row in _MEANING.items() for emoji in row}
"""Emoji -> +1 or -1, without skin tones and variation selectors; every other emoji is recorded as seen."""

_SKIN_TONES = {chr(code) for code in range(0x1F3FB, 0x1F400)}
_VARIATION_SELECTORS = "\ufe0e\ufe0f"


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What a sent part belongs to, kept under its platform id; `person` is whom it answers."""

    turn: str
    thread: str
    model: str
    profile: str
    person: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True)
class Rating:
    """One person's state on one turn. `held` are (part, emoji) pairs, oldest first; `rating` is +1, -1 or 0."""

    held: tuple[tuple[str, str], ...]
    rating: int
    model: str
    profile: str
    at: float
    version: int = 1


RECORD_KIND = json_of(PartRecord, "the record of a part")
RATING_KIND = json_of(Rating, "a rating")
"""What the hash of ratings holds for a turn and a person."""


def bare(emoji: str) -> str:
    """The emoji without variation selectors and skin tones; "" for what is no emoji at all (a custom one's name, text).

    Two people of different colours are one emoji that has no form without them, so it keeps them.
    """
    plain = _plain(emoji)
    toneless = "".join(char for char in plain if char not in _SKIN_TONES)
    return next((form for form in (toneless, plain) if emoji_table.is_emoji(form)), "")


def _plain(emoji: str) -> str:
    return "".join(char for char in emoji if char not in _VARIATION_SELECTORS)


def record(part: Part, codec: Codec) -> bytes:
    """What `lanes.sent` keeps under the platform id of a part; b"" for what no model said."""
    if not isinstance(part, TextPart | VoicePart | OwedVoicePart) or not part.model:
        return b""
    record = PartRecord(part.turn, part.channel.thread, part.model, part.profile, part.person)
    return codec.seal(RECORD_KIND, home_of(part.channel), record)


def after(held: tuple[tuple[str, str], ...], reaction: Reaction) -> tuple[tuple[str, str], ...]:
    """What a person holds on a turn after one more reaction. Pure.

    On Discord the same emoji in two skin tones are two reactions, so each keeps its own.
    """
    gone = {(reaction.target, _plain(emoji)) for emoji in (*reaction.removed, *reaction.added)}
    new = [(reaction.target, _plain(emoji)) for emoji in reaction.added if bare(emoji)]
    return (*(pair for pair in held if pair not in gone), *new)


def rating_of(held: tuple[tuple[str, str], ...]) -> int:
    """+1 or -1 by the newest emoji that has a meaning, else 0."""
    return next((RATING[known] for _, emoji in reversed(held) if (known := bare(emoji)) in RATING), 0)


class Feedback:
    """Ratings in Redis, one hash a channel: (turn, person) -> Rating."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._codec = store.codec

    async def react(self, reaction: Reaction) -> bool:
        """Record a reaction; False when its target is no part of a turn that is known here. Safe to repeat."""
        home = home_of(reaction.channel)
        with translated():
            raw = cast(bytes | None, await self._redis.get(keys.ref(reaction.channel, reaction.target)))
            if raw is None:
                return False
            part = self._codec.open(RECORD_KIND, home, raw)
            channel = ChannelKey(reaction.channel.platform, reaction.channel.space, part.thread)
            table, field = keys.of_channel("fb", channel), f"{part.turn}\t{reaction.sender.id}"
            before = cast(bytes | None, await self._redis.hget(table, field))
            held = after(self._codec.open(RATING_KIND, home, before).held if before else (), reaction)
            rating = Rating(held, rating_of(held), part.model, part.profile, reaction.sent_at)
            if held:
                await self._redis.hset(table, field, self._codec.seal(RATING_KIND, home, rating))
            else:
                await self._redis.hdel(table, field)
        REACTIONS.labels(f"{rating.rating:+d}").inc()
        return True

    async def turn_of(self, channel: ChannelKey, ref: str) -> str:
        """The turn that a sent part belongs to, by the part's platform id; "" when it is not known."""
        with translated():
            raw = cast(bytes | None, await self._redis.get(keys.ref(channel, ref)))
        return "" if raw is None else self._codec.open(RECORD_KIND, home_of(channel), raw).turn

    async def ratings(self, channel: ChannelKey) -> dict[tuple[str, str], Rating]:
        """All ratings of a channel: (turn, person) -> Rating."""
        with translated():
            table = cast(dict[bytes, bytes], await self._redis.hgetall(keys.of_channel("fb", channel)))
        found: dict[tuple[str, str], Rating] = {}
        for field, raw in table.items():
            turn, person = field.decode().split("\t")
            found[turn, person] = self._codec.open(RATING_KIND, home_of(channel), raw)
        return found

    async def of_channel(self, channel: ChannelKey) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """Turn -> person -> the emoji they hold on it."""
        held: dict[str, dict[str, tuple[str, ...]]] = {}
        for (turn, person), rating in (await self.ratings(channel)).items():
            held.setdefault(turn, {})[person] = tuple(dict.fromkeys(bare(emoji) for _, emoji in rating.held))
        return held
