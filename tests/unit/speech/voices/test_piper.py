"""A Piper voice with a graph of our own: each id is one sample, so that what was said can be read."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from bots.loading import open_speaking
from core.errors import SettingError
from core.speech.voices.builtin import BuiltinVoice
from core.speech.voices.piper import PiperVoice, weights_in
from tests.support.settings import settings_of

PHONEMES = "_^$ ,.?aɪbdefhijklmnoprstuvwzæðŋəɐɛɹʃʊʌθˈˌːɑɔɾɡ"
_INT64, _FLOAT = 7, 1


def field(number: int, value: int | bytes | str) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def tensor(name: str, kind: int, dimensions: Sequence[str]) -> bytes:
    shape = b"".join(field(1, field(2, each)) for each in dimensions)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def graph(speakers: int) -> bytes:
    """onnx.proto: ids become float; the number of the speaker, times 0.001, is added to each."""
    cast = b"".join((field(1, "input"), field(2, "floats"), field(4, "Cast"),
                     field(5, field(1, "to") + field(3, _FLOAT) + field(20, 2))))  # fmt: skip
    nodes = [cast]
    inputs = [tensor("input", _INT64, "bt"), tensor("input_lengths", _INT64, "b"), tensor("scales", _FLOAT, "s")]
    if speakers > 1:
        inputs.append(tensor("sid", _INT64, "b"))
        nodes.append(field(1, "sid") + field(2, "speaker") + field(4, "Cast")
                     + field(5, field(1, "to") + field(3, _FLOAT) + field(20, 2)))  # fmt: skip
    last = "speaker" if speakers > 1 else "floats"
    nodes.append(field(1, "floats") + field(1, last) + field(2, "output") + field(4, "Add"))
    body = b"".join(field(1, node) for node in nodes) + field(2, "g")
    body += b"".join(field(11, given) for given in inputs) + field(12, tensor("output", _FLOAT, "bt"))
    return field(1, 8) + field(7, body) + field(8, field(2, 13))


def make(folder: Path, speakers: Sequence[str] = (), **told: Any) -> Path:
    (folder / "voice.onnx").write_bytes(graph(len(speakers) or 1))
    card = {
        "audio": {"sample_rate": 100},
        "espeak": {"voice": "en-us"},
        "phoneme_id_map": {sign: [at] for at, sign in enumerate(PHONEMES)},
        "num_speakers": len(speakers) or 1,
        "speaker_id_map": {name: at for at, name in enumerate(speakers)},
    }
    (folder / "voice.onnx.json").write_text(json.dumps({**card, **told}))
    return folder


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[PiperVoice]:
    voice = PiperVoice.open(str(make(tmp_path)))
    yield voice
    asyncio.run(voice.close())


def said(samples: np.ndarray, scale: float = 2) -> str:
    """Every second id is a pad; the graph of one speaker doubles each."""
    return "".join(PHONEMES[round(float(sample) / scale)] for sample in samples if sample)


async def test_a_sentence_is_said_in_phonemes_with_its_stops_kept(plain: PiperVoice):
    sound = await plain.say(["Hello, is it ready?"], "en-GB")
    assert sound.rate_hz == 100
    words = said(sound.samples)
    assert (words[0], words[-1]) == ("^", "$")
    assert words[1:-1] == "həlˈoʊ, ɪz ɪt ɹˈɛdi?"


async def test_a_text_in_another_language_is_said_by_the_built_in_voice(plain: PiperVoice):
    chinese = await plain.say(["今天天气很好。"], "zh-Hans")
    builtin = BuiltinVoice()
    assert chinese.rate_hz == (await builtin.say(["今天天气很好。"], "zh")).rate_hz != 100
    await builtin.close()


async def test_each_speaker_has_a_name(tmp_path: Path):
    folder = make(tmp_path, ["ann", "bob"])
    first, second = [PiperVoice.open(str(folder), voice=name) for name in ("ann", "bob")]
    one, two = [(await voice.say(["hello"], "en")).samples for voice in (first, second)]
    assert set(two - one) == {1.0}
    for voice in (first, second):
        await voice.close()
    with pytest.raises(SettingError, match="one of the voice's 2 speakers, such as ann, bob"):
        PiperVoice.open(str(folder), voice="eve")


def test_a_folder_or_its_file_is_a_voice_and_half_of_it_is_none(tmp_path: Path):
    folder = make(tmp_path)
    assert weights_in(folder) == weights_in(folder / "voice.onnx") == folder / "voice.onnx"
    (folder / "voice.onnx.json").unlink()
    assert weights_in(folder) is None
    assert weights_in(tmp_path / "nothing") is None


def refusal(**values: Any) -> str:
    with pytest.raises(SettingError) as refused:
        open_speaking(settings_of(**values), Event())
    return str(refused.value)


def test_what_is_no_voice_is_one_line_that_says_what_would_be(tmp_path: Path):
    assert "wants a Piper voice (one .onnx with its .onnx.json) or a VITS voice" in refusal(TTS_MODEL=str(tmp_path))
    make(tmp_path, phoneme_type="text")
    assert refusal(TTS_MODEL=str(tmp_path)).endswith("a Piper voice that is made of espeak-ng's phonemes")
    make(tmp_path, phoneme_id_map={})
    assert refusal(TTS_MODEL=str(tmp_path)).startswith("TTS_MODEL")
    make(tmp_path)
    (tmp_path / "voice.onnx").write_bytes(b"no graph")
    assert "wants a whole Piper voice" in refusal(TTS_MODEL=str(tmp_path))
    make(tmp_path)
    assert "nothing: this voice has one speaker" in refusal(TTS_MODEL=str(tmp_path), TTS_VOICE="ann")
    (tmp_path / "voice.onnx.json").write_text("{")
    assert "voice.onnx.json is not whole" in refusal(TTS_MODEL=str(tmp_path))


@pytest.mark.parametrize("voice", ["nobody", "en-us+nobody", "f2+f2", "+", "../en"])
def test_a_voice_that_espeak_does_not_know_is_one_line_with_some_that_it_does(voice: str):
    refused = refusal(TTS_VOICE=voice)
    assert refused.startswith(f"TTS_VOICE: got {voice!r}, wants a voice of espeak-ng")
    assert "Annie" in refused
    assert "\n" not in refused


@pytest.mark.parametrize(
    ("chosen", "english", "chinese", "german"),
    [
        ("", "gmw/en-US+f2", "cmn+f2", "de"),
        ("m3", "gmw/en-US+m3", "cmn+m3", "de+m3"),
        ("en-gb-x-rp", "en-gb-x-rp", "cmn+f2", "de"),
        ("cmn+f4", "gmw/en-US+f2", "cmn+f4", "de"),
    ],
)
async def test_a_chosen_voice_speaks_its_own_language_and_a_variant_all(
    chosen: str, english: str, chinese: str, german: str
):
    voice = BuiltinVoice(voice=chosen)
    assert [voice._voice(language) for language in ("en", "zh-Hans", "de")] == [english, chinese, german]
    assert (await voice.say(["hello there"], "en")).samples.any()
    await voice.close()


async def test_the_speed_is_heard():
    usual, fast = BuiltinVoice(), BuiltinVoice(speed=1.5)
    lengths = [len((await voice.say(["hello there my friend"], "en")).samples) for voice in (usual, fast)]
    assert lengths[1] < 0.8 * lengths[0]
    for voice in (usual, fast):
        await voice.close()
