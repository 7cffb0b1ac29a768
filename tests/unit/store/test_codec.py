"""Values in Redis: what today's version kept is read, and nothing in the house looks into what is sealed."""

import traceback
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.web import wire
from core.errors import PermanentError, RetryableError
from core.feedback.ratings import RECORD_KIND, Feedback, PartRecord
from core.intake.pairing import Pairing, Stranger
from core.lanes.admin import Upkeep
from core.lanes.lanes import Lanes
from core.privacy import indexing
from core.privacy.consent import Consents
from core.speech.transcription import Transcript
from core.store import keys
from core.store.codec import DIALOGUE, EVENT, FILE, PART, PREFERENCES, Codec, Kind, home_of
from core.store.people import People
from core.store.preferences import PreferenceStore
from core.store.redis import Store
from core.turns import transcripts
from core.values.attachments import VoiceNote
from core.values.channel import ChannelKey, MediaRef, Person
from core.values.dialogue import Dialogue, append
from core.values.events import Edit, Message, Move, Reaction, encode_event
from core.values.parts import OwedVoicePart, TextPart, VoicePart, encode_part
from core.values.preferences import Preferences
from core.values.turn import Turn
from tests.fakes.codec import Veiled
from tests.support.house import ANN, BOB, HERE, House, working
from tests.support.kept import having

CANARY = "plum-coloured-canary"
GROUP, UPGRADED = ChannelKey("telegram", "42:-5"), ChannelKey("telegram", "42:-1005")
ROOM = ChannelKey("web", "room")


@pytest.fixture
def veiled(store: Store) -> Store:
    return replace(store, codec=Veiled())


def said(id: str, text: str, who: Person = ANN, channel: ChannelKey = HERE, **more: Any) -> Message:
    return Message(id, channel, who, 1.0, text, ref=id, **more)


@given(codec=st.sampled_from([Codec(), Veiled()]), text=st.text(), home=st.text())
def test_what_was_sealed_comes_back_under_its_home_alone(codec: Codec, text: str, home: str):
    event, part = said("a", text), TextPart("a", 0, HERE, text)
    dialogue = append(Dialogue(), Turn("a", 1.0, "Ann", text, text, "en", "m", "p"))
    kinds: list[tuple[Kind[Any], Any]] = [
        (EVENT, event),
        (PART, part),
        (DIALOGUE, dialogue),
        (PREFERENCES, Preferences(persona=text)),
    ]
    for kind, value in kinds:
        raw = codec.seal(kind, home, value)
        assert codec.open(kind, home, raw) == codec.read(kind, home, raw).value == value
        assert codec.open(kind, "moved", codec.moved(raw, home, "moved")) == value
    assert codec.open(FILE, home, codec.seal(FILE, home, text.encode())) == text.encode()
    with pytest.raises(PermanentError):
        Veiled().open(EVENT, f"{home}?", Veiled().seal(EVENT, home, event))


def test_without_a_key_it_is_the_json_of_today():
    assert Codec().seal(EVENT, "x", said("a", "hi")) == encode_event(said("a", "hi"))
    assert Codec().seal(PART, "x", TextPart("a", 0, HERE, "hi")) == encode_part(TextPart("a", 0, HERE, "hi"))


@given(form=st.sampled_from(['"{}"', '{{"text":"{}"}}', '{{"type":"{}"}}', "{}{{"]))
def test_an_error_holds_no_word_of_what_cannot_be_read(form: str):
    entry = Codec().read(EVENT, "x", form.format(CANARY).encode())
    assert isinstance(entry.value, PermanentError)
    assert "canary" not in "".join(traceback.format_exception(entry.value)) + repr(entry.value)


def test_whom_something_tells_of_is_known_though_nobody_can_read_it():
    newer = Codec().read(
        EVENT, "x", b'{"type":"poll","sender":{"id":"1","name":"Ann"},"text":"\\"id\\":\\"9\\"","by":["7"]}'
    )
    assert newer.ids == {"1"}
    assert [newer.names(person) for person in ("1", "7", "9")] == [True, True, False]


async def test_what_today_s_version_kept_is_read(store: Store):
    redis: Any = store.redis
    record = b'{"turn":"42:1","thread":"","model":"m","profile":"p","person":"1","version":1}'
    await redis.set(keys.ref(HERE, "r"), record)
    rating = b'{"held":[["r","\xf0\x9f\x91\x8d"]],"rating":1,"model":"m","profile":"p","at":1.0,"version":1}'
    await redis.hset(keys.of_channel("fb", HERE), "42:1\t1", rating)
    await redis.set(keys.of_person("consent", "telegram", "1"), b'{"given":true,"at":1.0,"version":1}')
    await redis.set(keys.of_channel("prefs", HERE), b'{"voice":"never","language":"","answers":"mentions"}')
    stranger = (
        b'{"who":"telegram:9","sender":{"id":"9","name":"Eve","language":""},"channel":"telegram/42:9","group":false,'
        b'"code":"ABCDEFGH","ends":99999999999.0,"told":false,"version":1}'
    )
    await redis.hset(keys.waiting(), "telegram:9", stranger)
    await redis.set(keys.answer(ROOM, "t"), b'{"turn":"t","kind":"text","text":"hello","heard":""}')
    await redis.set(keys.voice(ROOM, "t"), b"OggS")
    assert store.codec.open(RECORD_KIND, home_of(HERE), record).person == "1"
    assert (await Feedback(store).ratings(HERE))["42:1", "1"].rating == 1
    consent = await Consents(store).of("telegram", "1")
    assert consent is not None
    assert consent.given
    assert (await PreferenceStore(store).preferences(HERE)).voice == "never"
    lanes = Lanes(store)
    pairing = Pairing(store, lanes)
    assert [each.code for each in await pairing.waiting()] == ["ABCDEFGH"]
    assert (await pairing.confirm("abcdefgh")) is not None
    assert await pairing.knows(["telegram:9"]) == ["telegram:9"]
    note = await wire.kept(store, ROOM, "t")
    assert note is not None
    assert note.text == "hello"
    await lanes.accept(said("v", "", media=(MediaRef("audio", "f"),)))
    claim = await lanes.claim(keys.partition(HERE), "telegram")
    assert claim is not None
    transcript = b'{"text":"good morning","language":"en","duration_s":1.0}'
    await redis.hset(keys.of_channel("lane", HERE), "heard", b"v " + transcript)
    kept = transcripts.before(replace(claim, heard=("v", transcript)), said("v", ""))
    assert kept is not None
    assert kept.text == "good morning"


async def test_a_voice_note_that_an_earlier_version_owes_is_sent_and_its_text_not_dropped(store: Store):
    """The field `owed` may tell of another part than the one that an earlier version put there since."""
    lanes = Lanes(store)
    await lanes.accept(said("a", "hi"))
    claim = await lanes.claim(keys.partition(HERE), "telegram")
    assert claim is not None
    await lanes.commit(claim, None, [OwedVoicePart("a", 0, HERE, "hello", person="1")], last="a")
    text = encode_part(TextPart("b", 0, HERE, "hello", person="1"))
    outbox: Any = keys.of_channel("out", HERE)
    await store.redis.delete(outbox)
    await store.redis.rpush(outbox, text)
    await lanes.accept(said("s", "/stop"), stop=True)
    found: Any = store.redis.lrange(outbox, 0, -1)
    assert await found == [text]


async def test_no_word_lies_in_redis_when_it_is_sealed_and_all_the_same_everything_is_found(veiled: Store):
    house = House(veiled)
    async with working(house):
        desk = house.desk()
        for who, text in ((ANN, f"one {CANARY}"), (BOB, "two of Bob"), (ANN, f"three {CANARY}")):
            await desk.accept(said(house.next_id(), text, who))
            await house.quiet()
        answer = house.platform.sent[0]
        assert await house.feedback.react(Reaction("r", HERE, BOB, 1.0, f"sent-{answer.nonce}", added=("👍",)))
        await PreferenceStore(veiled).change(HERE, lambda _: Preferences(persona=CANARY))
        assert CANARY in answer.text
        assert await having(veiled, "canary") == []
        await desk.accept(said("e", "/export"))
        await house.quiet()
        document = house.platform.sent[-1].document
        assert document is not None
        assert document.data.count(CANARY.encode()) >= 4
        await desk.accept(said("f", "/forget me"))
        await house.quiet()
    assert [turn.said for turn in (await house.lanes.dialogue(HERE)).turns] == ["two of Bob"]
    assert await house.feedback.ratings(HERE) == {}
    assert await having(veiled, '"1"') == []


async def test_what_is_sealed_is_withdrawn_set_aside_and_put_back(veiled: Store):
    lanes = Lanes(veiled)
    for id in ("a", "b", "c"):
        await lanes.accept(said(id, CANARY))
    first, second, third = await lanes.waiting(HERE, 9)
    assert [entry.raw for entry in await lanes.withdraw(HERE, [second])] == [second.raw]
    claim = await lanes.claim(keys.partition(HERE), "telegram")
    assert claim is not None
    assert claim.event() == first.value
    await lanes.dead_letter_entry(claim, third)
    await lanes.dead_letter(claim, "in")
    assert await lanes.waiting(HERE, 9) == []
    for _ in range(2):
        assert await lanes.replay(HERE)
    assert [entry.value for entry in await lanes.waiting(HERE, 9)] == [third.value, first.value]


async def test_what_is_sealed_moves_to_another_name(veiled: Store):
    lanes, redis = Lanes(veiled), veiled.redis
    message = said("a", CANARY, channel=GROUP)
    await lanes.accept(message)
    claim = await lanes.claim(keys.partition(GROUP), "telegram")
    assert claim is not None
    await lanes.note_heard(claim, "a", transcripts.kept(claim, Transcript("hello", "en", 1.0)))
    await PreferenceStore(veiled).change(GROUP, lambda _: Preferences(voice="never"))
    await redis.set(
        keys.ref(GROUP, "r"), veiled.codec.seal(RECORD_KIND, home_of(GROUP), PartRecord("t", "", "m", "p", "1"))
    )
    assert await Feedback(veiled).react(Reaction("r", GROUP, ANN, 1.0, "r", added=("👍",)))
    dialogue = append(Dialogue(), Turn("0", 1.0, "Ann", CANARY, "x", "en", "m", "p"))
    await redis.set(keys.of_channel("dlg", GROUP), veiled.codec.seal(DIALOGUE, home_of(GROUP), dialogue))
    await Upkeep(veiled).move(claim, UPGRADED)
    moved = await lanes.claim(keys.partition(UPGRADED), "telegram")
    assert moved is not None
    assert moved.event() == replace(message, channel=UPGRADED, ref="")
    assert transcripts.before(moved, message) == Transcript("hello", "en", 1.0)
    assert moved.preferences().voice == "never"
    assert [turn.said for turn in moved.dialogue().turns] == [CANARY]
    assert set(await Feedback(veiled).ratings(UPGRADED)) == {("t", "1")}


async def test_the_index_is_filled_from_what_is_sealed(veiled: Store):
    event = Edit("e", HERE, said("a", CANARY))
    await veiled.redis.rpush(keys.of_channel("in", HERE), veiled.codec.seal(EVENT, home_of(HERE), event))
    await indexing.fill(veiled, People(veiled))
    assert await People(veiled).channels_of("telegram", "1") == [HERE]


async def test_a_stranger_knocks_is_told_and_let_in_and_renamed(veiled: Store):
    house = House(veiled)
    pairing = house.access.pairing
    stranger = Stranger("telegram:-5", Person("9", "Eve"), str(GROUP), True)
    found = await pairing.knock(stranger)
    assert found is not None
    held, new = found
    assert new
    await pairing.told(held)
    again = await pairing.knock(stranger)
    assert again == (replace(held, told=True), False)
    assert await having(veiled, "Eve") == []
    assert await pairing.confirm(held.code) == replace(held, told=True)
    await pairing.rename("telegram:-5", "telegram:-1005")
    assert [each.who for each in await pairing.let_in()] == ["telegram:-1005"]


async def test_a_note_on_the_wire_and_a_sound_are_sealed(veiled: Store):
    part = TextPart("t", 0, ROOM, CANARY)
    await wire.post(veiled, part)
    await wire.post(veiled, VoicePart("t", 1, ROOM, VoiceNote(CANARY.encode(), 1.0, b"")))
    assert await having(veiled, "canary") == []
    note = await wire.kept(veiled, ROOM, "t")
    assert note is not None
    assert note.text == CANARY


async def test_a_move_that_must_wait_changes_nothing_that_is_sealed(veiled: Store):
    lanes = Lanes(veiled)
    await lanes.accept(Move("m", GROUP, UPGRADED))
    await lanes.accept(said("b", CANARY, channel=UPGRADED))
    claims = [await lanes.claim(keys.partition(name), "telegram") for name in (GROUP, UPGRADED)]
    old, new = claims
    assert old is not None
    assert new is not None
    with pytest.raises(RetryableError):
        await Upkeep(veiled).move(old, UPGRADED)
    assert new.event() == said("b", CANARY, channel=UPGRADED)
