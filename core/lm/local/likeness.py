"""Reads off a transformers model how it computes and where its weights are, if its layers are of Llama's kind."""

from collections.abc import Sequence
from copy import deepcopy
from math import sqrt
from typing import Any

import torch
from torch.nn.utils import skip_init

from core.lm.local.attention import Unservable
from core.lm.local.blueprint import Layers
from core.lm.local.fused import ACTIVATIONS

_INNER = {"embed_tokens", "layers", "norm", "rotary_emb"}
_LAYER = {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"}
_ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
_HEAD_NORMS = {"q_norm", "k_norm"}
_MLP = {"gate_proj", "up_proj", "down_proj", "act_fn"}
_TOLD = {
    "config", "hidden_size", "intermediate_size", "layer_idx", "layer_type", "head_dim", "num_key_value_groups",
    "scaling", "attention_dropout", "is_causal", "sliding_window", "training",
}  # fmt: skip
"""What such a layer is told about itself. Whatever else one knows may mean that it computes more."""


def layers_of(model: Any) -> Layers:
    """How a transformers causal model with weights computes; raises Unservable where its layers are of another kind.

    What is read here may still be less than it does: `trial` compares.
    """
    inner = model.base_model
    if not all(hasattr(inner, name) for name in _INNER):
        raise Unservable("it is not built like Llama")
    kinds = {_kind(own) for own in inner.layers}
    if len(kinds) != 1:
        raise Unservable("its layers differ")
    first, rotary = inner.layers[0], inner.rotary_emb
    heads, kv_heads, head_dim, head_norms, scaling = kinds.pop()
    angles: list[float] = rotary.inv_freq.float().tolist()
    if len(angles) * 2 != head_dim or getattr(rotary, "rope_type", "default") == "dynamic":
        raise Unservable("its positions turn otherwise")
    norm = first.input_layernorm
    return Layers(
        count=len(inner.layers),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        head_norms=head_norms,
        scaling=scaling,
        eps=(eps := float(getattr(norm, "variance_epsilon", None) or norm.eps)),
        gain_offset=_gain_offset(norm, eps),
        activation=_activation(first.mlp.act_fn),
        angles=tuple(angles),
        angle_scaling=float(rotary.attention_scaling),
        embedding_scale=_embedding_scale(inner.embed_tokens),
    )


class ModelWeights:
    """Those of a transformers model. Linears that are joined share their memory with the model's own."""

    def __init__(self, model: Any) -> None:
        self.dtype: torch.dtype = model.dtype
        self._model = model

    def words(self) -> torch.nn.Parameter:
        """The embeddings as they are."""
        return self._model.get_input_embeddings().weight

    def head(self) -> Any:
        """The model's own."""
        return self._model.get_output_embeddings()

    def vector(self, name: str) -> torch.Tensor:
        """The weight of a norm."""
        return self._model.base_model.get_submodule(name).weight.detach()

    def linear(self, names: Sequence[str]) -> Any:
        """The model's own, or one whose rows several have from now on; raises Unservable."""
        linears = [self._model.base_model.get_submodule(name) for name in names]
        if len(linears) == 1:
            return linears[0]
        if (
            any(type(each) is not torch.nn.Linear for each in linears)
            or len({each.bias is None for each in linears}) > 1
        ):
            raise Unservable("its Linears are of another kind")
        first, sizes = linears[0], [each.out_features for each in linears]
        like: dict[str, Any] = {"device": first.weight.device, "dtype": first.weight.dtype}
        whole: Any = skip_init(torch.nn.Linear, first.in_features, sum(sizes), bias=first.bias is not None, **like)
        for name, joined in whole.named_parameters():
            joined.requires_grad_(False)
            for each, rows in zip(linears, joined.split(sizes), strict=True):
                own = getattr(each, name)
                rows.copy_(own.detach())
                own.data = rows
        return whole


def _kind(own: Any) -> tuple[int, int, int, bool, float]:
    """Heads, heads of keys, numbers of a head, whether heads have norms, scaling; raises Unservable."""
    attention, mlp = own.self_attn, own.mlp
    parts = [{name for name, _ in each.named_children()} for each in (own, attention, mlp)]
    if parts not in ([_LAYER, _ATTENTION, _MLP], [_LAYER, _ATTENTION | _HEAD_NORMS, _MLP]):
        raise Unservable("its layers have other parts than Llama's")
    told = {name for each in (own, attention, mlp) for name in vars(each) if not name.startswith("_")}
    if told - _TOLD:
        raise Unservable(f"its layers know of {', '.join(sorted(told - _TOLD))}")
    size: int = attention.head_dim
    heads, kv_heads = attention.q_proj.out_features // size, attention.k_proj.out_features // size
    return heads, kv_heads, size, "q_norm" in parts[1], float(attention.scaling)


def _gain_offset(norm: Any, eps: float) -> float:
    """What a norm adds to its weight before it multiplies by it: Gemma's adds one. Raises Unservable."""
    weight = norm.weight.detach().float()
    with torch.no_grad():
        added = deepcopy(norm).float()(torch.ones_like(weight)) * sqrt(1 + eps) - weight
    offset = float(added.mean().round())
    if float((added - offset).abs().max()) > 1e-3:
        raise Unservable("its norms are of another kind")
    return offset


def _activation(function: Any) -> str:
    states = torch.linspace(-4, 4, 65)
    for name, ours in ACTIVATIONS.items():
        if torch.allclose(function(states), ours(states), atol=1e-6):
            return name
    raise Unservable("its activation is another")


def _embedding_scale(embed: Any) -> float:
    """What it multiplies words by; raises Unservable."""
    ids = torch.arange(min(8, embed.num_embeddings), device=embed.weight.device)
    with torch.no_grad():
        given, kept = embed(ids).float(), embed.weight[ids].float()
    scale = float(given.norm() / kept.norm())
    scale = 1.0 if abs(scale - 1) < 1e-6 else scale
    if not torch.allclose(given, kept * scale, rtol=0.02):
        raise Unservable("its embeddings are of another kind")
    return scale
