"""Turns dialogues into token batches of a few fixed shapes, so that a compiled model meets few shapes.

A row is one dialogue, padded on the right (causal attention never looks there). Only the assistant's words are learnt.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from training.chat.dialogues import Dialogue, Skill, write_dialogues
from training.chat.invented import Inventor
from training.chat.vocabulary import ASSISTANT, END, SYSTEM, USER

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

WIDTHS = (96, 160, 224, 320, 448, 768)
TOKENS_PER_BATCH = 4096


@dataclass(frozen=True, slots=True)
class Span:
    """One reply in a row: where its first token is, every accepted token sequence, and which of them stands there."""

    start: int
    accepted: tuple[tuple[int, ...], ...]
    chosen: int
    skill: Skill


@dataclass(frozen=True, slots=True)
class Row:
    """One dialogue as token ids, with its replies."""

    ids: list[int]
    spans: list[Span]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one width; `ids` and `learnt` are [rows, width], `learnt` marks tokens to be predicted."""

    ids: list[list[int]]
    learnt: list[list[bool]]


class Encoder:
    """Tokenises dialogues just as the chat template would."""

    def __init__(self, tokenizer: "PreTrainedTokenizerFast", rng: Random) -> None:
        self.rng = rng
        self.backend = tokenizer.backend_tokenizer
        vocabulary: dict[str, int] = tokenizer.get_vocab()
        self.end, self.system, self.user, self.assistant = (vocabulary[each] for each in (END, SYSTEM, USER, ASSISTANT))

    def _encode(self, texts: list[str]) -> list[list[int]]:
        return [encoded.ids for encoded in self.backend.encode_batch(texts, add_special_tokens=False)]

    def row(self, dialogue: Dialogue) -> Row:
        """A dialogue, one of the accepted replies drawn for each exchange; a long one loses its last exchanges."""
        texts = [dialogue.system]
        for exchange in dialogue.exchanges:
            texts += [exchange.said, *exchange.accepted]
        encoded = iter(self._encode(texts))
        system = next(encoded)
        ids = [self.system, *system, self.end] if dialogue.system else []
        spans: list[Span] = []
        for exchange in dialogue.exchanges:
            said = next(encoded)
            accepted = tuple((*next(encoded), self.end) for _ in exchange.accepted)
            chosen = self.rng.randrange(len(accepted))
            grown = [*ids, self.user, *said, self.end, self.assistant]
            if len(grown) + len(accepted[chosen]) > WIDTHS[-1]:
                break
            spans.append(Span(len(grown), accepted, chosen, exchange.skill))
            ids = [*grown, *accepted[chosen]]
        return Row(ids, spans)

    def copying_row(self, width: int) -> Row:
        """Invented words, then the same again, in order or in pairs: teaches looking back before there is language."""
        inventor, rng = Inventor(self.rng), self.rng
        words = [inventor.word() if rng.random() < 0.7 else inventor.name_zh() for _ in range(rng.randint(8, 16))]
        again = words
        if rng.random() < 0.6:
            pairs = [words[at : at + 2] for at in range(0, len(words) - 1, 2)]
            rng.shuffle(pairs)
            again = [word for pair in pairs for word in pair]
        if rng.random() < 0.5:
            again = [word.capitalize() for word in again]
        first, second = self._encode([" ".join(words), " ".join(again)])
        ids = [*first, *second][:width]
        return Row(ids, [Span(len(first) + 1, (tuple(ids[len(first) + 1 :]),), 0, "recall")])


def pad(rows: list[Row], width: int, padding: int) -> Batch:
    """Rows brought to one width."""
    ids = [row.ids + [padding] * (width - len(row.ids)) for row in rows]
    learnt = [[False] * width for _ in rows]
    for marks, row in zip(learnt, rows, strict=True):
        for span in row.spans:
            stop = span.start + len(span.accepted[span.chosen])
            marks[span.start : stop] = [True] * (stop - span.start)
    return Batch(ids, learnt)


class Batches:
    """Endless batches; `most_notes`, `notes_share` and `copying_share` may be changed while it runs."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.most_notes = 1
        self.notes_share = 0.5
        self.copying_share = 0.3
        self._waiting: dict[int, list[Row]] = {width: [] for width in WIDTHS}

    def __iter__(self) -> Iterator[Batch]:
        rng = self.encoder.rng
        while True:
            if rng.random() < self.copying_share:
                row = self.encoder.copying_row(WIDTHS[1])
            else:
                row = self.encoder.row(
                    next(write_dialogues(rng, most_notes=self.most_notes, notes_share=self.notes_share))
                )
            width = next(width for width in WIDTHS if len(row.ids) <= width)
            waiting = self._waiting[width]
            waiting.append(row)
            if len(waiting) == TOKENS_PER_BATCH // width:
                yield pad(waiting, width, self.encoder.end)
                waiting.clear()
