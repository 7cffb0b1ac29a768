"""The key/value cache of the slots during one forward: each row is written at its own length, and attends to itself.

The rows of a forward lie one after another, so that nothing is padded. Each slot has one preallocated tensor for all
layers, [layers, 2, 1, kv_heads, capacity, head_dim]: nothing is concatenated or repeated in a step, and a slot's memory
is given back as a whole. Each row attends alone, by the very kernels that `generate` uses, whatever company it keeps.
"""

from collections.abc import Sequence

import torch
from torch.nn.functional import scaled_dot_product_attention

from core.lm.local.slots import Span


class Unservable(Exception):
    """Why a model cannot be served in slots."""


class BatchView:
    """What the layers share during one forward: views into the slots, for each layer a tuple of all rows'.

    `_fresh` are keys and values of the new tokens, [2, kv_heads, tokens, head_dim]; `_held` are those of all tokens to
    the last new one, keys and values in turn, [1, kv_heads, tokens, head_dim]; `_masks` say what a row's new tokens may
    see, None for all before and themselves.
    """

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._masks: list[torch.Tensor | None] = []
        self._fresh: list[tuple[torch.Tensor, ...]] = []
        self._held: list[tuple[torch.Tensor, ...]] = []

    def lay_out(self, spans: Sequence[Span], slots: dict[int, torch.Tensor]) -> None:
        """Prepare the views of every layer at once, which is cheaper than in each layer."""
        rows = [(slots[span.slot], span.start, span.start + len(span.ids)) for span in spans]
        self._sizes = [end - start for _, start, end in rows]
        self._masks = [_mask(slot, start, end) for slot, start, end in rows]
        fresh = [slot[:, :, 0, :, start:end].unbind() for slot, start, end in rows]
        held = [slot[:, :, :, :, :end].flatten(0, 1).unbind() for slot, _, end in rows]
        self._fresh, self._held = list(zip(*fresh, strict=True)), list(zip(*held, strict=True))

    def clear(self) -> None:
        """Let go of the slots."""
        self._fresh, self._held = [], []

    def write(self, layer: int, states: torch.Tensor) -> None:
        """Keys and values of the new tokens, [2, kv_heads, T, head_dim], each row's at its own length."""
        # A copy a row, in one call; the public way is a loop in Python, which costs more than the copies.
        torch._foreach_copy_(self._fresh[layer], states.split_with_sizes(self._sizes, 2))  # pyright: ignore[reportPrivateImportUsage, reportPrivateUsage]

    def attend(self, layer: int, queries: torch.Tensor, scaling: float | None) -> torch.Tensor:
        """Attention of the new tokens, [T, heads, head_dim], over their own slots: [T, heads * head_dim]."""
        keys, values = self._held[2 * layer], self._held[2 * layer + 1]
        rows = zip(queries.split_with_sizes(self._sizes), keys, values, self._masks, strict=True)
        seen = [_attend_row(*row, scaling) for row in rows]
        return torch.cat(seen) if len(seen) > 1 else seen[0]


def _mask(slot: torch.Tensor, start: int, end: int) -> torch.Tensor | None:
    if end - start == 1 or not start:
        return None
    later = torch.arange(end, device=slot.device) > torch.arange(start, end, device=slot.device).unsqueeze(1)
    return torch.zeros(later.shape, dtype=slot.dtype, device=slot.device).masked_fill_(later, -torch.inf)


def _attend_row(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None, scaling: float | None
) -> torch.Tensor:
    """[T, heads, head_dim] over [1, kv_heads, S, head_dim]; heads that share keys go together, without copies."""
    tokens, heads, head_dim = queries.shape
    kv_heads = keys.shape[1]
    if tokens == 1:
        grouped = queries.view(1, kv_heads, heads // kv_heads, head_dim)
        return scaled_dot_product_attention(grouped, keys, values, scale=scaling).view(1, heads * head_dim)
    grouped = queries.view(1, tokens, kv_heads, heads // kv_heads, head_dim).transpose(1, 2)
    causal = mask is None
    seen = [
        scaled_dot_product_attention(each, keys, values, attn_mask=mask, is_causal=causal, scale=scaling)
        for each in grouped.unbind(3)  # (1, kv_heads, T, head_dim)
    ]
    return torch.stack(seen, 2).flatten(1, 2).transpose(1, 2).reshape(tokens, heads * head_dim)
