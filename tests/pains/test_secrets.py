"""A secret in each of 200 channels, and a model that repeats all that it is shown: who could hear whose?"""

import re
import secrets
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from core.store.redis import open_store
from core.values import dialogue as dialogues
from tests.pains.world import World, living, until
from tests.platforms.discord_payloads import ALICE, BOB, CROWD, DM, GENERAL, RANDOM, THREAD
from tests.platforms.telegram_server import ANN

pytestmark = pytest.mark.asyncio(loop_scope="session")
PEOPLE = range(15_001, 15_056)
"""Each has a private chat, and talks in a group and in a topic as well."""
TOPICS, FORUM = range(1, 26), -15_500
WEB = 200 - 2 * len(PEOPLE) - len(TOPICS) - len(CROWD) - 5
QUESTION = "What do you know?"
SECRET = re.compile(r"secret-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Place:
    """One channel, as its lane is called, and where its answers are seen."""

    key: str
    secret: str
    chat: int = 0
    topic: int | None = None
    room: str = ""

    @property
    def where(self) -> object:
        """Where its messages are counted; None for the web, which answers at once."""
        return self.room or ((self.chat, self.topic) if self.chat else None)


def places() -> list[Place]:
    """55 private chats, 55 groups and 25 topics on Telegram; direct channels, channels and a thread on Discord; web."""
    keys = [(f"telegram/42:{person}", person, None, "") for person in PEOPLE]
    keys += [(f"telegram/42:-{person}", -person, None, "") for person in PEOPLE]
    keys += [(f"telegram/42:{FORUM - topic % 5}/{topic}", FORUM - topic % 5, topic, "") for topic in TOPICS]
    rooms = [DM[person] for person in (ALICE, BOB, *CROWD)] + [GENERAL, RANDOM, THREAD]
    keys += [(f"discord/{room}", 0, None, room) for room in rooms]
    keys += [(f"web/room{number}", 0, None, "") for number in range(WEB)]
    return [Place(key, f"secret-{secrets.token_hex(6)}", chat, topic, room) for key, chat, topic, room in keys]


async def tell(world: World, place: Place, text: str) -> str:
    """Say something there to Parley; on the web the answer comes at once."""
    telegram, discord = world.telegram, world.discord
    if place.chat > 0:
        telegram.person(place.chat, text)
    elif place.chat:
        # The same people as in the private chats.
        speaker = {**ANN, "id": -place.chat if place.topic is None else PEOPLE[place.topic], "first_name": "Ann"}
        chat = {"id": place.chat, "type": "supergroup", "title": "x", "is_forum": place.topic is not None}
        telegram.say(f"@parley_bot {text}", chat=chat, user=speaker, topic=place.topic)
    elif place.room:
        direct = {channel: person for person, channel in DM.items()}
        await discord.say(
            text, author=direct.get(place.room, ALICE), channel=place.room, mention=place.room not in direct
        )
    else:
        path = f"{world.product.page}/v1/channels/{place.key.removeprefix('web/')}/messages"
        async with httpx.AsyncClient(timeout=60) as client:
            return (await client.post(path, json={"text": text})).json()["text"]
    return ""


def counts(world: World) -> Counter[object]:
    """How many messages the bot sent in each place."""
    telegram = ((sent.chat, sent.topic) for sent in world.telegram.sent)
    return Counter((*telegram, *(sent.channel for sent in world.discord.sent)))


def all_answered(world: World, channels: list[Place], rounds: int) -> bool:
    sent = counts(world)
    return all(place.where is None or sent[place.where] >= rounds for place in channels)


def answers(world: World, place: Place) -> list[str]:
    """What was answered there."""
    if place.room:
        return world.discord.shown(place.room)
    return [sent.text for sent in world.telegram.shown(place.chat) if sent.topic == place.topic]


@pytest_asyncio.fixture(loop_scope="session")
async def world() -> AsyncIterator[World]:
    """A product of its own, in which nobody has said anything yet."""
    with tempfile.TemporaryDirectory(prefix="parley-", ignore_cleanup_errors=True) as folder:
        async with living(Path(folder)) as made:
            yield made


async def test_pain_15_no_channel_hears_anothers_secret(world: World):
    channels, web = places(), dict[str, list[str]]()
    assert len(channels) == len({place.key for place in channels}) == 200
    world.model.tells_all = True
    # Every other channel begins when the rest has much to tell.
    for half in (channels[::2], channels[1::2]):
        for rounds, text in enumerate(("Please keep this: {secret}", QUESTION), 1):
            for place in half:
                told = await tell(world, place, text.format(secret=place.secret))
                web.setdefault(place.key, []).extend([told] if told else [])
            await until(partial(all_answered, world, half, rounds), 300)
    await world.quiet()
    for place in channels:
        shown = web[place.key] or answers(world, place)
        assert QUESTION in shown[-1], place
        assert set(SECRET.findall("\n".join(shown))) == {place.secret}, place
        assert place.secret in shown[-1], place
        group = place.chat < 0 or place.room in (GENERAL, RANDOM, THREAD)
        assert (("user: Ann: " in shown[-1]) or ("user: Alice: " in shown[-1])) == group, place
    for asked in world.model.asked:
        assert len(set(SECRET.findall("\n".join(asked.chat)))) <= 1
    async with open_store("", world.data / "d") as store:
        async for key in store.redis.scan_iter(match="parley:*:dlg:*"):
            raw = await store.redis.get(key)
            assert isinstance(raw, bytes)
            kept = dialogues.decode(raw)
            found = set(SECRET.findall(str(kept)))
            assert found <= {place.secret for place in channels if place.key == key.decode().split(":dlg:", 1)[1]}
