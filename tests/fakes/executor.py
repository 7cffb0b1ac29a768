"""An executor without a model: its next token is a sum over all that its slot holds, so that one wrong token shows."""

from collections.abc import Sequence

from core.lm.local.slots import OutOfMemory, Span

VOCABULARY = 97
POISON = 1_000
"""A token that no forward survives."""
HEAVY = 1_001
"""A token that needs more memory than there is."""


def next_token(ids: Sequence[int]) -> int:
    return sum((place + 1) * (token + 3) for place, token in enumerate(ids)) % VOCABULARY


def answer(ids: Sequence[int], tokens: int) -> list[int]:
    """What a lone run says."""
    said: list[int] = []
    for _ in range(tokens):
        said.append(next_token([*ids, *said]))
    return said


class FakeExecutor:
    """Memory for `room` tokens; `forwards` are all spans that were run, by step."""

    token_bytes = 10

    def __init__(self, room: int = 1 << 30) -> None:
        self.room = room
        self.held: dict[int, list[int | None]] = {}
        self.forwards: list[list[Span]] = []
        self.copied = 0

    def run(self, spans: Sequence[Span]) -> list[int | None]:
        assert len({span.slot for span in spans}) == len(spans)
        self.forwards.append(list(spans))
        if any(POISON in span.ids for span in spans):
            raise RuntimeError("poison")
        if any(HEAVY in span.ids for span in spans):
            raise OutOfMemory("heavy")
        return [self._compute(span) for span in spans]

    def _compute(self, span: Span) -> int | None:
        held, end = self.held[span.slot], span.start + len(span.ids)
        assert end <= len(held), "no room was reserved"
        held[span.start : end] = span.ids
        seen = held[:end]
        known = [token for token in seen if token is not None]
        assert len(known) == end, "a gap"
        if span.sampling is None:
            return None
        assert list(span.seen) == known
        return next_token(known)

    def reserve(self, slot: int, tokens: int) -> None:
        held = self.held.get(slot, [])
        others = sum(map(len, self.held.values())) - len(held)
        if others + tokens > self.room:
            raise OutOfMemory(f"{tokens} tokens")
        self.held[slot] = held + [None] * (tokens - len(held))

    def copy(self, source: int, target: int, tokens: int) -> None:
        assert tokens <= len(self.held[target])
        self.held[target][:tokens] = self.held[source][:tokens]
        self.copied += tokens

    def release(self, slot: int) -> None:
        self.held.pop(slot, None)

    @property
    def computed(self) -> int:
        """Tokens of all forwards together."""
        return sum(len(span.ids) for spans in self.forwards for span in spans)
