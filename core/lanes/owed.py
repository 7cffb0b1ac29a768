"""How a lane knows of a voice note that is still to be made, without looking into its parts."""

from collections.abc import Sequence
from hashlib import sha1

from core.store.codec import Entry
from core.values.parts import OwedVoicePart, Part


def owed_in(parts: Sequence[Entry[Part]]) -> str:
    """The field `owed` of a lane with these unsent parts, "" when they owe none.

    A digest of its bytes, by which the script tells it from others, whom it answers, and its nonce.
    """
    for entry in parts:
        part = entry.value
        if isinstance(part, OwedVoicePart):
            return f"{sha1(entry.raw, usedforsecurity=False).hexdigest()} {part.person} {part.nonce}"
    return ""
