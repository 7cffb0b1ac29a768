"""How a tokenizer spells in bytes what its words do not have: characters can be split between tokens there."""

import json
import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from transformers.convert_slow_tokenizer import bytes_to_unicode

from core.lm.stopping import ByteGrower, TextGrower

_BYTE = re.compile("<0x([0-9A-F]{2})>")
_LETTERS: dict[str, int] = {letter: byte for byte, letter in bytes_to_unicode().items()}
"""How byte-level vocabularies (GPT-2's, Llama 3's, Qwen's) write a byte."""


def growing(tokenizer: Any, decode: Callable[[list[int]], str]) -> Callable[[], TextGrower | ByteGrower]:
    """What turns the tokens of one answer into text, made anew for each; special tokens are no text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    decoder = json.loads(backend.decoder.__getstate__()) if backend is not None and backend.decoder is not None else {}
    special = {at for at, token in tokenizer.added_tokens_decoder.items() if token.special}

    @cache
    def bytes_of(token: int) -> bytes:
        word: str | None = tokenizer.convert_ids_to_tokens(token)
        if word is None or token in special:
            return b""
        return bytes(_LETTERS[each] for each in word) if _LETTERS.keys() >= set(word) else word.encode()

    @cache
    def byte_of(token: int) -> bytes | None:
        byte = _BYTE.fullmatch(tokenizer.convert_ids_to_tokens(token) or "")
        return bytes([int(byte[1], 16)]) if byte else None

    if decoder.get("type") == "ByteLevel":
        return partial(ByteGrower, bytes_of)
    return partial(TextGrower, decode, byte_of)
