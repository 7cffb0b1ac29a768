"""What opens without transformers is what transformers opens: numbers, words and the frame of a chat."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from core.errors import PermanentError
from core.lm.local import packs
from core.lm.local.blueprint import FILE, Blueprint, Chat
from core.lm.local.loading import SHIPPED, load
from core.lm.local.packing import FolderModel, blueprint_of
from core.lm.local.sampling import SamplingState
from core.lm.local.slots import Span
from core.lm.local.tokenizer import Tokenizer
from core.lm.local.unpacked import chatting
from tests.support.tiny import random_prompts, tiny

pytestmark = pytest.mark.slow

CHATML = (
    "{%- for message in messages %}\n{{- '<|im_start|>' + message.role + '\\n' + message.content | trim }}"
    "{{ '<|im_end|>' }}\n{%- endfor %}\n{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
TEMPLATES = {
    "chatml": CHATML,
    "with tools and documents": "{% if tools is not none or documents %}no{% endif %}{{ messages | tojson }}",
    "with a namespace": "{% set n = namespace(at=0, self=1) %}{% for m in messages %}{% set n.at = n.at + 1 %}"
    "{{ n.at }}{{ m.content }}{% endfor %}",
    "with loops that end": "{% for m in messages %}{% if loop.index > 2 %}{% break %}{% endif %}{{ m.content }}"
    "{% endfor %}",
    "marked for training": "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}",
    "with names": "{{ eos_token }}{{ unk_token }}{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}",
    "with dicts": "{{ dict(a=1) }}{{ dict.fromkeys(['a'], 2) }}{{ messages[0] | tojson(indent=2) }}",
}
WORDS = st.text(st.sampled_from("ab \n\"'<>|{}%旺é"), max_size=12)


def own_tokenizer(template: str) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    tokenizer.chat_template = template
    return tokenizer


@pytest.mark.parametrize("name", TEMPLATES)
@given(words=st.lists(WORDS, min_size=1, max_size=4))
def test_a_chat_is_spelt_as_transformers_spells_it(name: str, words: list[str]):
    own = own_tokenizer(TEMPLATES[name])
    roles = ("system", "user", "assistant", "user")
    chat = [{"role": role, "content": text} for role, text in zip(roles, words, strict=False)]
    ours = chatting(own, "model")
    assert ours.rendered(chat) == own.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    assert ours.encode(ours.rendered(chat)) == own.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('not here') }}",
        "{{ ''.__class__.__mro__ }}",
        "{% set n = namespace(_a=1) %}",
        "{{ dict.__init__.__globals__ }}",
        "{{ messages.append(1) }}",
        "{% for %}",
    ],
)
def test_a_template_that_refuses_or_reaches_into_python_is_a_permanent_error(template: str):
    tokenizer = Tokenizer(AutoTokenizer.from_pretrained(SHIPPED).backend_tokenizer, Chat(template, {}))
    with pytest.raises(PermanentError):
        tokenizer.rendered([{"role": "user", "content": "a"}])


def test_what_ships_says_of_itself_what_transformers_would():
    tokenizer, blueprint = blueprint_of(FolderModel(SHIPPED), "shipped")
    assert Blueprint.open(SHIPPED) == blueprint
    assert load(None).tokenizer.chat == tokenizer.chat


@torch.inference_mode()
def test_what_ships_computes_what_transformers_computes():
    (ids,) = random_prompts(1, [90])
    wanted = tiny("shipped")(input_ids=torch.tensor([ids])).logits[0, -1]
    decoder = load(None).decoder
    assert decoder
    decoder.reserve(0, len(ids))
    got = decoder.logits([Span(0, 0, ids, SamplingState())])[0]
    torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


def test_what_ships_is_opened_without_transformers():
    """Which takes as long to import as the rest of a start."""
    asked = "import sys, core.lm.local.model as lm; lm.LocalModel.open(None); print('transformers' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=120)
    assert said.stdout.strip() == "False"


def test_a_blueprint_is_kept_as_it_is(tmp_path: Path):
    blueprint = Blueprint.open(SHIPPED)
    blueprint.save(tmp_path)
    assert Blueprint.open(tmp_path) == blueprint
    assert (tmp_path / FILE).read_bytes() == (SHIPPED / FILE).read_bytes()


def test_a_revision_tells_weights_and_their_form_and_nothing_of_the_machine(tmp_path: Path):
    one, other = tmp_path / "one", tmp_path / "other"
    for place, second in ((one, 5), (other, 7)):
        shutil.copytree(SHIPPED, place)
        os.utime(place / "model.safetensors", (second, second))
    assert packs.revision(one, "int8") == packs.revision(other, "int8") != packs.revision(one, "none")
    assert packs.place(one, tmp_path, "int8").name[3:] != packs.place(other, tmp_path, "int8").name[5:]
    weights = bytearray((one / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (one / "model.safetensors").write_bytes(weights)
    assert packs.revision(one, "int8") != packs.revision(other, "int8")
    assert load(None).revision == packs.revision(SHIPPED, "none")
