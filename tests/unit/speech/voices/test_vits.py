import json
from collections.abc import Callable
from pathlib import Path
from threading import current_thread
from typing import Any

import pytest
import torch
from transformers import VitsConfig, VitsModel, VitsTokenizer

from core.errors import PermanentError, SettingError
from core.speech.audio import SAMPLE_RATE_HZ, decode
from core.speech.synthesis import Speaking
from core.speech.voices.base import MAX_SPEECH_S
from core.speech.voices.vits import VitsVoice

LETTERS = "_abcdefghijklmnopqrstuvwxyz '-"
RATE_HZ = 16_000


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes the folder of a tiny voice with random weights."""

    def build(letters: str = LETTERS, speakers: int = 1, **tokenizer: Any) -> Path:
        folder = tmp_path_factory.mktemp("voice")
        (folder / "letters.json").write_text(json.dumps({letter: at for at, letter in enumerate(letters)}))
        torch.manual_seed(1)
        config = VitsConfig(
            vocab_size=len(letters),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            ffn_dim=16,
            flow_size=16,
            spectrogram_bins=17,
            prior_encoder_num_flows=2,
            prior_encoder_num_wavenet_layers=1,
            posterior_encoder_num_wavenet_layers=1,
            duration_predictor_num_flows=1,
            duration_predictor_filter_channels=16,
            depth_separable_num_layers=1,
            upsample_initial_channel=32,
            num_speakers=speakers,
            speaker_embedding_size=4 if speakers > 1 else 0,
            sampling_rate=RATE_HZ,
        )
        VitsModel(config).save_pretrained(folder)
        options: dict[str, Any] = {"phonemize": False, **tokenizer}
        VitsTokenizer(folder / "letters.json", pad_token="_", **options).save_pretrained(folder)
        return folder

    return build


@pytest.fixture
def folder(build: Callable[..., Path]) -> Path:
    return build()


@pytest.mark.slow
@pytest.mark.parametrize("speakers", [1, 3])
async def test_a_folder_becomes_a_voice_that_makes_notes(build: Callable[..., Path], speakers: int):
    speaking = Speaking(VitsVoice.open(str(build(speakers=speakers))))
    note = await speaking.speak("**Hello**, my name is Zora. You have 25 apples!", "en")
    assert len(decode(note.ogg, max_s=60)) / SAMPLE_RATE_HZ == pytest.approx(note.duration_s, abs=0.05)
    assert note.duration_s > 0.5
    assert note.waveform
    await speaking.close()


async def test_numbers_are_written_out_for_it(folder: Path):
    voice = VitsVoice.open(str(folder))
    read: list[str] = []
    tokenizer = voice._tokenizer

    def spy(text: str, **options: Any) -> Any:
        read.append(text)
        assert current_thread().name.startswith("voice")
        return tokenizer(text, **options)

    voice._tokenizer = spy
    await voice.say(["It is 1,234 or 3.5.", "21"], "en")
    await voice.say(["drei 21"], "de-AT")
    await voice.say(["a 21"], "tlh")
    assert read == ["It is one thousand two hundred thirty-four or three point five.", "twenty-one",
                    "drei einundzwanzig", "a 21"]  # fmt: skip
    await voice.close()


@pytest.mark.slow
async def test_a_text_in_other_letters_is_refused_and_what_it_makes_ends(folder: Path):
    voice = VitsVoice.open(str(folder))
    with pytest.raises(PermanentError, match="does not know the letters of a text in zh-Hans"):
        await voice.say(["你好，我叫小明。"], "zh-Hans")
    sound = await voice.say(["a long sentence that goes on " * 5] * 30, "en")
    assert 1 < len(sound.samples) / RATE_HZ <= MAX_SPEECH_S
    await voice.close()


async def test_a_model_that_fails_is_a_permanent_error(folder: Path):
    voice = VitsVoice.open(str(folder))
    voice._model.config.num_speakers, voice._model.embed_speaker = 2, torch.nn.Embedding(0, 4)
    with pytest.raises(PermanentError, match="failed"):
        await voice.say(["hello"], "en")
    await voice.close()


def _refusal(model: str | Path) -> str:
    with pytest.raises(SettingError) as caught:
        VitsVoice.open(str(model))
    assert caught.value.setting == "TTS_MODEL"
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "vocab.json"])
def test_an_incomplete_folder_is_said_in_one_line(folder: Path, missing: str):
    (folder / missing).unlink()
    assert "VITS voice" in _refusal(folder)


def test_damaged_weights_are_said_in_one_line(folder: Path):
    (folder / "model.safetensors").write_bytes(b"rubbish")
    assert "VITS voice" in _refusal(folder)


def test_another_kind_of_model_is_named(tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    assert "this is a llama" in _refusal(tmp_path)


def test_a_voice_that_needs_a_phonemizer_is_said_at_start(build: Callable[..., Path]):
    assert "phonemizer" in _refusal(build(phonemize=True))


def test_a_folder_that_is_not_there_is_named():
    assert "a folder that exists" in _refusal("/nowhere/at/all")


def test_a_hub_voice_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "downloaded" in _refusal("parley-tests/no-such-voice")
