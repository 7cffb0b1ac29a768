"""Where an answer ends, and whole characters only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lm.stopping import StopFilter, TextGrower


def _through(stops: tuple[str, ...], pieces: list[str]) -> tuple[str, bool]:
    stopping = StopFilter(stops)
    text = "".join(stopping.feed(piece) for piece in pieces)
    return text + stopping.finish(), stopping.stopped


@pytest.mark.parametrize(
    ("pieces", "shown", "stopped"),
    [
        (["Hello\nUser:", " more"], "Hello", True),
        (["Hello\n", "Us", "er: more"], "Hello", True),
        (["Hello\nUs", "eful"], "Hello\nUseful", False),
        (["a\n\nUser:"], "a\n", True),
        (["\nUse"], "\nUse", False),
        (["\nUser:"], "", True),
    ],
)
def test_stop_string_ends_the_text_wherever_pieces_break(pieces: list[str], shown: str, stopped: bool):
    assert _through(("\nUser:",), pieces) == (shown, stopped)


def test_earliest_of_several_stop_strings_wins():
    assert _through(("END", "###"), ["one ### two END"]) == ("one ", True)


def test_without_stop_strings_nothing_is_held_back():
    assert StopFilter(()).feed("abc") == "abc"


@given(st.text(alphabet="ab\n", max_size=30), st.text(alphabet="ab\n", min_size=1, max_size=4), st.data())
def test_pieces_never_change_the_outcome(text: str, stop: str, data: st.DataObject):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    edges = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert _through((stop,), pieces) == (text.split(stop)[0], stop in text)


def _bytes_decoder(ids: list[int]) -> str:
    return bytes(ids).decode("utf-8", errors="replace")


@given(st.text())
def test_growing_text_shows_whole_characters_only(text: str):
    text = text.replace("\ufffd", "")
    grower = TextGrower(_bytes_decoder)
    pieces = [grower.feed(byte) for byte in text.encode()]
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)


def test_a_character_cut_off_at_the_end_is_not_shown():
    grower = TextGrower(_bytes_decoder)
    assert "".join(grower.feed(byte) for byte in "ok 你".encode()[:-1]) == "ok "
