"""Tiny models of several architectures with random weights, and what `generate` says with them."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    GemmaConfig,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
)

from core.lm.local.batch import Batch, Job
from core.lm.local.loading import SHIPPED

VOCABULARY = 512
SHAPE: dict[str, Any] = dict(
    vocab_size=VOCABULARY,
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=2048,
    initializer_range=0.2,
    pad_token_id=0,
    bos_token_id=None,
    eos_token_id=None,
)


def shape(**other: Any) -> dict[str, Any]:
    """SHAPE, with some of it otherwise."""
    return {**SHAPE, **other}


CONFIGS = {
    "llama": LlamaConfig(**SHAPE),
    "qwen2": Qwen2Config(**SHAPE),
    "qwen3": Qwen3Config(**SHAPE, head_dim=32),
    "mistral": MistralConfig(**SHAPE, sliding_window=None),
    "gemma": GemmaConfig(**SHAPE, head_dim=32),
    "phi3": Phi3Config(**SHAPE),
}


def tiny(name: str) -> Any:
    """The same weights at every call; "shipped" are those that ship, in float32."""
    if name == "shipped":
        return AutoModelForCausalLM.from_pretrained(SHIPPED, dtype=torch.float32).eval()
    torch.manual_seed(7)
    return AutoModelForCausalLM.from_config(deepcopy(CONFIGS[name])).eval()


def random_prompts(number: int, lengths: Sequence[int], vocabulary: int = VOCABULARY) -> list[list[int]]:
    dice = torch.Generator().manual_seed(5)
    return [
        torch.randint(3, vocabulary, (lengths[at % len(lengths)],), generator=dice).tolist() for at in range(number)
    ]


@torch.inference_mode()
def generated(model: Any, prompt: Sequence[int], tokens: int) -> list[int]:
    """The greedy answer of `generate`, alone; the end token is no end. The likeliest token has to be so by far more
    than float32 rounds, else there would be two right answers.
    """
    ids = torch.tensor([list(prompt)])
    made = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=tokens,
        do_sample=False,
        eos_token_id=None,
        output_logits=True,
        return_dict_in_generate=True,
    )
    logits = torch.cat(made.logits)
    best, second = logits.topk(2).values.unbind(1)
    assert ((best - second) / logits.std(1)).min() > 1e-4, "a tie: take another seed"
    return made.sequences[0, len(prompt) :].tolist()


class Chat:
    """A job's answer as it comes."""

    def __init__(self, batch: Batch, ids: Sequence[int], tokens: int, channel: str = "", **more: Any) -> None:
        self.said: list[int] = []
        self.ends: list[BaseException | None] = []
        self.job = Job(ids, tokens, lambda token: self.said.append(token) is None, self.ends.append, channel, **more)
        batch.submit(self.job)


def finish(batch: Batch) -> None:
    while batch.busy:
        batch.step()
