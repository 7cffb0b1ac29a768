import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PermanentError
from core.models import catalogue, hub
from core.settings import Settings


def test_names_are_unique_and_every_model_has_what_is_shown_of_it():
    entries = catalogue.entries()
    assert len({entry.name for entry in entries}) == len(entries) >= 12
    for entry in entries:
        assert entry.kind is not None
        assert entry.kind in catalogue.SETTINGS
        assert entry.size
        assert entry.memory
        assert entry.languages
        assert entry.licence
        assert entry.purpose
        assert catalogue.SETTINGS[entry.kind].lower() in Settings.model_fields


def test_what_wheels_carry_adds_up():
    for entry in catalogue.entries():
        joined = {file for wheel in entry.wheels for file in wheel.members.values()}
        assert joined == set(entry.joined)
        assert all(len(whole.sha256) == 64 for whole in entry.joined.values())


def test_the_starter_set_comes_without_a_hub():
    for kind in ("ears", "mind"):
        assert catalogue.starter(kind).wheels


@given(st.text())
def test_whatever_is_written_is_a_model_or_one_sentence(source: str):
    try:
        entry = catalogue.entry(source)
    except PermanentError:
        return
    assert "/" not in entry.name
    assert not entry.name.startswith(".")


@given(st.from_regex(r"[a-z./]{1,12}/[a-z./]{1,12}(:[a-z./]{1,12})?", fullmatch=True))
def test_no_hub_id_leads_out_of_the_folder(source: str):
    try:
        name = catalogue.entry(source).name
    except PermanentError:
        return
    assert "/" not in name
    assert name not in (".", "..")


def test_a_gguf_repository_gives_the_file_that_loses_least_and_never_a_part_of_one():
    paths = [
        "README.md",
        "m-q4_k_m.gguf",
        "m-q8_0-00001-of-00002.gguf",
        "m-q8_0.gguf",
        "m-fp16.gguf",
        "mmproj-q8_0.gguf",
    ]
    assert hub.chosen(paths, ()) == ("m-q8_0.gguf",)
    assert hub.chosen(["m-Q4_K_M.gguf", "m-Q2_K.gguf"], ()) == ("m-Q4_K_M.gguf",)
    assert hub.chosen(["m-q8_0-00001-of-00002.gguf"], ()) == ()


@pytest.mark.parametrize(
    ("paths", "needed"),
    [
        (["model.bin", "vocabulary.txt", "config.json", "README.md"], {"model.bin", "vocabulary.txt", "config.json"}),
        (["a.safetensors", "config.json", "modeling.py", "onnx/a.safetensors"], {"a.safetensors", "config.json"}),
        (["pytorch_model.bin", "config.json", "tf_model.h5"], {"pytorch_model.bin", "config.json"}),
        (["v.onnx", "v.onnx.json", "MODEL_CARD"], {"v.onnx", "v.onnx.json"}),
        (["data.csv"], set()),
    ],
)
def test_of_a_repository_comes_what_its_kind_needs_and_no_code(paths: list[str], needed: set[str]):
    assert set(hub.chosen(paths, ())) == needed
