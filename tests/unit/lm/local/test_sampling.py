"""Which token comes next, against transformers' own processors and against the odds."""

from collections import Counter
from typing import Any

import pytest
import torch
from transformers import (
    GenerationConfig,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from core.lm.local.sampling import Generation, SamplingState, choose, sampling_state
from core.values.sampling import Sampling

DICE = torch.Generator().manual_seed(1)
LOGITS = torch.randn(1, 50, generator=DICE) * 2


def odds(draw: SamplingState, seen: list[int]) -> torch.Tensor:
    """The odds of each token as `generate` has them."""
    ids: Any = torch.tensor([seen], dtype=torch.long)
    scores: Any = LOGITS.clone()
    if draw.repetition_penalty != 1:
        scores = RepetitionPenaltyLogitsProcessor(draw.repetition_penalty)(ids, scores)
    scores = TemperatureLogitsWarper(float(draw.temperature))(ids, scores)
    if draw.top_k:
        scores = TopKLogitsWarper(draw.top_k)(ids, scores)
    scores = TopPLogitsWarper(draw.top_p)(ids, scores)
    return MinPLogitsWarper(draw.min_p)(ids, scores).softmax(-1)[0]


RULES: list[dict[str, Any]] = [
    dict(temperature=1.0),
    dict(temperature=0.4),
    dict(temperature=2.0, top_k=5),
    dict(temperature=1.0, top_k=1),
    dict(temperature=1.5, top_p=0.6),
    dict(temperature=1.0, top_p=1e-6),
    dict(temperature=1.5, min_p=0.2),
    dict(temperature=1.0, min_p=1.0),
    dict(temperature=1.2, repetition_penalty=1.8),
    dict(temperature=1.3, top_k=20, top_p=0.8, min_p=0.05, repetition_penalty=1.3),
]


@pytest.mark.slow
@pytest.mark.parametrize("rules", RULES, ids=str)
def test_tokens_fall_as_often_as_generate_has_it(rules: dict[str, Any]):
    seen = [3, 4, 4, 5, int(LOGITS.argmax())]
    expected = odds(SamplingState(**rules), seen)
    draws = [SamplingState(**rules, seed=seed) for seed in range(4_000)]
    fallen = Counter(choose(LOGITS.repeat(len(draws), 1), draws, [seen] * len(draws)))
    assert all(expected[token] > 0 for token in fallen)
    for token in range(50):
        share, likely = fallen[token] / len(draws), float(expected[token])
        assert abs(share - likely) <= 5 * (likely * (1 - likely) / len(draws)) ** 0.5 + 1e-9


def test_rows_are_drawn_by_their_own_rules():
    rows = [
        SamplingState(),
        SamplingState(1.0, seed=1),
        SamplingState(0.7, top_k=3, seed=2),
        SamplingState(repetition_penalty=3.0),
        SamplingState(1.4, top_p=0.5),
    ]
    rows[4].seed = 3
    logits, seen = torch.randn(5, 50, generator=DICE), [[number, 7] for number in range(5)]
    together = choose(logits.clone(), rows, seen)
    alone = [
        choose(logits[at : at + 1].clone(), [SamplingState(**_rules(row))], [seen[at]])[0]
        for at, row in enumerate(rows)
    ]
    assert together == alone


def _rules(draw: SamplingState) -> dict[str, Any]:
    names = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "seed")
    return {name: getattr(draw, name) for name in names}


def test_a_seed_says_the_same_again_and_another_does_not():
    def said(seed: int | None) -> list[int]:
        draw = SamplingState(2.0, seed=seed)
        return [choose(LOGITS.clone(), [draw], [[]])[0] for _ in range(30)]

    assert said(1) == said(1)
    assert said(1) != said(2)
    assert said(None) != said(None)


def test_greedy_takes_the_likeliest_and_a_penalty_what_was_not_said():
    best, second = LOGITS[0].topk(2).indices.tolist()
    assert choose(LOGITS.clone(), [SamplingState()], [[]]) == [best]
    assert choose(LOGITS.clone(), [SamplingState(repetition_penalty=50.0)], [[best]]) == [second]


@pytest.mark.parametrize(
    ("asked", "own", "expected"),
    [
        (Sampling(), {}, SamplingState(0.7, 50, 0.9, 0.0, 1.1)),
        (Sampling(), dict(do_sample=False), SamplingState()),
        (Sampling(), dict(temperature=0.4, repetition_penalty=1.3), SamplingState(0.4, 50, 0.9, 0.0, 1.3)),
        (Sampling(temperature=0), {}, SamplingState()),
        (Sampling(), dict(do_sample=True), SamplingState(1.0, 50)),
        (
            Sampling(seed=3),
            dict(do_sample=True, temperature=0.6, top_k=20, top_p=0.9),
            SamplingState(0.6, 20, 0.9, seed=3),
        ),
        (
            Sampling(temperature=0.0, top_p=0.5),
            dict(do_sample=True, repetition_penalty=1.1),
            SamplingState(0, 0, 1, 0, 1.1),
        ),
        (Sampling(temperature=0.3), {}, SamplingState(0.3, 50, 0.9, 0.0, 1.1)),
        (Sampling(top_p=0.5), dict(do_sample=False, temperature=0.9), SamplingState(0.9, 50, 0.5)),
        (Sampling(temperature=1.0, top_k=0, min_p=0.1), dict(top_k=40), SamplingState(1.0, 0, 0.9, 0.1, 1.1)),
        (Sampling(repetition_penalty=1.0), dict(do_sample=False, repetition_penalty=1.2), SamplingState()),
    ],
)
def test_what_is_asked_goes_before_the_models_own_settings(
    asked: Sampling, own: dict[str, Any], expected: SamplingState
):
    assert _rules(sampling_state(asked, Generation(**own))) == _rules(expected)
    assert _rules(sampling_state(asked, Generation.of(GenerationConfig(**own)))) == _rules(expected)
