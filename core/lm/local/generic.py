"""Slots for a model as transformers computes it: a cache layer and an attention that hand over to `BatchView`."""

from typing import Any

import torch
from transformers import AttentionInterface, Cache
from transformers.cache_utils import CacheLayerMixin

from core.lm.local.attention import BatchView

ATTENTION = "parley_slots"
"""The name of `attend` among transformers' attention functions."""


class Whole:
    """The model's own forward over slots: its attention knows nothing else until `give_back`."""

    def __init__(self, model: Any, layers: int, view: BatchView) -> None:
        """`model` is a transformers causal model whose attention can be replaced."""
        self._model = model
        self._cache = Cache(layers=[SlotLayer(layer, view) for layer in range(layers)])
        self._before = model.config._attn_implementation
        model.set_attn_implementation(ATTENTION)

    @property
    def weights(self) -> torch.nn.Module:
        """The model."""
        return self._model

    def give_back(self) -> None:
        """Leave the model as it was."""
        self._model.set_attn_implementation(self._before)

    def logits(self, ids: torch.Tensor, positions: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """As `Net.logits` has it."""
        return self._model(
            input_ids=ids.unsqueeze(0),
            position_ids=positions.unsqueeze(0),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=last,
        ).logits[0]


class SlotLayer(CacheLayerMixin):
    """One layer's share of all slots. Hands `attend` its number and the view instead of tensors."""

    is_sliding = False

    def __init__(self, layer: int, view: BatchView) -> None:
        super().__init__()
        self._layer = layer
        self._view = view

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """Write new keys and values, [1, kv_heads, T, head_dim]."""
        self._view.write(self._layer, torch.cat((key_states, value_states)))
        return self._layer, self._view

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
    view: BatchView,
    attention_mask: None,
    scaling: float | None = None,
    **extras: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of new tokens, [1, heads, T, head_dim], over their own slots: [1, T, heads, head_dim].

    `layer` and `view` stand where transformers passes keys and values: they are what `SlotLayer.update` gave.
    Raises ValueError for what this cannot do.
    """
    unknown = [name for name in ("sliding_window", "softcap", "s_aux", "position_bias") if extras.get(name) is not None]
    if unknown:
        raise ValueError(f"attention with {', '.join(unknown)}")
    queries = query[0].transpose(0, 1)
    return view.attend(layer, queries, scaling).view(1, *queries.shape), None


AttentionInterface.register(ATTENTION, attend)
