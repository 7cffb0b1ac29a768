import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.delivery.parts import in_place, over_draft, parts_of
from core.platform import Limits
from core.text.splitting import split, units
from core.values.channel import ChannelKey, Person
from core.values.events import Message
from core.values.parts import OwedVoicePart, RemovalPart, TextPart
from core.values.turn import Reply, Turn

HERE = ChannelKey("discord", "20")
ASKED = Message("900", HERE, Person("1", "Ann"), 1.0, "hi", ref="77")
PIECES = [
    "a " * 90,
    "\n",
    "\n\n",
    "```q\n",
    "\n```\n",
    "````qq\n",
    "\n````\n",
    "~~~\n",
    "~~~~q\n",
    "   ```\n",
    "\n``` q qqqq\n",
    "😀" * 60,
    "👨‍👩‍👧",
    "你好。",
    "- x\n",
    "`c`",
    "# h\n",
    "z" * 700,
    "    in\n",
    "\t" * 300,
    "\u3000" * 300,
    "\u2028",
]
"""What Markdown is made of; only the words behind a fence have the letter q."""
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)")


def reply(text: str, *, heard: bool = False, spoken: bool = False) -> Reply:
    return Reply(Turn("900", 2.0, "Ann", "hi there", text, "en", "m", "plain", is_transcript=heard, spoken=spoken))


def test_units_are_utf16():
    assert [units(text) for text in ("", "abc", "你好", "😀")] == [0, 3, 2, 2]


def left_open(markdown: str) -> str:
    """The fence that CommonMark finds open at the end, in lists too."""
    marker = ""
    for fence in filter(None, map(FENCE.fullmatch, markdown.split("\n"))):
        if not marker and "`" not in fence[2]:
            marker = fence[1]
        elif marker and fence[1].startswith(marker) and not fence[2].strip():
            marker = ""
    return marker


def visible(markdown: str) -> str:
    """All but white space, fences and their languages."""
    return re.sub(r"\s|`|~|q", "", markdown)


@given(MARKDOWN, st.integers(50, 4096) | st.integers(50, 200))
def test_pieces_fit_and_are_whole_markdown_and_nothing_is_lost(text: str, limit: int):
    pieces = list(islice(split(text, limit), len(text) + 1))
    assert all(visible(piece) or "`" in piece or "~" in piece for piece in pieces)
    assert all(units(piece) <= limit for piece in pieces)
    assert [left_open(piece) for piece in pieces] == [""] * len(pieces)
    assert visible("".join(pieces)) == visible(text)


def test_a_fence_that_takes_up_the_whole_piece_comes_to_an_end():
    text = "```" + "q" * 1990 + "\n" + "x" * 5000
    pieces = list(islice(split(text, 2000), 100))
    assert len(pieces) < 10
    assert visible("".join(pieces)) == "x" * 5000


def test_white_space_makes_no_piece():
    assert list(split("a" + "\t" * 5000 + "b", 2000)) == ["a", "b"]


def test_a_fence_left_open_is_closed_and_one_in_a_list_is_found():
    assert list(split("```py\nx = 1", 100)) == ["```py\nx = 1\n```"]
    listed = "1. run\n     ```sh\n     " + "echo\n     " * 20 + "```"
    assert all(piece.count("```") == 2 for piece in split(listed, 100))


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
    texts = [part for part in parts if isinstance(part, TextPart)]
    assert [part.reply_to for part in texts] == ["77", "", ""]
    assert [part.rateable for part in texts] == [False, False, True]
    assert {part.nonce for part in parts} == {"900-0", "900-1", "900-2"}


@pytest.mark.parametrize(("shows_transcript", "text"), [(False, "🎧 “hi there”\n\nhello"), (True, "hello")])
def test_what_was_heard_is_shown_once(shows_transcript: bool, text: str):
    limits = Limits(text_units=2000, media_bytes=1, shows_transcript=shows_transcript)
    words, voice = parts_of(reply("hello", heard=True, spoken=True), ASKED, limits)
    assert isinstance(words, TextPart)
    assert (words.text, words.transcript) == (text, "hi there")
    assert voice == OwedVoicePart("900", 1, HERE, "hello", model="m", profile="plain")


def test_a_changed_answer_edits_texts_and_says_its_voice_note_anew():
    parts = parts_of(reply("hello", spoken=True), ASKED, Limits(text_units=2000, media_bytes=1))
    words, removed, voice = in_place(parts, ["shown", "spoken"])
    assert isinstance(words, TextPart)
    assert (words.replaces, words.reply_to, words.text) == ("shown", "", "hello")
    assert removed == RemovalPart("900", 2, HERE, "spoken")
    assert voice == parts[1]


def test_an_answer_that_is_no_text_takes_the_draft_away():
    _, voice = parts_of(reply("hello", spoken=True), ASKED, Limits(text_units=2000, media_bytes=1))
    assert over_draft((voice,), "900", HERE, "draft") == (RemovalPart("900", 1, HERE, "draft"), voice)
    assert over_draft((), "900", HERE, "draft") == (RemovalPart("900", 0, HERE, "draft"),)
    assert over_draft((voice,), "900", HERE, "") == (voice,)
