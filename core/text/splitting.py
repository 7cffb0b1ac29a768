"""A long text in pieces that a platform can carry. Pure.

Sizes are in UTF-16 code units: Telegram counts them, and Discord's undocumented unit is never smaller.
"""

from collections.abc import Iterator

from core.text import tables

_CLOSING_ROOM = 1 + 7
_BREAKS = ("\n\n", "\n", "。", ". ", " ")


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) + sum(char > "\uffff" for char in text)


def split(text: str, limit: int) -> Iterator[str]:
    """Pieces of at most `limit` units, cut after a paragraph, line, sentence or word where there is one.

    A code fence that is open at a cut is closed there and opened again, with its language, in the next piece; one that
    the text leaves open is closed. `limit` leaves room for a fence: 50 at least.
    """
    rest, opening = text.lstrip(), ""
    while rest.strip():
        piece, rest = _cut(opening, rest, limit)
        marker, language = _open_fence(piece)
        yield _closed(piece)
        opening = f"{marker}{language}\n" if marker else ""
        rest = rest if marker else rest.lstrip()


def _closed(piece: str) -> str:
    marker, _ = _open_fence(piece)
    return f"{piece.rstrip()}\n{marker}" if marker else piece.rstrip()


def _cut(opening: str, text: str, limit: int) -> tuple[str, str]:
    """The next piece, its fence still open, and what is left."""
    if units(opening + text) <= limit and units(_closed(opening + text)) <= limit:
        return opening + text, ""
    room = limit - units(opening) - _CLOSING_ROOM
    end, used = 0, 0
    for char in text:
        used += 2 if char > "\uffff" else 1
        if used > room:
            break
        end += 1
    for mark in _BREAKS:
        at = text.rfind(mark, end // 2, end)
        if at >= 0:
            end = at + len(mark)
            break
    return opening + text[:end], text[end:]


def _open_fence(text: str) -> tables.Fence:
    fence = ("", "")
    for line in text.split("\n"):
        fence = tables.fence_after(line, fence)
    return fence
