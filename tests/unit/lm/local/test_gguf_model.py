"""GGUF files and what is packed: the numbers that transformers reads, kept once, and one sentence for a bad file."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from gguf.quants import quantize
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GgufConfig,
    LlamaConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode

from core.errors import SettingError
from core.lm.base import Request, Utterance, whole_text
from core.lm.local.batch import Batch
from core.lm.local.loading import SHIPPED, load
from core.lm.local.model import LocalModel
from core.lm.local.packs import MANIFEST, WEIGHTS, alone
from core.lm.local.quantization import Quantize
from core.lm.local.sampling import SamplingState
from core.lm.local.slots import Span
from core.values.sampling import Sampling
from tests.support.tiny import SHAPE, random_prompts

pytestmark = pytest.mark.slow

TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}<|im_end|>{% endfor %}assistant:"
WORDS = [*bytes_to_unicode().values(), "ab", "<|im_end|>", "<|endoftext|>"]
TINY: dict[str, Any] = {**SHAPE, "vocab_size": len(WORDS), "max_position_embeddings": 512, "pad_token_id": None}
CONFIGS = {
    "llama": LlamaConfig(**TINY, tie_word_embeddings=False),
    "llama tied": LlamaConfig(**TINY, tie_word_embeddings=True),
    "qwen2": Qwen2Config(**TINY, tie_word_embeddings=True),
    "qwen3": Qwen3Config(**TINY, head_dim=32, tie_word_embeddings=False),
}
KINDS = [gguf.GGMLQuantizationType[name] for name in ("Q8_0", "Q4_0", "Q5_1", "F16")]
CHAT = (Utterance.of("user", "Hello ab"),)


def fresh(config: Any) -> Any:
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config).eval()
    for each in model.parameters():
        if each.ndim == 1:
            torch.nn.init.uniform_(each, 0.5, 1.5)
    return model


def write(path: Path, config: Any, kind: Any = KINDS[0], **more: Any) -> Path:
    """A model with random weights as llama.cpp would have it."""
    writer = gguf.GGUFWriter(path, config.model_type)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if config.model_type != "qwen2":
        writer.add_rope_dimension_count(config.head_dim)
        writer.add_key_length(config.head_dim)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(WORDS)
    writer.add_token_types([1] * (len(WORDS) - 2) + [3, 3])
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(len(WORDS) - 2)
    writer.add_chat_template(TEMPLATE)
    for key, value in more.items():
        writer.add_string(key, value)
    arch = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}[config.model_type]
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    for key, tensor in fresh(config).state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = tensor.numpy()
        for part, heads in (("q_proj", config.num_attention_heads), ("k_proj", config.num_key_value_heads)):
            if config.model_type == "llama" and part in key:
                halves = values.reshape(heads, 2, -1, values.shape[-1])
                values = np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))
        name = names.get_name(key, (".weight", ".bias"))
        assert name is not None
        if values.ndim == 2:
            writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def as_transformers(path: Path) -> Any:
    form = GgufConfig(dequantize=True)
    more: dict[str, Any] = {"quantization_config": form, "dtype": torch.float32}
    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, **more).eval()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("name", CONFIGS)
def test_full_numbers_are_those_that_transformers_reads(name: str, kind: Any, tmp_path: Path):
    path = write(tmp_path / "model.gguf", CONFIGS[name], kind)
    ids = torch.tensor(random_prompts(1, [40], len(WORDS)))
    with torch.inference_mode():
        if name == "qwen3":  # transformers takes the size of its heads for another
            wanted = fresh(CONFIGS[name])(input_ids=ids).logits if kind.name == "F16" else None
        else:
            wanted = as_transformers(path)(input_ids=ids).logits
        got = load(str(path), "none").model(input_ids=ids).logits
    if wanted is not None:
        torch.testing.assert_close(
            got, wanted, rtol=1e-3 if name == "qwen3" else 0, atol=0.05 if name == "qwen3" else 0
        )


@pytest.mark.parametrize("name", CONFIGS)
async def test_in_eight_bits_it_says_nearly_the_same(name: str, tmp_path: Path):
    path = write(tmp_path / "model.gguf", CONFIGS[name])
    seen: list[float] = []
    model = LocalModel.open(str(path), "int8", tmp_path / "kept", seen.append)
    full = load(str(path), "none", tmp_path / "kept")
    assert (model.status().bits, seen == sorted(seen), seen[-1]) == (8, True, 1.0)
    ids = torch.tensor(random_prompts(1, [12], len(WORDS)))
    with torch.inference_mode():
        wanted = full.model(input_ids=ids).logits[0]
    assert isinstance(model._batch, Batch)
    decoder: Any = model._batch._executor
    decoder.reserve(0, 12)
    with torch.inference_mode():
        got = decoder.logits([Span(0, 0, ids[0].tolist(), SamplingState())])[0]
    assert float((got - wanted[-1]).norm() / wanted[-1].norm()) < 0.1
    await model.close()


async def test_the_tokenizer_template_and_ends_come_from_the_file(tmp_path: Path):
    path = write(tmp_path / "model.gguf", CONFIGS["qwen2"])
    whole = load(str(tmp_path), "int8", tmp_path / "kept")
    asked = [{"role": each.role, "content": each.text} for each in CHAT]
    assert whole.tokenizer.rendered(asked) == "user: Hello ab<|im_end|>assistant:"
    assert whole.tokenizer.decode(whole.encode(CHAT)) == "user: Hello abassistant:"
    assert whole.encode(CHAT).count(len(WORDS) - 2) == 1
    assert whole.generation.ends == (len(WORDS) - 2, len(WORDS) - 1)
    assert (whole.context_tokens, whole.name, path.exists()) == (512, str(tmp_path), True)
    model = LocalModel(whole)
    assert "\ufffd" not in await whole_text(model, Request(CHAT, 8, Sampling(temperature=0)))
    await model.close()


def packs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _put(path: Path, data: bytes) -> None:
    """Another file in its place: the one before is still mapped by what was opened from it."""
    path.unlink()
    path.write_bytes(data)


def test_what_was_packed_is_opened_again_and_made_again_when_it_is_damaged_or_old(tmp_path: Path):
    path, kept, told = write(tmp_path / "model.gguf", CONFIGS["llama"]), tmp_path / "kept", list[float]()
    load(str(path), "int8", kept, told.append)
    (made,) = packs(kept)
    first, times = (made / WEIGHTS).read_bytes(), len(told)
    load(str(path), "int8", kept, told.append)
    assert len(told) == times
    for damage in ("cut", "gone", "old", "head", "tail"):
        if damage == "cut":
            _put(made / WEIGHTS, first[:-7])
        elif damage == "gone":
            (made / "tokenizer.json").unlink()
        elif damage == "head":
            _put(made / WEIGHTS, first[:100] + bytes(100) + first[200:])
        elif damage == "tail":
            _put(made / WEIGHTS, first[:-100] + bytes(100))
        else:
            said = json.loads((made / MANIFEST).read_text())
            (made / MANIFEST).write_text(json.dumps({**said, "version": 0}))
        load(str(path), "int8", kept, told.append)
        assert len(told) > times
        times = len(told)
        assert packs(kept) == [made]
        assert (made / WEIGHTS).read_bytes() == first


def test_a_packing_that_is_stopped_leaves_nothing(tmp_path: Path):
    path = write(tmp_path / "model.gguf", CONFIGS["llama"])

    def stop(done: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(str(path), "int8", tmp_path / "kept", stop)
    assert packs(tmp_path / "kept") == []


@pytest.mark.parametrize("config", [CONFIGS["qwen2"], Phi3Config(**TINY)], ids=lambda config: config.model_type)
async def test_folders_are_packed_where_their_layers_are_our_own(config: Any, tmp_path: Path):
    fresh(config).save_pretrained(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    tokenizer.save_pretrained(tmp_path / "model")
    model = LocalModel.open(str(tmp_path / "model"), "auto", tmp_path / "kept")
    assert model.status().bits == (8 if not torch.cuda.is_available() else 16)
    assert (tmp_path / "kept").exists() == (config.model_type == "qwen2")
    await model.close()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def _other(path: Path) -> None:
    path.write_bytes(b"PK" + path.read_bytes())


@pytest.mark.parametrize(("damage", "why"), [(_cut, "it is cut"), (_short, "damaged"), (_other, "does not begin")])
def test_a_bad_file_is_one_sentence(damage: Any, why: str, tmp_path: Path):
    path = write(tmp_path / "model.gguf", CONFIGS["llama"])
    damage(path)
    with pytest.raises(SettingError, match=why) as raised:
        load(str(path), "int8", tmp_path / "kept")
    assert raised.value.setting == "LM_MODEL"


def test_another_architecture_is_refused_with_those_that_can_be_read(tmp_path: Path):
    writer = gguf.GGUFWriter(tmp_path / "model.gguf", "mamba")
    writer.add_block_count(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(SettingError, match="'mamba', and llama, qwen2, qwen3 can be read"):
        load(str(tmp_path / "model.gguf"), "int8", tmp_path)


def test_what_is_not_there_names_what_is_accepted():
    with pytest.raises(SettingError, match=r"a folder that exists or a GGUF file \(.gguf\)"):
        load("/nowhere/model.gguf")


def test_a_changed_source_leaves_one_pack_and_what_was_left_half_made_is_erased(tmp_path: Path):
    path, kept = write(tmp_path / "model.gguf", CONFIGS["llama"]), tmp_path / "kept"
    (tmp_path / "other").mkdir()
    other = write(tmp_path / "other" / "model.gguf", CONFIGS["llama tied"])
    loads: list[tuple[Path, Quantize]] = [(path, "int8"), (path, "none"), (other, "int8")]
    for each, form in loads:
        load(str(each), form, kept)
    before = packs(kept)
    (kept / "model-0.abc.part").mkdir()
    write(path, CONFIGS["llama"], KINDS[1])
    load(str(path), "int8", kept)
    after = packs(kept)
    assert (len(before), len(after), len(set(before) & set(after))) == (3, 3, 2)
    other.unlink()
    load(str(path), "none", kept)
    assert len(packs(kept)) == 2


def test_while_another_packs_one_waits_and_can_be_stopped(tmp_path: Path):
    def stop(done: float) -> None:
        raise KeyboardInterrupt

    with alone(tmp_path, lambda _: None):
        half = tmp_path / "model-0.abc.part"
        half.mkdir()
        with pytest.raises(KeyboardInterrupt), alone(tmp_path, stop):
            pass
        assert half.exists()
    with alone(tmp_path, stop):
        assert not half.exists()
