"""What a GGUF file is in transformers' words: the config, the tokenizer, the generation settings and the weights."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from tokenizers import pre_tokenizers
from transformers import AutoConfig, GenerationConfig, PreTrainedTokenizerFast
from transformers.integrations.gguf.gguf_tokenizer_mapping import convert_gguf_tokenizer, get_gguf_tokenizer

from core.lm.local.gguf_file import GgufFile
from core.lm.local.packs import Unreadable

READABLE = ("llama", "qwen2", "qwen3")
"""Architectures by llama.cpp's names; Mistral and SmolLM2 are llama there."""
_ENDS = {
    "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|end_of_text|>", "<end_of_turn>", "</s>",
}  # fmt: skip
"""Tokens that end an answer by their names, as in llama.cpp (llama-vocab.cpp): a file names only one of them."""
_CONTROL = 3
_DIGITS_ALONE = {"smollm"}
"""Kinds of words that transformers does not know: each digit is one."""


class GgufModel:
    """Looks like a folder of weights to `packing`."""

    def __init__(self, path: Path) -> None:
        """Raises Unreadable."""
        self._file = GgufFile(path)
        self._path = path
        self.config = self._config()
        self.dtype = torch.bfloat16 if self._file.halves else torch.float32
        kind = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}[self._file.architecture]
        self._names = gguf.get_tensor_name_map(kind, self.config.num_hidden_layers)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all weights of `config`'s model that the file has, by transformers' names. Raises Unreadable."""
        from core.lm.local.skeleton import skeleton

        own = {self._own(name): name for name in skeleton(self.config).state_dict()}
        more = self._file.tensors.keys() - own.keys() - {"rope_freqs.weight"}
        if more:
            raise Unreadable(f"it holds tensors that {self._file.architecture} has not: {', '.join(sorted(more)[:3])}")
        return {own[name]: stored.shape for name, stored in self._file.tensors.items() if name in own}

    def rows(self, name: str, start: int, stop: int) -> torch.Tensor:
        """Rows of a weight, float32[stop - start, width]."""
        heads = self._turned_heads(name)
        if not heads:
            return torch.from_numpy(self._file.rows(self._own(name), start, stop))
        # llama.cpp turns neighbouring pairs of a head, transformers its halves (convert_hf_to_gguf.py: permute).
        stored = self._file.tensors[self._own(name)]
        vector = len(stored.shape) == 1
        numbers = self._file.rows(self._own(name), 0, 1 if vector else stored.shape[0]).reshape(stored.shape)
        pairs = numbers.reshape(heads, len(numbers) // heads // 2, 2, -1)
        turned = np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(1 if vector else len(numbers), -1)
        return torch.from_numpy(turned[start:stop])

    def tokenizer(self) -> Any:
        """The tokenizer with its chat template; raises Unreadable."""
        try:
            architecture, words, settings = get_gguf_tokenizer(str(self._path))
            backend, _ = convert_gguf_tokenizer(architecture, words)
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(f"its tokenizer cannot be read ({error})") from error
        if words.get("pre_tokenizer_type") in _DIGITS_ALONE:
            digits, level = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)
            backend.pre_tokenizer = pre_tokenizers.Sequence([digits, level])
        return PreTrainedTokenizerFast(tokenizer_object=backend, **settings)

    def generation(self) -> GenerationConfig:
        """Which tokens end an answer; a file says nothing of sampling."""
        said = self._file.metadata
        words, kinds = said.get("tokenizer.ggml.tokens", []), said.get("tokenizer.ggml.token_type", [])
        ends = {
            at for at, (word, kind) in enumerate(zip(words, kinds, strict=False)) if kind == _CONTROL and word in _ENDS
        }
        ends |= {said[key] for key in ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id") if key in said}
        return GenerationConfig(eos_token_id=sorted(ends) or None, pad_token_id=self.config.pad_token_id)

    def _config(self) -> Any:
        get, said, architecture = self._file.get, self._file.metadata, self._file.architecture
        if architecture not in READABLE:
            raise Unreadable(f"it is of the architecture {architecture!r}, and {', '.join(READABLE)} can be read")
        if get("expert_count") or get("attention.sliding_window") or said.get("split.count", 1) > 1:
            raise Unreadable("models of experts, with sliding windows or in several files cannot be read")
        try:
            heads, width = get("attention.head_count"), get("embedding_length")
            positions: int = get("context_length")
            settings = dict(
                hidden_size=width,
                intermediate_size=get("feed_forward_length"),
                num_hidden_layers=get("block_count"),
                num_attention_heads=heads,
                num_key_value_heads=get("attention.head_count_kv", heads),
                head_dim=get("attention.key_length") or get("rope.dimension_count") or width // heads,
                rms_norm_eps=get("attention.layer_norm_rms_epsilon"),
                max_position_embeddings=positions,
                vocab_size=self._file.tensors["token_embd.weight"].shape[0],
            )
        except (KeyError, TypeError) as error:
            raise Unreadable("what its config needs is missing") from error
        if missing := [name for name, value in settings.items() if not isinstance(value, int | float)]:
            raise Unreadable(f"it does not say its {', '.join(missing)}")
        if architecture == "qwen2" and settings.pop("head_dim") * heads != width:
            raise Unreadable("its heads are of another size than Qwen2's")
        return AutoConfig.for_model(
            architecture,
            **settings,
            rope_parameters=self._rope(positions),
            tie_word_embeddings="output.weight" not in self._file.tensors,
            **({} if architecture == "qwen2" else {"attention_bias": "blk.0.attn_q.bias" in self._file.tensors}),
            **{f"{name}_token_id": said.get(f"tokenizer.ggml.{key}_token_id") for name, key in _TOKENS},
        )

    def _rope(self, positions: int) -> dict[str, Any]:
        """How positions turn; raises Unreadable."""
        rope = {"rope_type": "default", "rope_theta": self._file.get("rope.freq_base", 10_000.0)}
        scaling = self._file.get("rope.scaling.type", "none")
        if scaling == "linear":
            return {**rope, "rope_type": "linear", "factor": self._file.get("rope.scaling.factor", 1.0)}
        if scaling != "none":
            raise Unreadable(f"its positions are scaled by {scaling}, and only linear can be read")
        if "rope_freqs.weight" not in self._file.tensors:
            return rope
        # Llama 3.1 and later: what each frequency is divided by is stored as a tensor. The same for short and long.
        factors = self._file.rows("rope_freqs.weight", 0, 1)[0].tolist()
        more = {"short_factor": factors, "long_factor": factors, "original_max_position_embeddings": positions}
        return {**rope, "rope_type": "longrope", "attention_factor": 1.0, **more}

    def _own(self, name: str) -> str:
        """The file's name for one of transformers'."""
        stem, _, suffix = name.rpartition(".")
        return f"{self._names.get_name(stem) or '?'}.{suffix}"

    def _turned_heads(self, name: str) -> int:
        """How many heads of a weight are turned in pairs; 0 where none is."""
        if self._file.architecture != "llama":
            return 0
        if ".q_proj." in name:
            return self.config.num_attention_heads
        return self.config.num_key_value_heads if ".k_proj." in name else 0


_TOKENS = (("bos", "bos"), ("eos", "eos"), ("pad", "padding"))
