"""The benchmarks run, with a model of nothing; what they measure is looked at by people."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks import picture
from benchmarks.goals import GOALS
from benchmarks.lm_chat import turns
from benchmarks.lm_parley import Parley
from benchmarks.lm_transformers import Continuous, Pipeline
from benchmarks.weights import prompt, random_model
from core.lm.local.quantization import quantized


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two would wait for each other longer than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def once(*work, best=max):
    return [each() for each in work]


@pytest.mark.slow
def test_parley_and_transformers_write_as_much_as_was_asked():
    parley, continuous = Parley(random_model("tiny"), int8=True), Continuous(quantized(random_model("tiny")))
    assert parley.read(300) > 0
    assert parley.write(3, 20, 5) > 0
    assert continuous.write(3, 20, 5) > 0
    pipeline = Pipeline(random_model("tiny"))
    assert pipeline.answer(3) > 0
    assert len(parley.say(prompt(pipeline.prompt_tokens), 3)[1]) == 3


def test_a_conversation_of_twenty_turns_is_cheaper_kept():
    figures = turns(Parley(random_model("tiny")), "tiny", once)
    assert figures["recompute_over_kept"] > 1
    assert {"ttft_turn20_over_turn1", "recompute_over_kept"} < {*GOALS}


@torch.inference_mode()
def test_llama_cpp_computes_the_same_model(tmp_path: Path):
    pytest.importorskip("llama_cpp", reason="an extra that has to be compiled: pip install 'parley[bench]'")
    from benchmarks.gguf_file import write_gguf
    from benchmarks.lm_llamacpp import LlamaCpp, LlamaCppChild

    model, ids = random_model("tiny"), prompt(40)
    write_gguf(model, tmp_path / "tiny.gguf")
    other = LlamaCpp(tmp_path / "tiny.gguf")
    wanted = model(torch.tensor([ids])).logits[0, -1]
    got = torch.tensor(other.logits(ids))
    assert float((got - wanted).norm() / wanted.norm()) < 0.05
    child = LlamaCppChild(tmp_path / "tiny.gguf")
    assert child.write(3, 20, 5) > 0
    assert child.read(30) > 0
    child.close()


def test_the_picture_shows_what_was_measured():
    pairs = ("batch8_over_llamacpp_ctx64", "batch8_over_llamacpp_ctx1024", "single_over_llamacpp_decode")
    keys = [f"{key}_{side}_tokens_s" for key in (*pairs, "single_over_llamacpp_prefill") for side in ("ours", "theirs")]
    figures = dict.fromkeys([*keys, "hf_continuous_batch8_tokens_s", "ttft_turn20_ms"], 17.0)
    assert picture.drawn({**figures, "recompute_over_kept": 20.0}, {}).count(">17<") == 10
