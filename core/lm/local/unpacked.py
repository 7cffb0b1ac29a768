"""Opens a folder of weights by transformers."""

from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from core.errors import SettingError
from core.lm.local.blueprint import MOST_TOKENS, Chat
from core.lm.local.quantization import Quantize, bfloat16_pays
from core.lm.local.sampling import Generation
from core.lm.local.tokenizer import Tokenizer
from core.telemetry import log

MOST_CONTEXT_TOKENS = 32_768
_LOG = log("lm")


def open_model(source: str, name: str, quantize: Quantize) -> tuple[Tokenizer, Generation, int, Any]:
    """Tokenizer, generation settings, context in tokens and the model in eval mode.

    SettingError("LM_MODEL") when it is something else.
    """
    disable_progress_bar()  # of reading weights, which takes a moment
    on_gpu = torch.cuda.is_available()
    try:
        tokenizer = chatting(AutoTokenizer.from_pretrained(source, local_files_only=True), name)
        own = AutoConfig.from_pretrained(source, local_files_only=True).dtype
        dtype = torch.bfloat16 if on_gpu else _cpu_type(own, quantize)
        model: Any = AutoModelForCausalLM.from_pretrained(source, local_files_only=True, dtype=dtype)
    except (ValueError, KeyError, RuntimeError, OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SettingError("LM_MODEL", got=repr(name), wants=f"a causal language model ({reason})") from error
    model.eval()
    if on_gpu:
        model.to("cuda")
    if quantize == "int8" and on_gpu:
        _LOG.warning("LM_QUANTIZE=int8 is for processors: on the GPU %s computes in bfloat16", name)
    context_tokens = min(positions(model.config), tokenizer.chat.most_tokens)
    return tokenizer, Generation.of(model.generation_config), context_tokens, model


def chatting(own: Any, name: str) -> Tokenizer:
    """What a transformers tokenizer does; SettingError without a chat template or a tokenizer.json."""
    if not own.chat_template:
        raise SettingError("LM_MODEL", got=repr(name), wants="a chat model: its tokenizer has no chat template")
    backend = getattr(own, "backend_tokenizer", None)
    if backend is None:
        raise SettingError("LM_MODEL", got=repr(name), wants="a model whose tokenizer is a tokenizer.json")
    named = {key: word for key, word in own.special_tokens_map.items() if isinstance(word, str)}
    most_tokens = int(min(own.model_max_length, MOST_TOKENS))
    return Tokenizer(backend, Chat(own.get_chat_template(), named, most_tokens))


def positions(config: Any) -> int:
    """Positions that a model knows, bounded so that one channel cannot take all memory."""
    config = config.get_text_config()
    known = getattr(config, "max_position_embeddings", None) or MOST_CONTEXT_TOKENS
    rope: Any = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") == "longrope":  # beyond, all positions turn otherwise, and what was kept is of no use
        known = min(known, rope["original_max_position_embeddings"])
    return int(min(known, MOST_CONTEXT_TOKENS))


def _cpu_type(own: Any, quantize: Quantize) -> Any:
    """What to compute in where the weights are stored as `own`: bfloat16 loses nothing only if they are that already.

    float16 on a CPU is slower than float32, and not all operations have it.
    """
    halves = quantize == "none" and own is torch.bfloat16 and bfloat16_pays()
    return torch.bfloat16 if halves else torch.float32
