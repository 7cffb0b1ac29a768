"""Pure filters between a model's pieces and the reader: where an answer ends, and whole characters only."""

from collections.abc import Callable, Sequence


class StopFilter:
    """Passes text on until a stop string appears, even one that straddles pieces; the stop string is left out.

    Text that may yet turn into a stop string is held back. `stopped` is true once one was found.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False

    def feed(self, piece: str) -> str:
        """What may be shown after `piece`; "" from the stop string on."""
        if self.stopped:
            return ""
        text = self._held + piece
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        keep = self._held_back(text)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        """What was held back, when the answer ended without a stop string."""
        rest, self._held = self._held, ""
        return rest

    def _held_back(self, text: str) -> int:
        """Length of the longest end of `text` that begins a stop string."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops):
                return length
        return 0


class TextGrower:
    """Turns token ids, one after another, into text that never ends in half a character.

    `decode` is the tokenizer's; it is called on the last few ids only, so the cost of a token does not grow.
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._context = 0
        self._shown = 0

    def feed(self, token: int) -> str:
        """The text that this token completes, "" while a character is incomplete."""
        self._ids.append(token)
        before = self._decode(self._ids[self._context : self._shown])
        text = self._decode(self._ids[self._context :])
        if len(text) <= len(before) or text.endswith("\ufffd"):
            return ""
        self._context, self._shown = self._shown, len(self._ids)
        return text[len(before) :]
