"""The layers of an ordinary decoder in few operations: Llama's, and those of all who followed it.

The weights of a small model are read so soon that starting operations takes as long: some sixty a layer as transformers
computes it, here about twenty. The numbers are the same but for rounding, which `Decoder` tries out.
"""

from collections.abc import Sequence
from copy import deepcopy
from math import sqrt
from typing import Any

import torch
from torch.linalg import vector_norm
from torch.nn.utils import skip_init

from core.lm.local.attention import Forward, Unservable
from core.lm.local.packed import Packed
from core.lm.local.prepacking import JOINED

_LAYER = {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"}
_ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
_HEAD_NORMS = {"q_norm", "k_norm"}
_MLP = {"gate_proj", "up_proj", "down_proj", "act_fn"}
_TOLD = {
    "config", "hidden_size", "intermediate_size", "layer_idx", "layer_type", "head_dim", "num_key_value_groups",
    "scaling", "attention_dropout", "is_causal", "sliding_window", "training",
}  # fmt: skip
"""What such a layer is told about itself. Whatever else one knows may mean that it computes more."""


class Fused:
    """The model's forward over slots, by layers of our own. The model is as it was until `take_over`."""

    def __init__(self, model: Any, rows: Forward) -> None:
        """`model` is a transformers causal model; raises Unservable where its layers are of another kind."""
        inner = model.base_model
        if not all(hasattr(inner, name) for name in ("embed_tokens", "layers", "norm", "rotary_emb")):
            raise Unservable("it is not built like Llama")
        self._model = model
        self._layers = [_Layer(own, rows) for own in inner.layers]

    def take_over(self) -> None:
        """Put the layers into the model, where its weights are looked for; its own are freed."""
        self._model.base_model.layers = torch.nn.ModuleList(self._layers)

    def give_back(self) -> None:
        """Nothing: the model is as it was."""

    def logits(self, ids: torch.Tensor, positions: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """As `Whole.logits` has it."""
        inner = self._model.base_model
        states = inner.embed_tokens(ids)
        angles = inner.rotary_emb(states.unsqueeze(0), positions.unsqueeze(0))
        cos, sin = self._layers[0].turns(*angles)
        for layer in self._layers:
            states = layer.forward(states, cos, sin)
        return self._model.get_output_embeddings()(inner.norm(states[last]))


class _Layer(torch.nn.Module):
    """One layer. Linears of the same input are one, whose weights the original ones share until they are freed."""

    def __init__(self, own: Any, rows: Forward) -> None:
        super().__init__()
        attention, mlp = own.self_attn, own.mlp
        parts = [{name for name, _ in each.named_children()} for each in (own, attention, mlp)]
        if parts not in ([_LAYER, _ATTENTION, _MLP], [_LAYER, _ATTENTION | _HEAD_NORMS, _MLP]):
            raise Unservable("its layers have other parts than Llama's")
        told = {name for each in (own, attention, mlp) for name in vars(each) if not name.startswith("_")}
        if told - _TOLD:
            raise Unservable(f"its layers know of {', '.join(sorted(told - _TOLD))}")
        self._rows = rows
        self._at: int = attention.layer_idx
        self._scaling: float = attention.scaling
        self._head_dim: int = attention.head_dim
        self._heads = attention.q_proj.out_features // self._head_dim
        self._kv_heads = attention.k_proj.out_features // self._head_dim
        self.qkv, self.gate_up = _joined(attention, JOINED[0]), _joined(mlp, JOINED[1])
        self.out = _alone(attention.o_proj)
        self.down = _alone(mlp.down_proj)
        self._activation = mlp.act_fn.forward
        self._before_attention = _Norm(own.input_layernorm)
        self._before_mlp = _Norm(own.post_attention_layernorm)
        self._of_heads: _Norm | None = None
        if "q_norm" in parts[1]:
            self._of_heads = _Norm(attention.q_norm, attention.k_norm, heads=(self._heads, self._kv_heads))
        norms = [norm for norm in (self._before_attention, self._before_mlp, self._of_heads) if norm is not None]
        self.gains = torch.nn.ParameterList(torch.nn.Parameter(norm.gain, requires_grad=False) for norm in norms)

    def turns(self, cos: torch.Tensor, sin: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rotary angles (Su et al. 2021, arXiv 2104.09864), [1, T, head_dim], for queries, keys and values together,
        [T, heads + 2 kv_heads, head_dim].

        Values stay as they are. The first half's sines are negative, so that a head is turned by its halves' exchange.
        """
        turning, staying = self._heads + self._kv_heads, self._kv_heads
        half = self._head_dim // 2
        cos, sin = cos[0].unsqueeze(1), torch.cat((-sin[0, :, :half], sin[0, :, half:]), -1).unsqueeze(1)
        cos = torch.cat((cos.expand(-1, turning, -1), torch.ones_like(cos).expand(-1, staying, -1)), 1)
        return cos, torch.cat((sin.expand(-1, turning, -1), torch.zeros_like(sin).expand(-1, staying, -1)), 1)

    def forward(self, states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        """[T, hidden] to [T, hidden]."""
        # Linears are asked by `forward`, without the calls that a Module puts around it for hooks.
        tokens, turning = len(states), self._heads + self._kv_heads
        heads = self.qkv.forward(self._before_attention(states)).view(tokens, -1, self._head_dim)
        if self._of_heads is not None:
            heads = torch.cat((self._of_heads(heads[:, :turning]), heads[:, turning:]), 1)
        heads = (heads * cos).addcmul_(heads.roll(self._head_dim // 2, -1), sin)
        fresh = heads[:, self._heads :].view(tokens, 2, self._kv_heads, self._head_dim)
        self._rows.write(self._at, fresh.permute(1, 2, 0, 3))
        seen = self._rows.attend(self._at, heads[:, : self._heads], self._scaling)
        states = self.out.forward(seen).add_(states)
        gate, up = self.gate_up.forward(self._before_mlp(states)).chunk(2, -1)
        return self.down.forward(self._activation(gate).mul_(up)).add_(states)


class _Norm:
    """An RMS norm (Zhang and Sennrich 2019, arXiv 1910.07467); several lie side by side, each over so many heads."""

    def __init__(self, *own: Any, heads: Sequence[int] = (1,)) -> None:
        eps: float = getattr(own[0], "variance_epsilon", None) or own[0].eps
        gains = [_gain(norm, eps).expand(each, -1) for norm, each in zip(own, heads, strict=True)]
        self.gain = torch.cat(gains)
        self._share = 1 / self.gain.shape[-1]
        self._eps = self.gain.new_tensor(eps)

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        """Of the same shape, [T, width] or [T, heads, width]."""
        length = vector_norm(states, dim=-1, keepdim=True, dtype=torch.float32)
        scale = torch.addcmul(self._eps, length, length, value=self._share).rsqrt_()
        return (states * scale).mul_(self.gain).to(states.dtype)


def _gain(norm: Any, eps: float) -> torch.Tensor:
    """What a norm multiplies by, float32[width]: not every one's is its weight (Gemma's is one more)."""
    with torch.no_grad():
        return deepcopy(norm).float()(torch.ones_like(norm.weight, dtype=torch.float32)) * sqrt(1 + eps)


def _alone(linear: Any) -> Any:
    return Packed.read([linear]) if isinstance(linear, Packed) else linear


def _joined(own: Any, names: Sequence[str]) -> Any:
    """A Linear that gives theirs side by side. They share its memory from now on."""
    linears = [getattr(own, name) for name in names]
    if all(isinstance(each, Packed) for each in linears):
        return Packed.read(linears)
    if any(type(each) is not torch.nn.Linear for each in linears) or len({each.bias is None for each in linears}) > 1:
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
