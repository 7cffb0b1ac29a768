"""How a tokenizer spells in bytes what its words do not have: characters can be split between tokens there."""

import re
from collections.abc import Callable
from functools import cache, partial

from core.lm.local.tokenizer import Tokenizer
from core.lm.stopping import ByteDetokenizer, IncrementalDetokenizer

_BYTE = re.compile("<0x([0-9A-F]{2})>")
_OWN = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_LETTERS = {chr(byte): byte for byte in _OWN} | {
    chr(0x100 + at): byte for at, byte in enumerate(byte for byte in range(0x100) if byte not in _OWN)
}
"""How byte-level vocabularies (GPT-2's, Llama 3's, Qwen's) write a byte: as itself where that is a letter or a sign,
else as the next letter after Latin-1 (bytes_to_unicode in GPT-2's encoder.py).
"""


def detokenizing(tokenizer: Tokenizer) -> Callable[[], IncrementalDetokenizer | ByteDetokenizer]:
    """What turns the tokens of one answer into text, made anew for each; special tokens are no text."""
    special = tokenizer.special

    @cache
    def bytes_of(token: int) -> bytes:
        word = tokenizer.word(token)
        if word is None or token in special:
            return b""
        return bytes(_LETTERS[each] for each in word) if _LETTERS.keys() >= set(word) else word.encode()

    @cache
    def byte_of(token: int) -> bytes | None:
        byte = _BYTE.fullmatch(tokenizer.word(token) or "")
        return bytes([int(byte[1], 16)]) if byte else None

    if tokenizer.decoder.get("type") == "ByteLevel":
        return partial(ByteDetokenizer, bytes_of)
    return partial(IncrementalDetokenizer, tokenizer.decode, byte_of)
