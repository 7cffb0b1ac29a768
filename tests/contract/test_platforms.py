"""One suite over every chat platform and the tests' double: whatever speaks to a worker must behave like this."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import PermanentError, UserError
from core.store.redis import Store
from core.text.splitting import units
from core.values.attachments import Document, VoiceNote
from core.values.channel import ChannelKey
from core.values.events import Message, PlatformEvent
from core.values.parts import DraftPart, FilePart, NoticePart, RemovalPart, TextPart, VoicePart
from core.values.turn import Activity
from tests.contract.places import PLACES, Place

NOTE = VoiceNote(b"OggS" + b"\0" * 100, 1.2, b"\1\2")


@pytest.fixture(params=PLACES)
async def place(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> AsyncIterator[Place]:
    async with PLACES[request.param](store, tmp_path) as found:
        yield found


async def listened(place: Place, count: int, voice: bytes = b"") -> list[Message]:
    """What a platform hands on while people write; each message is answered, as some wait for that."""
    events: list[PlatformEvent] = []
    answers: list[asyncio.Task[str]] = []

    async def accept(event: PlatformEvent) -> bool:
        events.append(event)
        answers.append(asyncio.create_task(place.platform.send(TextPart(event.id, 0, event.channel, "I see."))))
        return True

    task = asyncio.create_task(place.platform.listen(accept))
    async with asyncio.timeout(20):
        await place.ready()
        for number in range(count):
            await place.say("" if voice else f"message {number}", voice)
        while len(events) < count:
            await asyncio.sleep(0.01)
        await asyncio.gather(*answers)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return [event for event in events if isinstance(event, Message)]


async def test_messages_arrive_in_order_with_ids_that_differ(place: Place):
    messages = await listened(place, 5)
    assert [message.text for message in messages] == [f"message {number}" for number in range(5)]
    assert len({message.id for message in messages}) == 5
    for message in messages:
        assert message.channel == place.here
        assert ChannelKey.parse(str(message.channel)) == message.channel
        assert len(f"{message.id}-99") <= (place.nonce_chars or 1000)
        assert message.sent_at > 1e9
        assert not message.group
        assert message.sender.id
        assert await place.platform.administers(message.channel, message.sender)


async def test_each_part_has_an_id_of_its_own(place: Place):
    refs = [
        await place.platform.send(TextPart("900", 0, place.here, "one", rateable=True)),
        await place.platform.send(VoicePart("900", 1, place.here, NOTE)),
        await place.platform.send(NoticePart("901", 0, place.here, "two")),
    ]
    assert len(set(refs)) == 3
    assert all(refs)
    assert await place.texts() == ["one", "two"]


async def test_what_replaces_a_part_keeps_its_id_and_what_is_taken_away_has_none(place: Place):
    ref = await place.platform.send(TextPart("900", 0, place.here, "one"))
    assert await place.platform.send(TextPart("900", 0, place.here, "one and more", replaces=ref)) == ref
    assert await place.platform.send(RemovalPart("900", 1, place.here, ref)) == ""


async def test_a_text_that_cannot_take_the_place_of_a_voice_note_is_there_all_the_same(place: Place):
    ref = await place.platform.send(VoicePart("900", 1, place.here, NOTE))
    assert await place.platform.send(TextPart("900", 1, place.here, "in words", replaces=ref))
    assert await place.texts() == ["in words"]


async def test_a_draft_grows_into_its_answer(place: Place):
    ref = await place.platform.send(DraftPart("900", 0, place.here, "on", transcript="What?"))
    assert await place.platform.send(DraftPart("900", 0, place.here, "one", replaces=ref)) == ref
    assert await place.platform.send(TextPart("900", 0, place.here, "one", replaces=ref, transcript="What?"))


async def test_a_document_arrives_with_its_words(place: Place):
    document = Document("parley.json", b'{"a": 1}')
    assert await place.platform.send(FilePart("900", 0, place.here, "All of it.", document))


async def test_a_text_as_long_as_the_limit_fits(place: Place):
    text = "😀" * (place.platform.limits.text_units // 2)
    assert units(text) == place.platform.limits.text_units
    await place.platform.send(TextPart("900", 0, place.here, text))
    assert await place.texts() == [text]


@pytest.mark.parametrize("activity", ["typing", "recording"])
async def test_signs_work_and_nothing_is_sent(place: Place, activity: Activity):
    await place.platform.typing(place.here, activity)
    assert place.activities in (1, None)
    assert await place.texts() == []


async def test_a_file_arrives_whole_or_is_told_as_too_big_or_gone(place: Place):
    (message,) = await listened(place, 1, voice=NOTE.ogg)
    (media,) = message.media
    assert media.kind == "audio"
    assert await place.platform.fetch(media, 1000) == NOTE.ogg
    with pytest.raises(UserError, match="file_too_big"):
        await place.platform.fetch(media, 50)
    with pytest.raises(PermanentError):
        await place.platform.fetch(place.gone, 1000)


async def test_budgets_have_room_for_a_part(place: Place):
    for budget in place.platform.limits.budgets(place.here):
        assert budget.every_s > 0
        assert budget.burst >= 1
