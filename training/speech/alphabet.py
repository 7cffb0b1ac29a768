"""The micro-Whisper's tokens, in Whisper's order, and the files around its weights.

Text tokens come first (faster-whisper prints only ids below `<|endoftext|>`), then the special ones, then the 1,501
timestamps. With fewer than 51,865 tokens CTranslate2 takes the model for an English-only one, whose prompt is
`<|startoftranscript|><|notimestamps|>`.
"""

import json
import random as randomness
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import WhisperConfig

from training.speech import sentences

TEXT_TOKENS = 400
END, START, NO_TIMESTAMPS = "<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>"
_SPECIAL = (END, START, "<|en|>", "<|zh|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>",
            "<|nospeech|>", NO_TIMESTAMPS)  # fmt: skip
CHARACTERS = " abcdefghijklmnopqrstuvwxyz'"
"""Of the auxiliary CTC loss; 0 is its blank."""


def tokenizer() -> Tokenizer:
    """Byte-level BPE over what the grammar says, Whisper's special tokens behind it."""
    random = randomness.Random(0)
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TEXT_TOKENS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator((f" {sentences.sentence(random)}" for _ in range(20_000)), trainer)
    stamps = [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
    made.add_special_tokens([AddedToken(token, special=True) for token in (*_SPECIAL, *stamps)])
    return made


def id_of(words: Tokenizer, token: str) -> int:
    """The id of a token that the tokenizer has."""
    found = words.token_to_id(token)
    if found is None:
        raise KeyError(token)
    return found


def config(words: Tokenizer) -> WhisperConfig:
    """3.1 million parameters; the sizes that faster-whisper pads to stay Whisper's own."""
    end, start = id_of(words, END), id_of(words, START)
    made = WhisperConfig(
        vocab_size=words.get_vocab_size(),
        d_model=160,
        encoder_layers=4,
        decoder_layers=2,
        encoder_attention_heads=5,
        decoder_attention_heads=5,
        encoder_ffn_dim=640,
        decoder_ffn_dim=640,
        num_mel_bins=80,
        max_source_positions=1500,
        max_target_positions=448,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=start,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    # torch's fused attention takes 40 % of a training step on a CPU.
    made._attn_implementation = "eager"  # pyright: ignore[reportPrivateUsage]
    return made


def write_beside(folder: Path, words: Tokenizer) -> None:
    """tokenizer.json, preprocessor_config.json and generation_config.json, as CTranslate2's converter wants them."""
    words.save(str(folder / "tokenizer.json"))
    end = id_of(words, END)
    preprocessor = {
        "chunk_length": 30,
        "feature_extractor_type": "WhisperFeatureExtractor",
        "feature_size": 80,
        "hop_length": 160,
        "n_fft": 400,
        "n_samples": 480_000,
        "nb_max_frames": 3000,
        "padding_value": 0.0,
        "processor_class": "WhisperProcessor",
        "return_attention_mask": False,
        "sampling_rate": 16_000,
    }
    generation = {
        "no_timestamps_token_id": id_of(words, NO_TIMESTAMPS),
        "suppress_tokens": [],
        "begin_suppress_tokens": [end],
        "lang_to_id": {},
        "is_multilingual": False,
        "eos_token_id": end,
        "decoder_start_token_id": id_of(words, START),
        "max_length": 448,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=1))
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=1))
    slow = {"tokenizer_class": "WhisperTokenizerFast", "model_max_length": 448, "eos_token": END, "pad_token": END}
    (folder / "tokenizer_config.json").write_text(json.dumps({**slow, "bos_token": END, "unk_token": END}, indent=1))
