"""Models in the shapes of real ones with random weights: what they say is noise, how long it takes is not."""

import random
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

SHAPES: dict[str, Any] = {
    # Qwen/Qwen2-0.5B, config.json: 494 M parameters
    "Qwen2-0.5B": Qwen2Config(
        vocab_size=151_936,
        hidden_size=896,
        intermediate_size=4864,
        num_hidden_layers=24,
        num_attention_heads=14,
        num_key_value_heads=2,
        max_position_embeddings=32_768,
        tie_word_embeddings=True,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
    ),
    # HuggingFaceTB/SmolLM-135M, config.json: 135 M parameters
    "SmolLM-135M": LlamaConfig(
        vocab_size=49_152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
    ),
    # Not a real one: for a look at whether the benchmarks run.
    "tiny": Qwen2Config(
        vocab_size=3026,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    ),
}


def random_model(shape: str, dtype: torch.dtype = torch.float32) -> Any:
    """The same weights at every call; no token ends an answer."""
    torch.manual_seed(7)
    config = SHAPES[shape].__class__(**SHAPES[shape].to_dict())
    config.bos_token_id = config.eos_token_id = config.pad_token_id = None
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None
    return model.to(dtype)


def prompt(tokens: int, number: int = 0, vocabulary: int = 3000) -> list[int]:
    """So many token ids, of each number its own."""
    dice = random.Random(f"{tokens}-{number}")
    return [dice.randrange(3, vocabulary) for _ in range(tokens)]
