"""The layers of an ordinary decoder in few operations: Llama's, and those of all who followed it.

The weights of a small model are read so soon that starting operations takes as long: some sixty a layer as transformers
computes it, here about twenty. The numbers are the same but for rounding, which `trial` tries out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch.linalg import vector_norm
from torch.nn.functional import embedding, gelu, relu, silu

from core.lm.local.attention import BatchView
from core.lm.local.blueprint import Layers

ACTIVATIONS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "silu": silu,
    "gelu": gelu,
    "gelu_tanh": lambda states: gelu(states, approximate="tanh"),
    "relu": relu,
}
QKV = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
GATE_UP = ("mlp.gate_proj", "mlp.up_proj")


class Weights(Protocol):
    """Where the numbers come from, by transformers' names without what stands before `layers`."""

    dtype: torch.dtype
    """What is computed in."""

    def words(self) -> torch.nn.Parameter:
        """[vocabulary, width], in any type."""
        ...

    def head(self) -> Any:
        """The Linear from the last states to the vocabulary."""
        ...

    def linear(self, names: Sequence[str]) -> Any:
        """One Linear that gives what theirs give side by side."""
        ...

    def vector(self, name: str) -> torch.Tensor:
        """The weight of a norm."""
        ...


class Fused(torch.nn.Module):
    """A model's forward over slots."""

    def __init__(self, plan: Layers, weights: Weights, view: BatchView) -> None:
        super().__init__()
        self.words = weights.words()
        self.layers = torch.nn.ModuleList(_Layer(plan, weights, view, at) for at in range(plan.count))
        self.head = weights.head()
        self._norm = _Norm(plan, weights.vector("norm"))
        self.gain = torch.nn.Parameter(self._norm.gain, requires_grad=False)
        device = self._norm.gain.device
        self._dtype = weights.dtype
        self._turning, self._staying = plan.heads + plan.kv_heads, plan.kv_heads
        self._angles = torch.tensor(plan.angles, device=device)
        self._angle_scaling = plan.angle_scaling
        scale = torch.tensor(plan.embedding_scale, dtype=self._dtype, device=device)
        self._scale = None if plan.embedding_scale == 1 else scale

    @property
    def weights(self) -> torch.nn.Module:
        """Itself."""
        return self

    def logits(self, ids: torch.Tensor, positions: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """As `Net.logits` has it."""
        states = embedding(ids, self.words).to(self._dtype)
        if self._scale is not None:
            states = states * self._scale
        cos, sin = self._turns(positions)
        for layer in self.layers:
            states = layer.forward(states, cos, sin)
        return self.head(self._norm(states[last]))

    def _turns(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rotary angles (Su et al. 2021, arXiv 2104.09864) for queries, keys and values together, [T, heads + 2
        kv_heads, head_dim].

        Values stay as they are. The first half's sines are negative, so that a head is turned by its halves' exchange.
        """
        angles = positions.unsqueeze(1) * self._angles  # (T, head_dim / 2)
        cos, sin = angles.cos() * self._angle_scaling, angles.sin() * self._angle_scaling
        cos = torch.cat((cos, cos), -1).to(self._dtype).unsqueeze(1)
        sin = torch.cat((-sin, sin), -1).to(self._dtype).unsqueeze(1)
        turning, staying = self._turning, self._staying
        cos = torch.cat((cos.expand(-1, turning, -1), torch.ones_like(cos).expand(-1, staying, -1)), 1)
        return cos, torch.cat((sin.expand(-1, turning, -1), torch.zeros_like(sin).expand(-1, staying, -1)), 1)


class _Layer(torch.nn.Module):
    """One layer. Linears of the same input are one."""

    def __init__(self, plan: Layers, weights: Weights, view: BatchView, at: int) -> None:
        super().__init__()

        def norm(*names: str, heads: Sequence[int] = (1,)) -> _Norm:
            return _Norm(plan, *(weights.vector(f"layers.{at}.{name}") for name in names), heads=heads)

        def linear(*names: str) -> Any:
            return weights.linear([f"layers.{at}.{name}" for name in names])

        self._view, self._at = view, at
        self._scaling, self._head_dim = plan.scaling, plan.head_dim
        self._heads, self._kv_heads = plan.heads, plan.kv_heads
        self._activation = ACTIVATIONS[plan.activation]
        self.qkv, self.out = linear(*QKV), linear("self_attn.o_proj")
        self.gate_up, self.down = linear(*GATE_UP), linear("mlp.down_proj")
        self._before_attention, self._before_mlp = norm("input_layernorm"), norm("post_attention_layernorm")
        self._of_heads: _Norm | None = None
        if plan.head_norms:
            self._of_heads = norm("self_attn.q_norm", "self_attn.k_norm", heads=(self._heads, self._kv_heads))
        norms = [norm for norm in (self._before_attention, self._before_mlp, self._of_heads) if norm is not None]
        self.gains = torch.nn.ParameterList(torch.nn.Parameter(norm.gain, requires_grad=False) for norm in norms)

    def forward(self, states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        """[T, hidden] to [T, hidden]."""
        # Linears are asked by `forward`, without the calls that a Module puts around it for hooks.
        tokens, turning = len(states), self._heads + self._kv_heads
        heads = self.qkv.forward(self._before_attention(states)).view(tokens, -1, self._head_dim)
        if self._of_heads is not None:
            heads = torch.cat((self._of_heads(heads[:, :turning]), heads[:, turning:]), 1)
        heads = (heads * cos).addcmul_(heads.roll(self._head_dim // 2, -1), sin)
        fresh = heads[:, self._heads :].view(tokens, 2, self._kv_heads, self._head_dim)
        self._view.write(self._at, fresh.permute(1, 2, 0, 3))
        seen = self._view.attend(self._at, heads[:, : self._heads], self._scaling)
        states = self.out.forward(seen).add_(states)
        gate, up = self.gate_up.forward(self._before_mlp(states)).chunk(2, -1)
        return self.down.forward(self._activation(gate).mul_(up)).add_(states)


class _Norm:
    """An RMS norm (Zhang and Sennrich 2019, arXiv 1910.07467); several lie side by side, each over so many heads."""

    def __init__(self, plan: Layers, *weights: torch.Tensor, heads: Sequence[int] = (1,)) -> None:
        gains = [each.float() + plan.gain_offset for each in weights]
        self.gain = torch.cat([gain.expand(each, -1) for gain, each in zip(gains, heads, strict=True)])
        self._share = 1 / self.gain.shape[-1]
        self._eps = self.gain.new_tensor(plan.eps)

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        """Of the same shape, [T, width] or [T, heads, width]."""
        length = vector_norm(states, dim=-1, keepdim=True, dtype=torch.float32)
        scale = torch.addcmul(self._eps, length, length, value=self._share).rsqrt_()
        return (states * scale).mul_(self.gain).to(states.dtype)
