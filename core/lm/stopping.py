"""Pure filters between a model's pieces and the reader: where an answer ends, and whole characters only."""

from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence

BROKEN = "\ufffd"
"""What decoders write for bytes that are no character."""
ByteOf = Callable[[int], bytes | None]


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


class ByteDetokenizer:
    """Token ids into text, where each token stands for bytes: half a character waits for the rest of it, and is left
    out when something else comes.
    """

    def __init__(self, bytes_of: Callable[[int], bytes]) -> None:
        self._bytes_of = bytes_of
        self._utf8 = getincrementaldecoder("utf-8")("ignore")

    def feed(self, token: int) -> str:
        """The text that this token completes, "" while a character is incomplete."""
        return self._utf8.decode(self._bytes_of(token)).replace(BROKEN, "")

    def finish(self) -> str:
        """Nothing: half a character is all that was held back."""
        return ""


class IncrementalDetokenizer:
    """The same where tokens are words; what is no word comes byte by byte, and `byte_of` tells these from the others.

    `decode` is the tokenizer's; it is called on the last few ids only, so the cost of a token does not grow. It never
    gets the bytes of a broken character: it would write off the whole ones beside them.
    """

    def __init__(self, decode: Callable[[list[int]], str], byte_of: ByteOf = lambda token: None) -> None:
        self._decode = decode
        self._byte_of = byte_of
        self._utf8 = getincrementaldecoder("utf-8")("ignore")
        self._bytes: list[int] = []
        self._ids: list[int] = []
        self._context = 0
        self._shown = 0

    def feed(self, token: int) -> str:
        """The text that this token completes, "" while a character is incomplete."""
        byte = self._byte_of(token)
        if byte is None:
            self._utf8.reset()
            self._ids.append(token)
        else:
            self._bytes.append(token)
            character = self._utf8.decode(byte)
            if not character:
                return ""
            self._ids += self._bytes[-len(character.encode()) :]
        self._bytes.clear()
        before, text = self._window()
        if len(text) <= len(before) or text.endswith(BROKEN):
            return ""
        self._context, self._shown = self._shown, len(self._ids)
        return text[len(before) :].replace(BROKEN, "")

    def finish(self) -> str:
        """What was held back and is whole, when the answer has ended."""
        before, text = self._window()
        self._context = self._shown = len(self._ids)
        return text[len(before) :].replace(BROKEN, "")

    def _window(self) -> tuple[str, str]:
        return self._decode(self._ids[self._context : self._shown]), self._decode(self._ids[self._context :])


class WholeCharacters:
    """Passes a server's pieces on without what it makes of half a character: U+FFFD, or half of a surrogate pair, which
    JSON can split between two pieces.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """What of it is whole."""
        text = self._held + piece
        self._held = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text[: len(text) - len(self._held)].replace(BROKEN, "")
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
