import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.message import ChannelKey, Message, Person, Reply, Turn, VoiceNote
from core.outgoing import parts_of, split, units
from core.platform import Limits

HERE = ChannelKey("discord", "20")
ASKED = Message("900", HERE, Person("1", "Ann"), 1.0, "hi", ref="77")
PIECES = [
    "a " * 90,
    "\n",
    "\n\n",
    "```py\n",
    "\n```\n",
    "😀" * 60,
    "- x\n",
    "`c`",
    "# h\n",
    "z" * 700,
    "~~~\n",
    "    in\n",
]


def reply(text: str, *, heard: bool = False, voice: VoiceNote | None = None) -> Reply:
    return Reply(Turn("900", 2.0, "Ann", "hi there", text, "en", "m", "plain", heard=heard), voice)


def test_units_are_utf16():
    assert [units(text) for text in ("", "abc", "你好", "😀")] == [0, 3, 2, 2]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_nothing_is_lost_and_no_piece_is_too_long(text: str):
    pieces = list(split(text, 500))

    def content(markdown: str) -> str:
        return re.sub(r"\s|`|~|py", "", markdown)

    assert all(0 < units(piece) <= 500 for piece in pieces)
    assert content("".join(pieces)) == content(text)


def test_a_fence_that_is_cut_is_closed_and_opened_again():
    code = "intro\n\n```python\n" + "\n".join(f"x{n} = {n}  # 😀" for n in range(300)) + "\n```\n\ntail"
    pieces = list(split(code, 500))
    assert all(piece.count("```") == 2 for piece in pieces[1:-1])
    assert all(piece.startswith("```python\n") for piece in pieces[1:-1])
    assert pieces[-1].endswith("tail")


def test_a_cut_falls_between_paragraphs_then_lines_then_words():
    text = "one two three. " * 30 + "\n\n" + "four five " * 20
    assert list(split(text, 500))[0] == ("one two three. " * 30).strip()


def test_the_parts_of_a_reply():
    parts = parts_of(reply("word " * 900), ASKED, Limits(text_units=2000, media_bytes=1))
    assert [part.index for part in parts] == [0, 1, 2]
    assert [part.reply_to for part in parts] == ["77", "", ""]
    assert [part.rateable for part in parts] == [False, False, True]
    assert {part.nonce for part in parts} == {"900-0", "900-1", "900-2"}


@pytest.mark.parametrize(("shows_heard", "text"), [(False, "🎧 “hi there”\n\nhello"), (True, "hello")])
def test_what_was_heard_is_shown_once(shows_heard: bool, text: str):
    note = VoiceNote(b"ogg", 1.0, b"w")
    limits = Limits(text_units=2000, media_bytes=1, shows_heard=shows_heard)
    words, voice = parts_of(reply("hello", heard=True, voice=note), ASKED, limits)
    assert (words.text, words.heard) == (text, "hi there")
    assert (voice.kind, voice.voice, voice.nonce) == ("voice", note, "900-1")
