"""The key/value cache of the slots, as transformers sees it: a layer that writes each row at its own length, and the
attention over it. The rows of a forward lie one after another in a batch of one, so that nothing is padded.

Each slot has one preallocated tensor for all layers, [layers, 2, 1, kv_heads, capacity, head_dim]: nothing is
concatenated or repeated in a step, and a slot's memory is given back as a whole. Each row attends alone, by the very
kernels that `generate` uses, whatever company it keeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.cache_utils import CacheLayerMixin

from core.lm.slots import Span

ATTENTION = "parley_slots"
"""The name of `attend` among transformers' attention functions."""


@dataclass(slots=True)
class Stretch:
    """One row of a forward: its number of new tokens and what they may see, None for all before and themselves.

    `held` and `fresh` are views into its slot, keys and values of each layer in turn: all tokens to the last new one
    as [1, kv_heads, tokens, head_dim], and the new ones alone as [kv_heads, tokens, head_dim].
    """

    tokens: int
    mask: torch.Tensor | None
    held: Sequence[torch.Tensor]
    fresh: Sequence[torch.Tensor]


class Forward:
    """What the layers share during one forward."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []
        self.sizes: list[int] = []

    def lay_out(self, spans: Sequence[Span], slots: dict[int, torch.Tensor]) -> None:
        """Prepare the views of every layer at once, which is cheaper than in each layer."""
        self.stretches = [_stretch(slots[span.slot], span.start, len(span.ids)) for span in spans]
        self.sizes = [stretch.tokens for stretch in self.stretches]

    def clear(self) -> None:
        """Let go of the slots."""
        self.stretches = []


def _stretch(slot: torch.Tensor, start: int, tokens: int) -> Stretch:
    end = start + tokens
    held = slot[:, :, :, :, :end].flatten(0, 1).unbind()
    fresh = slot[:, :, 0, :, start:end].flatten(0, 1).unbind()
    if tokens == 1 or not start:
        return Stretch(tokens, None, held, fresh)
    later = torch.arange(end, device=slot.device) > torch.arange(start, end, device=slot.device).unsqueeze(1)
    mask = torch.zeros(later.shape, dtype=slot.dtype, device=slot.device).masked_fill_(later, -torch.inf)
    return Stretch(tokens, mask, held, fresh)


class SlotLayer(CacheLayerMixin):
    """One layer's share of all slots. Hands `attend` the stretches instead of tensors."""

    is_sliding = False

    def __init__(self, layer: int, forward: Forward) -> None:
        super().__init__()
        self._layer = layer
        self._forward = forward

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """Write new keys and values, [1, kv_heads, T, head_dim], each row's at its own length."""
        at, forward = 2 * self._layer, self._forward
        for kind, states in enumerate((key_states, value_states)):
            places = [stretch.fresh[at + kind] for stretch in forward.stretches]
            # A copy a row, in one call; the public way is a loop in Python, which costs more than the copies.
            torch._foreach_copy_(places, states[0].split(forward.sizes, 1))  # pyright: ignore[reportPrivateImportUsage, reportPrivateUsage]
        return self._layer, forward

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing: slots are given room by the decoder."""

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """No mask is made from it."""
        return query_length, 0

    def get_seq_length(self) -> int:
        """Rows have their own lengths, and positions are given."""
        return 0

    def get_max_length(self) -> int:
        """No bound of its own."""
        return -1


def attend(
    module: Any,
    query: torch.Tensor,
    layer: int,
    forward: Forward,
    attention_mask: None,
    scaling: float | None = None,
    **extras: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of new tokens, [1, heads, T, head_dim], over their own slots: [1, T, heads, head_dim].

    `layer` and `forward` stand where transformers passes keys and values: they are what `SlotLayer.update` gave.
    Raises ValueError for what this cannot do.
    """
    unknown = [name for name in ("sliding_window", "softcap", "s_aux", "position_bias") if extras.get(name) is not None]
    if unknown:
        raise ValueError(f"attention with {', '.join(unknown)}")
    rows = query.split(forward.sizes, 2)
    seen = [
        _attend_row(row, stretch.held[2 * layer], stretch.held[2 * layer + 1], stretch.mask, scaling)
        for row, stretch in zip(rows, forward.stretches, strict=True)
    ]
    return (torch.cat(seen, 1) if len(seen) > 1 else seen[0]), None


def _attend_row(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None, scaling: float | None
) -> torch.Tensor:
    """[1, heads, T, head_dim] over [1, kv_heads, S, head_dim]; heads that share keys go together, without copies."""
    _, heads, tokens, head_dim = query.shape
    kv_heads = keys.shape[1]
    if tokens == 1:
        grouped = query.reshape(1, kv_heads, heads // kv_heads, head_dim)
        return scaled_dot_product_attention(grouped, keys, values, scale=scaling).reshape(1, 1, heads, head_dim)
    grouped = query.unflatten(1, (kv_heads, heads // kv_heads))  # (1, kv_heads, group, T, head_dim)
    causal = mask is None
    seen = [
        scaled_dot_product_attention(each, keys, values, attn_mask=mask, is_causal=causal, scale=scaling)
        for each in grouped.unbind(2)
    ]
    return torch.stack(seen, 2).flatten(1, 2).transpose(1, 2)


AttentionInterface.register(ATTENTION, attend)
