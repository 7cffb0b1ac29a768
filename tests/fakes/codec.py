"""A codec whose bytes nobody can look into: other ones each time, and bound to what they belong to.

What an AES-GCM codec with a key will be to the rest of the house. Plain JSON of an earlier version is read too.
"""

import os
from hashlib import shake_256

from core.errors import PermanentError
from core.store.codec import Codec

_SEALED = b"\x01"
_NONCE_BYTES, _TAG_BYTES = 12, 16


class Veiled(Codec):
    """Seals with a key stream of SHAKE-256 under a random nonce, and a tag over all."""

    def _closed(self, home: str, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return _SEALED + nonce + _tag(home, nonce, plain) + _mixed(home, nonce, plain)

    def _opened(self, home: str, raw: bytes) -> bytes:
        if not raw.startswith(_SEALED):
            return raw
        nonce, tag, hidden = raw[1:13], raw[13:29], raw[29:]
        plain = _mixed(home, nonce, hidden)
        if tag != _tag(home, nonce, plain):
            raise PermanentError("sealed for something else")
        return plain


def _mixed(home: str, nonce: bytes, data: bytes) -> bytes:
    stream = shake_256(home.encode() + b"\0" + nonce).digest(len(data))
    return bytes(one ^ other for one, other in zip(data, stream, strict=True))


def _tag(home: str, nonce: bytes, plain: bytes) -> bytes:
    return shake_256(b"tag\0" + home.encode() + b"\0" + nonce + plain).digest(_TAG_BYTES)
