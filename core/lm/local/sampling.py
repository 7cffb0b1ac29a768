"""Which token comes next: temperature, top-k, top-p, min-p, repetition penalty and seed, each row its own.

The rules and their order are those of transformers' `generate`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.values.sampling import Sampling

_TOP_K = 50
"""What `generate` takes where nothing is set."""
_SILENT = (0.7, 0.9, 1.1)
"""Temperature, top_p and repetition penalty of a model without sampling settings, as GGUF files are."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A model's own generation settings, by transformers' names; None is what it does not say. `ends` are token ids."""

    ends: tuple[int, ...] = ()
    max_new_tokens: int | None = None
    do_sample: bool | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None

    @classmethod
    def of(cls, config: Any) -> "Generation":
        """What a transformers GenerationConfig says."""
        ends = config.eos_token_id
        names = cls.__dataclass_fields__.keys() - {"ends"}
        own = {name: getattr(config, name) for name in names}
        return cls(tuple(ends) if isinstance(ends, list) else () if ends is None else (ends,), **own)


@dataclass(slots=True, eq=False)
class SamplingState:
    """How one answer's tokens are drawn. Temperature 0 takes the likeliest; `generator` is the state of its dice."""

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    generator: Any = field(default=None, init=False)


def sampling_state(sampling: Sampling, own: Generation) -> SamplingState:
    """What was asked for; the rest is the model's `own`, and then as `generate` has it.

    A model that does not say whether it samples does: greedy, small models say one and the same sentence again.
    """
    silent = own.do_sample is None
    wants_dice = (sampling.temperature, sampling.top_p, sampling.top_k, sampling.min_p) != (None,) * 4
    if sampling.temperature == 0 or not (wants_dice or own.do_sample or silent):
        return SamplingState(repetition_penalty=_first(sampling.repetition_penalty, own.repetition_penalty, 1.0))
    temperature, top_p, penalty = _SILENT if silent else (1.0, 1.0, 1.0)
    penalty = _first(sampling.repetition_penalty, own.repetition_penalty, penalty)
    return SamplingState(
        temperature=_first(sampling.temperature, own.temperature, temperature),
        top_k=_first(sampling.top_k, own.top_k, _TOP_K),
        top_p=_first(sampling.top_p, own.top_p, top_p),
        min_p=_first(sampling.min_p, own.min_p, 0.0),
        repetition_penalty=penalty,
        seed=sampling.seed,
    )


def choose(logits: Any, states: Sequence[SamplingState], seen: Sequence[Sequence[int]]) -> list[int]:
    """The next token of each row of `logits`, float[N, V]; `seen` are the tokens of its conversation so far."""
    for row, (state, ids) in enumerate(zip(states, seen, strict=True)):
        if state.repetition_penalty != 1.0:
            logits[row] = _penalised(logits[row], ids, state.repetition_penalty)
    chosen: list[int] = logits.argmax(-1).tolist()
    rows = [row for row, state in enumerate(states) if state.temperature > 0]
    if rows:
        drawn = _roll(logits[rows].float(), [states[row] for row in rows])
        for row, token in zip(rows, drawn, strict=True):
            chosen[row] = token
    return chosen


def _penalised(logits: Any, ids: Sequence[int], penalty: float) -> Any:
    import torch  # heavy

    at = torch.tensor(sorted(set(ids)), device=logits.device)
    scores = logits[at]
    return logits.index_copy(0, at, torch.where(scores < 0, scores * penalty, scores / penalty))


def _roll(logits: Any, states: Sequence[SamplingState]) -> list[int]:
    """A token of each row, float32[N, V], by its own dice."""
    import torch  # heavy

    def column(values: Sequence[float]) -> Any:
        return torch.tensor(values, device=logits.device).unsqueeze(1)  # (N, 1)

    top_k = [min(state.top_k or logits.shape[1], logits.shape[1]) for state in states]
    scores = logits / column([state.temperature for state in states])
    scores, tokens = scores.topk(max(top_k))  # (N, K), likeliest first
    scores.masked_fill_(torch.arange(max(top_k), device=logits.device) >= column(top_k), -torch.inf)
    likely = scores.softmax(-1)
    before = likely.cumsum(-1) - likely
    likely.masked_fill_(before >= column([state.top_p for state in states]), 0.0)
    likely.masked_fill_(likely < likely[:, :1] * column([state.min_p for state in states]), 0.0)
    ladder = likely.cumsum(-1)
    rungs = (ladder <= ladder[:, -1:] * column([_dice(state) for state in states])).sum(-1, keepdim=True)
    last = (likely > 0).sum(-1, keepdim=True) - 1
    return tokens.gather(1, torch.minimum(rungs, last)).squeeze(1).tolist()


def _dice(state: SamplingState) -> float:
    """A number in [0, 1) of the answer's own generator."""
    import torch  # heavy

    if state.generator is None:
        state.generator = torch.Generator()
        if state.seed is None:
            state.generator.seed()
        else:
            state.generator.manual_seed(state.seed)
    return float(torch.rand((), generator=state.generator, dtype=torch.float64))


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)
