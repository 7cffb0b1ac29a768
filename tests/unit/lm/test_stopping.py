"""Where an answer ends, and whole characters only."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import bytes_to_unicode

from core.lm.local.blueprint import Chat
from core.lm.local.loading import SHIPPED
from core.lm.local.spelling import detokenizing
from core.lm.local.tokenizer import Tokenizer
from core.lm.stopping import IncrementalDetokenizer, StopFilter, WholeCharacters


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
    detokenizer = IncrementalDetokenizer(_bytes_decoder)
    pieces = [detokenizer.feed(byte) for byte in text.encode()]
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)


def test_a_character_cut_off_at_the_end_is_not_shown():
    detokenizer = IncrementalDetokenizer(_bytes_decoder)
    assert "".join(detokenizer.feed(byte) for byte in "ok 你".encode()[:-1]) == "ok "


def _decode(tokenizer: Any, ids: list[int]) -> str:
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def _said(tokenizer: Any, ids: list[int]) -> str:
    detokenizer = detokenizing(Tokenizer(tokenizer.backend_tokenizer, Chat("", {})))()
    return "".join([*map(detokenizer.feed, ids), detokenizer.finish()])


@pytest.fixture(scope="module")
def byte_level() -> Any:
    """A tokenizer of bytes, as GPT-2's: words of several, among them halves of characters."""
    letters = bytes_to_unicode()
    pieces = [bytes([byte]) for byte in range(256)] + [
        b"ab ",
        "旺".encode(),
        b"a\xe6\x97",
        b"\xba\xe6",
        b"\xef\xbf\xbd",
    ]
    words = ["".join(letters[byte] for byte in piece) for piece in pieces]
    backend = Backend(models.BPE({word: at for at, word in enumerate(words)}, []))
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(["<|end|>"])
    backend.add_tokens(["<think>", "思 考"])
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|end|>")


@given(st.data())
def test_any_tokens_of_bytes_are_whole_characters_or_nothing(byte_level: Any, data: st.DataObject):
    likely = st.integers(0, len(byte_level) - 1) | st.integers(256, len(byte_level) - 1)
    ids = data.draw(st.lists(likely, max_size=30))
    assert _said(byte_level, ids) == _decode(byte_level, ids).replace("\ufffd", "")


SHIPPED_TOKENIZER = AutoTokenizer.from_pretrained(SHIPPED)


@given(st.text(), st.text())
def test_the_shipped_models_words_and_bytes_are_what_they_were(one: str, other: str):
    text = f"{one} {other}\n{one}".replace("\ufffd", "")
    ids = SHIPPED_TOKENIZER.encode(text, add_special_tokens=False)
    assert _said(SHIPPED_TOKENIZER, ids) == _decode(SHIPPED_TOKENIZER, ids)


@given(st.lists(st.integers(0, len(SHIPPED_TOKENIZER) - 1) | st.integers(0, 280), max_size=40))
def test_no_tokens_of_the_shipped_model_show_half_a_character(ids: list[int]):
    assert "\ufffd" not in _said(SHIPPED_TOKENIZER, ids)


@given(st.lists(st.sampled_from([b"\xe6\x97\xba", b"\xe6\x97", b"\xba", b"\xf0\x9f", b"q"]), max_size=12))
def test_whole_characters_among_broken_ones_are_shown(parts: list[bytes]):
    ids = [SHIPPED_TOKENIZER.convert_tokens_to_ids(f"<0x{byte:02X}>") for byte in b"".join(parts)]
    assert _said(SHIPPED_TOKENIZER, ids) == b"".join(parts).decode("utf-8", "ignore")


def test_what_was_held_with_half_a_character_is_shown_at_the_end():
    pieces = [b"ok ", b"yes \xe4"]
    detokenizer = IncrementalDetokenizer(
        lambda ids: b"".join(pieces[token] for token in ids).decode("utf-8", "replace")
    )
    assert detokenizer.feed(0) + detokenizer.feed(1) + detokenizer.finish() == "ok yes "


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.data())
def test_a_servers_pieces_are_whole_characters(text: str, data: st.DataObject):
    """Halves of pairs as JSON writes them, cut anywhere, and marks of what the server could not decode."""
    units = [each.decode("utf-16-le", "surrogatepass") for each in _units(text.replace("\ufffd", ""))]
    noise = data.draw(st.lists(st.tuples(st.integers(0, len(units)), st.sampled_from(["\ufffd", "x"])), max_size=3))
    pieces = [*units, *(mark for _, mark in noise)]
    whole = WholeCharacters()
    said = "".join(map(whole.feed, pieces))
    assert said == text.replace("\ufffd", "") + "".join(mark for _, mark in noise).replace("\ufffd", "")


def _units(text: str) -> list[bytes]:
    raw = text.encode("utf-16-le")
    return [raw[at : at + 2] for at in range(0, len(raw), 2)]


def test_half_a_pair_alone_is_left_out():
    whole = WholeCharacters()
    assert [whole.feed(piece) for piece in ("a\ud83d", "b", "\ude00", "\ud83d")] == ["a", "b", "", ""]
