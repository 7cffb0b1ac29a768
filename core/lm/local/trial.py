"""Tries out on a small prompt whether slots give a transformers model's own logits, and which layers do."""

from collections.abc import Callable
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from core.lm.local.attention import BatchView, Unservable
from core.lm.local.decoder import Decoder, Size
from core.lm.local.fused import Fused
from core.lm.local.generic import Whole
from core.lm.local.likeness import ModelWeights, layers_of
from core.lm.local.sampling import SamplingState
from core.lm.local.slots import Span
from core.telemetry import log

_TRIAL_TOKENS = 12
_MOST_OFF, _MOST_OFF_HALVES = 1e-3, 0.05
"""How far logits may be from the model's own, of their length, in 32 bits and in 16: rounding is below."""
_MISFITS = (RuntimeError, TypeError, ValueError, AttributeError, IndexError)
"""What transformers and torch raise where a model is built in another way than was thought."""
_GENERATION = {
    "bos_token_id", "eos_token_id", "pad_token_id", "transformers_version", "_from_model_config", "use_cache",
    "max_length", "max_new_tokens", "do_sample", "temperature", "top_k", "top_p", "min_p", "repetition_penalty",
}  # fmt: skip
"""What may be set in the model's own generation settings; more than that only `generate` knows."""
_LOG = log("lm")


def decoder_of(model: Any) -> Decoder:
    """A transformers causal model in eval mode, not yet in int8, over slots, whose it is from here on.

    Raises Unservable, the model as before, for what its config rules out and where its logits differ.
    """
    _check_settings(model)
    expected, size = _by_itself(model)
    try:
        return fused(model, expected, size)
    except Unservable as reason:
        _LOG.info("its layers are computed as transformers does: %s", reason)
    view = BatchView()
    whole = Whole(model, size.layers, view)
    try:
        return _tried(lambda: Decoder(whole, view, size), model, expected)
    except Unservable:
        whole.give_back()
        raise


def fused(model: Any, expected: torch.Tensor | None = None, size: Size | None = None) -> Decoder:
    """Over slots by layers of our own, or Unservable."""
    if expected is None or size is None:
        _check_settings(model)
        expected, size = _by_itself(model)
    view = BatchView()

    def build() -> Decoder:
        return Decoder(Fused(layers_of(model), ModelWeights(model), view), view, size)

    return _tried(build, model, expected)


def _tried(build: Callable[[], Decoder], model: Any, expected: torch.Tensor) -> Decoder:
    try:
        decoder = build()
        off = _off(decoder, _trial_ids(model), expected)
    except _MISFITS as error:
        raise Unservable(f"its attention takes no slots: {type(error).__name__}: {error}") from error
    if not off < (_MOST_OFF if expected.dtype == torch.float32 else _MOST_OFF_HALVES):
        raise Unservable(f"in slots it answers otherwise: logits differ by {off:.1%}")
    return decoder


def _off(decoder: Decoder, ids: list[int], expected: torch.Tensor) -> float:
    """How far logits are from these, of their length; the trial prompt is read in three pieces, in company."""
    pieces = (ids[:5], ids[5:-1], ids[-1:])
    got: list[torch.Tensor] = []
    for slot in (0, 1):
        decoder.reserve(slot, len(ids))
    try:
        for at, piece in enumerate(pieces):
            start = sum(map(len, pieces[:at]))
            other = Span(1, 0, ids[3:7], SamplingState())
            got.append(decoder.logits([other, Span(0, start, piece, SamplingState())])[1])
    finally:
        for slot in (0, 1):
            decoder.release(slot)
    wanted = expected[[4, len(ids) - 2, len(ids) - 1]]
    return float((torch.stack(got) - wanted).norm() / wanted.norm())


def _check_settings(model: Any) -> None:
    """Raises Unservable for what the model's config and generation settings rule out."""
    if not model._supports_attention_backend:
        raise Unservable("its attention cannot be replaced")
    kinds = {type(layer) for layer in DynamicCache(config=model.config).layers}
    if other := kinds - {DynamicLayer}:
        raise Unservable("its cache has " + ", ".join(sorted(kind.__name__ for kind in other)))
    own = {name for name, value in model.generation_config.to_diff_dict().items() if value}
    if more := own - _GENERATION:
        raise Unservable("its generation settings have " + ", ".join(sorted(more)))


def _by_itself(model: Any) -> tuple[torch.Tensor, Size]:
    """By the model's own attention: logits of the trial prompt, [T, V], and how its cache is."""
    ids = torch.tensor([_trial_ids(model)], device=model.device)
    cache = DynamicCache(config=model.config)
    with torch.inference_mode():
        logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits[0]
    layers: list[Any] = cache.layers
    shapes = {(*each.shape, each.dtype) for layer in layers for each in (layer.keys, layer.values)}
    if len(shapes) != 1:
        raise Unservable("keys and values of its layers have different shapes")
    _, kv_heads, _, head_dim, dtype = shapes.pop()
    return logits, Size(len(layers), kv_heads, head_dim, dtype, model.device)


def _trial_ids(model: Any) -> list[int]:
    vocabulary = model.get_input_embeddings().num_embeddings
    return [(101 * place + 7) % vocabulary for place in range(_TRIAL_TOKENS)]
