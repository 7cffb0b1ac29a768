from itertools import pairwise

import emoji
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.feedback import ratings
from core.feedback.ratings import RATING, Feedback, after, bare, rating_of
from core.store import keys
from core.store.redis import Store
from core.values.channel import ChannelKey, Person
from core.values.events import Reaction
from core.values.parts import TextPart

CHAT = ChannelKey("telegram", "42:-100")
TOPIC = ChannelKey("telegram", "42:-100", "33")
ANN = Person("1", "Ann")


def reaction(added: str = "", removed: str = "", target: str = "55", who: Person = ANN) -> Reaction:
    return Reaction("r", CHAT, who, 9.0, target, tuple(added.split()), tuple(removed.split()))


@pytest.mark.parametrize(
    ("emoji", "expected"),
    [
        ("👍🏽", "👍"),
        ("❤️", "❤"),
        ("❤", "❤"),
        ("🙏🏿", "🙏"),
        ("1️⃣", "1⃣"),
        ("abc", ""),
        ("+", ""),
        ("", ""),
        ("👍👍", ""),
        ("👍\ufe0e", "👍"),
        ("🧑🏿‍❤️‍🧑🏻", "🧑🏿‍❤‍🧑🏻"),
    ],
)
def test_emoji_are_bared_of_skin_tone_and_variation_selector(emoji: str, expected: str):
    assert bare(emoji) == expected


REAL = st.sampled_from(sorted(emoji.EMOJI_DATA))
TONES, SELECTORS = st.sampled_from("🏻🏼🏽🏾🏿"), st.sampled_from(["", "\ufe0e", "\ufe0f"])


def test_every_rated_emoji_is_real_bare_and_rated_once():
    assert all(emoji.is_emoji(rated) and bare(rated) == rated for rated in RATING)
    assert set(RATING.values()) == {1, -1}
    assert len(RATING) == sum(len(row) for row in ratings._MEANING.values())


@given(REAL)
def test_every_emoji_is_known_and_baring_it_is_final(real: str):
    assert bare(real)
    assert bare(bare(real)) == bare(real)
    assert bare(real.replace("\ufe0f", "")) == bare(real)


@given(st.sampled_from(sorted(RATING)), TONES, SELECTORS)
def test_skin_tones_and_variation_selectors_change_no_rating(rated: str, tone: str, selector: str):
    assert {bare(rated + selector), bare(rated + tone), bare(rated + tone + selector)} == {rated}


@given(st.text(max_size=6))
def test_text_is_no_emoji(text: str):
    assert emoji.is_emoji(bare(text)) or bare(text) == ""


CHANGE = st.tuples(
    st.sampled_from(["a", "b"]), st.sampled_from(["👍", "👍🏽", "👎", "🤔", "❤️", "❤", "x"]), st.booleans()
)


@given(st.lists(CHANGE, max_size=20))
def test_the_rating_follows_what_the_platform_shows(changes: list[tuple[str, str, bool]]):
    held: tuple[tuple[str, str], ...] = ()
    shown: list[tuple[str, str]] = []
    for target, one, add in changes:
        held = after(held, reaction(one if add else "", "" if add else one, target))
        pair = (target, one.replace("\ufe0f", ""))
        shown = [kept for kept in shown if kept != pair] + ([pair] if add and bare(one) else [])
    assert list(held) == shown
    rated = [RATING[bare(one)] for _, one in shown if bare(one) in RATING]
    assert rating_of(held) == (rated[-1] if rated else 0)


ROWS = st.lists(st.sampled_from(["👍", "👎", "🔥", "🤔"]), max_size=3, unique=True)


@given(st.lists(ROWS, max_size=8))
def test_whole_lists_of_reactions_leave_the_last_one(rows: list[list[str]]):
    """Telegram tells what a person held before and what they hold after."""
    held: tuple[tuple[str, str], ...] = ()
    for old, new in pairwise([[], *rows]):
        added, removed = (" ".join(one for one in row if one not in other) for row, other in ((new, old), (old, new)))
        held = after(held, reaction(added, removed))
    assert {one for _, one in held} == set(rows[-1] if rows else ())
    assert len(held) == len(set(held))


async def sent_part(store: Store, ref: str, turn: str = "t1") -> None:
    part = TextPart(turn, 0, TOPIC, "hello", model="m", profile="plain")
    await store.redis.set(keys.ref(TOPIC, ref), ratings.record(part, store.codec))


async def test_a_reaction_on_any_part_rates_the_turn_of_its_topic(store: Store):
    kept = Feedback(store)
    await sent_part(store, "55")
    await sent_part(store, "56")
    assert await kept.react(reaction("👍🏽"))
    found = (await kept.ratings(TOPIC))["t1", "1"]
    assert (found.rating, found.model, found.profile, found.at) == (1, "m", "plain", 9.0)
    await kept.react(reaction("👎", target="56"))
    assert (await kept.ratings(TOPIC))["t1", "1"].rating == -1
    await kept.react(reaction(removed="👎", target="56"))
    assert (await kept.ratings(TOPIC))["t1", "1"].rating == 1
    await kept.react(reaction(removed="👍🏽"))
    assert await kept.ratings(TOPIC) == {}


async def test_people_rate_for_themselves_and_repeats_change_nothing(store: Store):
    kept = Feedback(store)
    await sent_part(store, "55")
    for _ in range(3):
        await kept.react(reaction("👍"))
        await kept.react(reaction("👎", who=Person("2", "Bob")))
    assert {who: rating.rating for (_, who), rating in (await kept.ratings(TOPIC)).items()} == {"1": 1, "2": -1}
    assert await kept.of_channel(TOPIC) == {"t1": {"1": ("👍",), "2": ("👎",)}}


async def test_an_emoji_without_a_meaning_is_recorded_as_seen(store: Store):
    kept = Feedback(store)
    await sent_part(store, "55")
    await kept.react(reaction("🤔"))
    found = (await kept.ratings(TOPIC))["t1", "1"]
    assert (found.rating, found.held) == (0, (("55", "🤔"),))


async def test_an_unknown_target_is_told_and_leaves_nothing(store: Store):
    assert await Feedback(store).react(reaction("👍", target="404")) is False
    assert await store.redis.keys("*fb*") == []
