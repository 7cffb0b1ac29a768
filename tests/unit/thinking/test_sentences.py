"""People's sentences are kept apart from what the built-in model was trained on."""

from random import Random

import pytest

from core.thinking.wording import folded
from evals.sentences.people import cases
from training.chat.dialogues import write_dialogues

_SHARED = {"greeting", "fixed zh", "fixed en", "other", "group", "nonsense", "world", "sum", "wish", "about"}
"""Kinds of one short sentence, of which everybody has the same few words."""


@pytest.mark.slow
def test_no_dialogue_of_the_training_is_one_of_them():
    writing = write_dialogues(Random(2026), most_notes=1, notes_share=0.2)
    generated = {tuple(folded(each.said) for each in next(writing).exchanges) for _ in range(20_000)}
    ours = {tuple(folded(said) for said in case.said): case for case in cases()}
    same = [case for said, case in ours.items() if said in generated]
    assert [case for case in same if case.kind not in _SHARED] == []
    assert len(same) <= 0.03 * len(ours)


@pytest.mark.slow
def test_most_shapes_are_not_those_of_the_training():
    writing = write_dialogues(Random(7), most_notes=1, notes_share=0.2)
    known: set[tuple[str, ...]] = set()
    for dialogue in (next(writing) for _ in range(4_000)):
        known |= {shape for each in dialogue.exchanges for shape in _trigrams(each.said)}
    spaced = [case for case in cases() if case.language == "en"]
    shares = [_share(case.said[-1], known) for case in spaced if _trigrams(case.said[-1])]
    assert sum(share < 1 for share in shares) >= 0.6 * len(shares)


def _trigrams(text: str) -> set[tuple[str, ...]]:
    words = folded(text).split()
    return set(zip(words, words[1:], words[2:], strict=False))


def _share(text: str, known: set[tuple[str, ...]]) -> float:
    mine = _trigrams(text)
    return len(mine & known) / len(mine)
