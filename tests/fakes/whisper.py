"""A multilingual Whisper with random weights, for faster-whisper: it hears nonsense by the same way as a real one."""

import json
from pathlib import Path
from typing import Any

_TEXT_TOKENS = 50_257
_LANGUAGES = 99
"""openai/whisper, tokenizer.py: text, end, start, 99 languages, six tasks, 1,501 times."""


def make_whisper(folder: Path, *, width: int = 64, layers: int = 2) -> Path:
    """Write a model folder as CTranslate2 has it."""
    import torch
    from ctranslate2.converters import TransformersConverter
    from faster_whisper.tokenizer import _LANGUAGE_CODES
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    names = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in _LANGUAGE_CODES[:_LANGUAGES])]
    names += [
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
    ]
    names += [f"<|{0.02 * step:.2f}|>" for step in range(1501)]
    ids = {name: _TEXT_TOKENS + number for number, name in enumerate(names)}
    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=_TEXT_TOKENS + len(names),
        d_model=width,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|endoftext|>"],
        pad_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"],
    )
    model = WhisperForConditionalGeneration(config)
    generation: Any = model.generation_config  # Whisper's own settings are none that transformers declares
    generation.no_timestamps_token_id = ids["<|notimestamps|>"]
    generation.lang_to_id = {name: ids[name] for name in names[2 : 2 + _LANGUAGES]}
    generation.is_multilingual = True
    generation.suppress_tokens = [ids[name] for name in names[1 + _LANGUAGES : 107]]
    generation.begin_suppress_tokens = [ids["<|endoftext|>"]]
    source = folder / "source"
    model.save_pretrained(source)
    words = {f"w{number}": number for number in range(_TEXT_TOKENS)}
    added = [
        {"id": id, "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True}
        for name, id in ids.items()
    ]  # fmt: skip
    tokenizer = {
        "version": "1.0",
        "added_tokens": added,
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "w0"},
    }
    (source / "tokenizer.json").write_text(json.dumps(tokenizer))
    (source / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    (source / "preprocessor_config.json").write_text(json.dumps({"feature_size": 80, "sampling_rate": 16000}))
    converter = TransformersConverter(str(source), copy_files=["tokenizer.json", "preprocessor_config.json"])
    return Path(converter.convert(str(folder / "whisper"), quantization="int8"))
