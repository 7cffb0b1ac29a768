"""The same weights as llama.cpp reads them: a GGUF file in Q8_0, its own eight bits."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf.quants import quantize


def write_gguf(model: Any, path: Path) -> None:
    """A Llama or Qwen2 of transformers, float32; without a tokenizer, for token ids come from elsewhere."""
    config = model.config
    heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
    writer = gguf.GGUFWriter(path, config.model_type)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_dimension_count(config.hidden_size // heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_tokenizer_model("none")
    arch = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}[config.model_type]
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        name = names.get_name(key, (".weight", ".bias"))
        assert name is not None, f"gguf has no name for {key}"
        values = tensor.numpy()
        if config.model_type == "llama" and "self_attn.q_proj" in key:
            values = _interleaved(values, heads)
        if config.model_type == "llama" and "self_attn.k_proj" in key:
            values = _interleaved(values, kv_heads)
        if values.ndim == 2:
            eight = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, quantize(values, eight), raw_dtype=eight)
        else:
            writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _interleaved(weight: Any, heads: int) -> Any:
    """llama.cpp turns neighbouring pairs of a head, transformers its halves (convert_hf_to_gguf.py: permute)."""
    split = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return np.ascontiguousarray(split.swapaxes(1, 2).reshape(weight.shape))
