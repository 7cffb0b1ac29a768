"""Models without weights: the whole of one, and a small one of the same kind on which its layers are tried."""

from copy import deepcopy
from typing import Any

import torch
from transformers import AutoModelForCausalLM

_LAYERS, _WIDTH, _WORDS = 2, 256, 512


def skeleton(config: Any) -> Any:
    """A model of this config in eval mode whose parameters take no memory; what it computes for itself is there."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    for module in model.modules():
        own = {name: each for name, each in module.named_buffers(recurse=False) if each.is_meta}
        for name, each in own.items():
            setattr(module, name, torch.empty_like(each, device="cpu"))
        if own:
            model._init_weights(module)
    return model.eval()


def small(config: Any) -> Any:
    """A float32 model of the same layers, heads, norms and turns with weights by chance: fewer layers and words."""
    like = deepcopy(config)
    like.num_hidden_layers = min(_LAYERS, config.num_hidden_layers)
    like.intermediate_size = min(_WIDTH, config.intermediate_size)
    like.vocab_size = min(_WORDS, config.vocab_size)
    like.bos_token_id = like.eos_token_id = like.pad_token_id = None
    if getattr(like, "layer_types", None):
        like.layer_types = like.layer_types[: like.num_hidden_layers]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(like, dtype=torch.float32)
        for each in model.parameters():
            if each.ndim == 1:  # else all biases were 0 and all gains 1, and nobody would see that one is left out
                torch.nn.init.uniform_(each, 0.5, 1.5)
    return model.eval()
