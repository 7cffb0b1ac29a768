import dataclasses
import json
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PermanentError
from core.values import dialogue as dialogues
from core.values.attachments import Document, VoiceNote
from core.values.channel import ChannelKey, MediaRef, Person
from core.values.dialogue import MAX_BYTES, Dialogue, append
from core.values.events import Deletion, Edit, Event, Message, Move, Reaction, decode_event, encode_event
from core.values.parts import (
    FilePart,
    NoticePart,
    OwedVoicePart,
    Part,
    RemovalPart,
    TextPart,
    VoicePart,
    decode_part,
    encode_part,
)
from core.values.sampling import Sampling
from core.values.turn import Basis, Turn
from tests.support.recordings import RECORDED

ODD = '\0\u2028\ufeff\u200d\ufffe\U0010ffff"\\'
TOPIC = ChannelKey("telegram", "7:-100", "33")
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=12)
CHANNELS = st.builds(ChannelKey, st.sampled_from(["telegram", "discord", "web", "console"]), NAMES, NAMES | st.just(""))
TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from(ODD), max_size=40)
PEOPLE = st.builds(Person, TEXT, TEXT, TEXT)
TIMES = st.floats(0, 4e9)
COUNTS = st.none() | st.integers(0, 2**53)
MEDIA = st.builds(
    MediaRef, st.sampled_from(["audio", "image", "other"]), TEXT, TEXT, COUNTS, st.none() | st.floats(0, 1e6)
)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple)
MESSAGES = st.builds(
    Message,
    id=TEXT,
    channel=CHANNELS,
    sender=PEOPLE,
    sent_at=TIMES,
    text=TEXT,
    media=st.lists(MEDIA, max_size=2).map(tuple),
    ref=TEXT,
    group=st.booleans(),
    mentions=PAIRS,
    album=TEXT,
)
EMOJI = st.lists(st.sampled_from(["👍", "👎🏽", "❤️", "x"]) | TEXT, max_size=3).map(tuple)
REACTIONS = st.builds(Reaction, TEXT, CHANNELS, PEOPLE, TIMES, TEXT, EMOJI, EMOJI)
NOTES = st.builds(VoiceNote, st.binary(max_size=20), st.floats(0, 60), st.binary(max_size=8))
_WHERE = (TEXT, st.integers(0, 99), CHANNELS)
PARTS = (
    st.builds(
        TextPart,
        *_WHERE,
        TEXT,
        person=TEXT,
        transcript=TEXT,
        reply_to=TEXT,
        replaces=TEXT,
        language=TEXT,
        model=TEXT,
        profile=TEXT,
        rateable=st.booleans(),
        thumbs=st.booleans(),
        private_to=TEXT,
    )
    | st.builds(NoticePart, *_WHERE, TEXT, person=TEXT, reply_to=TEXT, replaces=TEXT, language=TEXT)
    | st.builds(FilePart, *_WHERE, TEXT, st.builds(Document, TEXT, st.binary(max_size=20)), private_to=TEXT)
    | st.builds(OwedVoicePart, *_WHERE, TEXT, person=TEXT, language=TEXT, model=TEXT, profile=TEXT)
    | st.builds(VoicePart, *_WHERE, NOTES, model=TEXT, profile=TEXT)
    | st.builds(RemovalPart, *_WHERE, TEXT)
)
SAMPLINGS = st.builds(Sampling, st.none() | st.floats(0, 2), st.none() | st.just(1.0), st.none() | st.integers(0, 9))
BASES = st.builds(
    Basis,
    TEXT,
    TEXT,
    TEXT,
    SAMPLINGS,
    oldest=TEXT,
    group=st.booleans(),
    now=st.none() | st.datetimes(timezones=st.just(timezone(timedelta(hours=8)))),
)
TURNS = st.builds(
    Turn,
    TEXT,
    TIMES,
    *[TEXT] * 6,
    st.booleans(),
    st.booleans(),
    TEXT,
    sources=st.lists(TEXT, max_size=2).map(tuple),
    basis=st.none() | BASES,
)
HALVES = st.text(st.sampled_from("a\ud83d\ude00😀"), max_size=6)
"""Text with halves of surrogate pairs, which JSON can carry and UTF-8 cannot."""


@given(CHANNELS)
def test_a_channel_key_survives_its_text(channel: ChannelKey):
    assert ChannelKey.parse(str(channel)) == channel


EVENTS = (
    MESSAGES
    | REACTIONS
    | st.builds(Edit, TEXT, CHANNELS, MESSAGES)
    | st.builds(Deletion, TEXT, CHANNELS, st.lists(TEXT, max_size=3).map(tuple))
    | st.builds(Move, TEXT, CHANNELS, CHANNELS)
)


@pytest.mark.parametrize("file", sorted(RECORDED.glob("*.json")), ids=lambda file: file.stem)
def test_what_an_earlier_version_kept_is_still_read(file: Path):
    raw = file.read_bytes()
    kind = file.stem.split("-")[0]
    read, write = {
        "part": (decode_part, encode_part),
        "dialogue": (dialogues.decode, dialogues.encode),
    }.get(kind, (decode_event, encode_event))
    assert _within(json.loads(raw), json.loads(write(read(raw))))  # pyright: ignore[reportArgumentType]


_NOTHING = ("", "en", None, False)


def _within(old: object, new: object) -> bool:
    """Whether every value of the old JSON that says something stands in the new one, which may have more."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(_within(value, new[key]) if key in new else value in _NOTHING for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_within, old, new))
    return old == new


@pytest.mark.parametrize(
    ("file", "part"),
    [
        (
            "part-text-2",
            TextPart(
                "7:1",
                0,
                TOPIC,
                "hello",
                person="3",
                transcript="hi",
                reply_to="5",
                replaces="6",
                model="m",
                profile="plain",
                rateable=True,
                thumbs=True,
                private_to="3",
            ),
        ),
        ("part-owed-2", OwedVoicePart("7:1", 1, TOPIC, "hello", person="3", model="m", profile="plain")),
        (
            "part-notice-2",
            NoticePart("7:1", 0, TOPIC, "too long", person="3", reply_to="5", replaces="6", language="zh-Hans"),
        ),
        (
            "part-file-2",
            FilePart(
                "7:1",
                0,
                TOPIC,
                "All of it.",
                Document("parley.json", b'{"a": "\xff"}'),
                person="3",
                reply_to="5",
                private_to="3",
            ),
        ),
        ("part-removal-2", RemovalPart("7:1", 2, TOPIC, "6")),
        ("part-voice-1", VoicePart("7:1", 1, TOPIC, VoiceNote(b"OggS\0\xff", 1.5, b"\x01\xff"))),
    ],
)
def test_a_part_of_each_kind_that_an_earlier_version_left_unsent_is_the_same_part(file: str, part: Part):
    assert decode_part((RECORDED / f"{file}.json").read_bytes()) == part


def test_an_earlier_version_finds_the_names_that_it_knows_in_json():
    owed = json.loads(encode_part(OwedVoicePart("1", 1, TOPIC, "hello")))
    assert (owed["kind"], owed["voice"], owed["text"]) == ("voice", None, "hello")
    assert json.loads(encode_part(TextPart("1", 0, TOPIC, "hello", transcript="hi")))["heard"] == "hi"
    message = json.loads(encode_event(Message("1", TOPIC, Person("2", "Ann"), 3.0, bot_names=("Parley",))))
    assert message["called"] == ["Parley"]
    turn = dataclasses.replace(_turn("a"), is_transcript=True)
    assert json.loads(dialogues.encode(Dialogue(turns=(turn,))))["turns"][0]["heard"] is True


@given(EVENTS)
def test_events_survive_json_and_carry_a_version(event: Event):
    assert decode_event(encode_event(event)) == event
    assert json.loads(encode_event(event))["version"] == 1


@given(PARTS)
def test_parts_survive_json(part: Part):
    assert decode_part(encode_part(part)) == part


@given(HALVES, HALVES, CHANNELS)
def test_half_a_surrogate_pair_stops_nothing(text: str, name: str, channel: ChannelKey):
    message = Message("1", channel, Person("2", name), 3.0, text, mentions=((text, name),))
    read = decode_event(encode_event(Edit("4", channel, message)))
    assert isinstance(read, Edit)
    assert read.message == dataclasses.replace(
        message, text=whole(text), sender=Person("2", whole(name)), mentions=((whole(text), whole(name)),)
    )
    part = FilePart("1", 0, channel, text, Document("x.json", b"\xff"))
    assert decode_part(encode_part(part)) == dataclasses.replace(part, text=whole(text))
    dialogue = append(Dialogue(text), dataclasses.replace(_turn("a"), speaker=name))
    kept = dialogues.decode(dialogues.encode(dialogue))
    assert (kept.summary, kept.turns[0].speaker) == (whole(text), whole(name))


def whole(text: str) -> str:
    """The text with a question mark for each half."""
    return text.encode(errors="replace").decode()


@pytest.mark.slow
@given(st.builds(Dialogue, TEXT, st.lists(TURNS, max_size=4).map(tuple)))
def test_dialogues_survive_json(dialogue: Dialogue):
    assert dialogues.decode(dialogues.encode(dialogue)) == dialogue


def test_a_dialogue_kept_before_turns_had_a_basis_is_read():
    kept = (
        '{"summary":"Ann likes tea.","turns":[{"id":"17","at":1790000000.25,"speaker":"Ann","said":"Tea? 你好",'
        '"reply":"Tea is a drink.","language":"en","model":"parley-small","profile":"plain","heard":true,"spoken":true,'
        '"ref":"1700","person":"7","forwarded":"Bob","earlier":["16"],"doubtful":false}],"covered":"3","since":5.0,'
        '"told_by":["7"],"edition":2,"version":1}'
    )
    turn = dialogues.decode(kept.encode()).turns[0]
    assert (turn.said, turn.is_transcript, turn.earlier) == ("Tea? 你好", True, ("16",))
    assert (turn.basis, turn.sources) == (None, ())


@pytest.mark.parametrize("raw", [b"{", b'{"turns":[1],"type":"message"}', b'"x"', b"\xff"])
def test_what_is_no_event_part_or_dialogue_is_a_permanent_error(raw: bytes):
    with pytest.raises(PermanentError):
        decode_event(raw)
    with pytest.raises(PermanentError):
        decode_part(raw)
    with pytest.raises(PermanentError):
        dialogues.decode(raw)


def _turn(id: str, words: int = 1) -> Turn:
    return Turn(id, 1.0, "Ann", "hi", "word " * words, "en", "m", "plain")


def test_the_oldest_turns_leave_when_the_dialogue_is_full():
    dialogue = Dialogue("long ago")
    for number in range(40):
        dialogue = append(dialogue, _turn(str(number), 1000))
    assert len(dialogues.encode(dialogue)) < MAX_BYTES + 2048
    assert dialogue.turns[-1].id == "39"
    assert [int(turn.id) for turn in dialogue.turns] == list(range(40 - len(dialogue.turns), 40))
    assert dialogue.summary == "long ago"


def test_a_turn_that_alone_is_too_large_stays():
    assert append(Dialogue(turns=(_turn("a"),)), _turn("b", 30_000)).turns == (_turn("b", 30_000),)


def test_a_replayed_turn_is_remembered_once():
    first = append(append(Dialogue(), _turn("a")), _turn("b"))
    again = append(first, dataclasses.replace(_turn("b"), reply="anew"))
    assert [(turn.id, turn.reply) for turn in again.turns] == [("a", "word "), ("b", "anew")]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=12), st.data())
def test_two_dialogues_become_one_in_which_each_turn_is_told_of_or_readable_as_before(
    drawn: list[tuple[bool, int]], data: st.DataObject
):
    sides: list[Dialogue] = []
    for side in (False, True):
        ats = sorted(at for which, at in drawn if which is side)
        turns = tuple(
            Turn(f"{side}{number}", at, "Ann", "hi", "hello", "en", "m", "p") for number, at in enumerate(ats)
        )
        told = data.draw(st.integers(0, len(turns)))
        covered = turns[told - 1].id if told else ""
        sides.append(Dialogue("told" if told else "", turns, covered, 1.0 if told else 0.0))
    both = dialogues.merged(*sides)
    for each in sides:
        assert [turn for turn in both.turns if turn in each.turns] == list(each.turns)
    assert len(both.turns) == len(drawn)
    left = dialogues.uncovered(both)
    assert set(left) == {turn for each in sides for turn in dialogues.uncovered(each)}
    assert [turn.at for turn in left] == sorted(turn.at for turn in left)
    assert both.summary.count("told") == sum(bool(each.summary) for each in sides)
