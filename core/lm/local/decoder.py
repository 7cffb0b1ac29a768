"""The executor of slots: a transformers model, and one preallocated tensor a slot.

Serves ordinary decoders, whose every layer attends to everything before. `Decoder` refuses the others with a sentence,
by what the model's config says and by computing a small prompt both ways.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from core.lm.local.attention import Forward, Unservable
from core.lm.local.fused import Fused
from core.lm.local.generic import Whole
from core.lm.local.sampling import Draw, choose
from core.lm.local.slots import OutOfMemory, Span
from core.telemetry import log

_TRIAL_TOKENS = 12
_MOST_OFF, _MOST_OFF_HALVES = 1e-3, 0.05
"""How far logits may be from the model's own, of their length, in 32 bits and in 16: rounding is below."""
_MISFITS = (RuntimeError, TypeError, ValueError, AttributeError, IndexError)
"""What transformers and torch raise where a model is built in another way than was thought."""
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "could not create a memory")
_GENERATION = {
    "bos_token_id", "eos_token_id", "pad_token_id", "transformers_version", "_from_model_config", "use_cache",
    "max_length", "max_new_tokens", "do_sample", "temperature", "top_k", "top_p", "min_p", "repetition_penalty",
}  # fmt: skip
"""What may be set in the model's own generation settings; more than that only `generate` knows."""
_LOG = log("lm")


class Decoder:
    """A model over slots. From here on the model is the decoder's: its layers know nothing but slots."""

    def __init__(self, model: Any, like: "Decoder | None" = None) -> None:
        """`model` is a transformers causal model in eval mode, not yet in int8; raises Unservable.

        One that was packed in int8 comes with the decoder of a small model of its kind, which was tried in its place.
        """
        _check_settings(model)
        self._model = model
        self._forward = Forward()
        self._slots: dict[int, torch.Tensor] = {}
        self._net: Fused | Whole
        if like is not None:
            self._layers, self._dtype = len(model.base_model.layers), like._dtype
            self._kv_heads, self._head_dim = like._kv_heads, like._head_dim
            self._net = Fused(model, self._forward)
            self._net.take_over()
            return
        expected, self._layers, self._kv_heads, self._head_dim, self._dtype = _try_out(model)
        try:
            self._net = self._tried(lambda: Fused(model, self._forward), expected)
        except Unservable as reason:
            _LOG.info("its layers are computed as transformers does: %s", reason)
            self._net = self._tried(lambda: Whole(model, self._layers, self._forward), expected)

    @property
    def fused(self) -> bool:
        """Whether its layers are our own."""
        return isinstance(self._net, Fused)

    @property
    def token_bytes(self) -> int:
        """Cache bytes of one token of one slot: a key and a value for each layer."""
        return self._layers * 2 * self._kv_heads * self._head_dim * self._dtype.itemsize

    def run(self, spans: Sequence[Span]) -> list[int | None]:
        """One forward over all spans, and the next token of those that draw one."""
        drawing = [span for span in spans if span.draw is not None]
        with torch.inference_mode(), _memory():
            logits = self._logits(spans)
            if not drawing:
                return [None] * len(spans)
            draws = [span.draw for span in drawing if span.draw is not None]
            tokens = iter(choose(logits, draws, [span.seen for span in drawing]))
        return [None if span.draw is None else next(tokens) for span in spans]

    def reserve(self, slot: int, tokens: int) -> None:
        """Room for so many tokens in a slot, what it holds copied over."""
        before = self._slots.get(slot)
        shape = (self._layers, 2, 1, self._kv_heads, tokens, self._head_dim)
        with torch.inference_mode(), _memory():
            room = torch.empty(shape, dtype=self._dtype, device=self._model.device)
            if before is not None:
                room[:, :, :, :, : before.shape[4]] = before
        self._slots[slot] = room

    def copy(self, source: int, target: int, tokens: int) -> None:
        """Copy the first tokens of a slot into another."""
        with torch.inference_mode():
            self._slots[target][:, :, :, :, :tokens] = self._slots[source][:, :, :, :, :tokens]

    def release(self, slot: int) -> None:
        """Free a slot's memory."""
        self._slots.pop(slot, None)

    def _logits(self, spans: Sequence[Span]) -> torch.Tensor:
        """Logits, [N, V], after the last token of each span that draws."""
        device = self._model.device
        ids, positions, last = [], [], []
        for span in spans:
            ids += span.ids
            positions += range(span.start, span.start + len(span.ids))
            if span.draw is not None:
                last.append(len(ids) - 1)
        self._forward.lay_out(spans, self._slots)
        try:
            numbers = (torch.tensor(each, dtype=torch.long, device=device) for each in (ids, positions, last))
            return self._net.logits(*numbers)
        finally:
            self._forward.clear()

    def _tried(self, build: Callable[[], Fused | Whole], expected: torch.Tensor) -> Fused | Whole:
        """What it builds has taken over the model; raises Unservable, the model as before, when its logits differ."""
        net = None
        try:
            self._net = net = build()
            off = self._off(expected)
            if not off < (_MOST_OFF if self._dtype == torch.float32 else _MOST_OFF_HALVES):
                raise Unservable(f"in slots it answers otherwise: logits differ by {off:.1%}")
        except (Unservable, *_MISFITS) as error:
            if net is not None:
                net.give_back()
            if isinstance(error, Unservable):
                raise
            raise Unservable(f"its attention takes no slots: {type(error).__name__}: {error}") from error
        net.take_over()
        return net

    def _off(self, expected: torch.Tensor) -> float:
        """How far logits are from these, of their length; the trial prompt is read in three pieces, in company."""
        ids = _trial_ids(self._model)
        pieces = (ids[:5], ids[5:-1], ids[-1:])
        got: list[torch.Tensor] = []
        try:
            with torch.inference_mode():
                for slot in (0, 1):
                    self.reserve(slot, len(ids))
                for at, piece in enumerate(pieces):
                    start = sum(map(len, pieces[:at]))
                    other = Span(1, 0, ids[3:7], Draw())
                    got.append(self._logits([other, Span(0, start, piece, Draw())])[1])
        finally:
            self._slots.clear()
        wanted = expected[[4, len(ids) - 2, len(ids) - 1]]
        return float((torch.stack(got) - wanted).norm() / wanted.norm())


@contextmanager
def _memory() -> Generator[None]:
    """The ways in which torch says that there is no memory become one."""
    try:
        yield
    except MemoryError as error:
        raise OutOfMemory(str(error)) from error
    except RuntimeError as error:
        if not any(sign in str(error) for sign in _NO_MEMORY):
            raise
        raise OutOfMemory(str(error).splitlines()[0]) from error


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


def _try_out(model: Any) -> tuple[torch.Tensor, int, int, int, torch.dtype]:
    """By the model's own attention: logits of the trial prompt, [T, V]; layers, kv_heads, head_dim, type of a cache."""
    ids = torch.tensor([_trial_ids(model)], device=model.device)
    cache = DynamicCache(config=model.config)
    with torch.inference_mode():
        logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits[0]
    layers: list[Any] = cache.layers
    shapes = {(*each.shape, each.dtype) for layer in layers for each in (layer.keys, layer.values)}
    if len(shapes) != 1:
        raise Unservable("keys and values of its layers have different shapes")
    _, kv_heads, _, head_dim, dtype = shapes.pop()
    return logits, len(layers), kv_heads, head_dim, dtype


def _trial_ids(model: Any) -> list[int]:
    vocabulary = model.get_input_embeddings().num_embeddings
    return [(101 * place + 7) % vocabulary for place in range(_TRIAL_TOKENS)]
