import io
import random
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.resampler import AudioResampler
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.errors import UserError
from core.speech.audio import SAMPLE_RATE_HZ, Waveform, decode, encode_ogg_opus, levelled, loudness
from tests.support.sounds import sound_track

CONTAINERS = [
    ("wav", "pcm_s16le", 44_100),
    ("mp3", "libmp3lame", 44_100),
    ("ipod", "aac", 44_100),
    ("adts", "aac", 16_000),
    ("webm", "libopus", 48_000),
    ("ogg", "libopus", 48_000),
    ("flac", "flac", 22_050),
]


def tone(seconds: float, rate_hz: int = SAMPLE_RATE_HZ, hz: float = 440) -> Waveform:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def pitch_hz(waveform: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    return float(spectrum.argmax() * SAMPLE_RATE_HZ / len(waveform))


def file_of(
    container: str, codec: str, rate_hz: int, *, seconds: float = 1.0, layout: str = "mono", title: str = ""
) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as made:
        made.metadata["title"] = title
        stream = sound_track(made, codec, rate_hz, layout)
        resampler = AudioResampler(format=stream.format.name, layout=layout, rate=rate_hz)
        frame = av.AudioFrame.from_ndarray(tone(seconds, rate_hz)[None], format="flt", layout="mono")
        frame.sample_rate = rate_hz
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            made.mux(stream.encode(piece))
        made.mux(stream.encode(None))
    return out.getvalue()


def silent_video() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as made:
        stream = made.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            made.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        made.mux(stream.encode(None))
    return out.getvalue()


def wav_claiming(rate_hz: int, samples: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setparams((1, 2, rate_hz, 0, "NONE", ""))
        made.writeframes(b"\x01\x02" * samples)
    return out.getvalue()


def refusal(data: bytes, max_s: float = 60) -> str:
    with pytest.raises(UserError) as refused:
        decode(data, max_s=max_s)
    return refused.value.key


def outcome(data: bytes) -> str:
    try:
        waveform = decode(data, max_s=60)
    except UserError as refused:
        return refused.key
    return "heard" if np.isfinite(waveform).all() else "not a sound"


def test_a_voice_note_goes_out_and_comes_back():
    waveform = decode(encode_ogg_opus(tone(2.0, 22_050), 22_050), max_s=60)
    assert waveform.dtype == np.float32
    assert len(waveform) / SAMPLE_RATE_HZ == pytest.approx(2.0, abs=0.02)
    assert pitch_hz(waveform) == pytest.approx(440, abs=2)
    assert 0.4 < np.abs(waveform).max() < 0.6


def test_a_voice_note_is_opus_mono_at_48_khz_and_about_32_kbit():
    ogg = encode_ogg_opus(tone(5.0), SAMPLE_RATE_HZ)
    assert ogg[:4] == b"OggS"
    with av.open(io.BytesIO(ogg)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.channels) == ("opus", 48_000, 1)
    assert 10_000 < len(ogg) < 30_000


@pytest.mark.parametrize(("container", "codec", "rate_hz"), CONTAINERS, ids=[name for name, _, _ in CONTAINERS])
def test_every_container_is_read(container: str, codec: str, rate_hz: int):
    waveform = decode(file_of(container, codec, rate_hz), max_s=60)
    assert len(waveform) / SAMPLE_RATE_HZ == pytest.approx(1.0, abs=0.15)
    assert pitch_hz(waveform) == pytest.approx(440, abs=5)


def test_stereo_becomes_mono():
    waveform = decode(file_of("wav", "pcm_s16le", 48_000, layout="stereo"), max_s=60)
    assert waveform.shape == (SAMPLE_RATE_HZ,)


@pytest.mark.parametrize("container", ["mp3", "webm"])
def test_tags_in_another_encoding_do_not_matter(container: str):
    codec, rate_hz = {"mp3": ("libmp3lame", 44_100), "webm": ("libopus", 48_000)}[container]
    broken = file_of(container, codec, rate_hz, title="abcdefgh").replace(b"abcdefgh", b"\xff\xfe\xfa\x80\x80\x81\xc3(")
    assert len(decode(broken, max_s=60)) > SAMPLE_RATE_HZ * 0.9


def test_a_note_that_changes_its_rate_midway_is_heard_to_the_end():
    stretches = [file_of("adts", "aac", rate_hz) for rate_hz in (16_000, 48_000)]
    assert len(decode(b"".join(stretches), max_s=60)) == pytest.approx(2 * SAMPLE_RATE_HZ, rel=0.2)


def test_a_cut_note_gives_what_came_before():
    ogg = encode_ogg_opus(tone(6.0), SAMPLE_RATE_HZ)
    heard_s = len(decode(ogg[: len(ogg) // 2], max_s=60)) / SAMPLE_RATE_HZ
    assert 1.0 < heard_s < 4.0
    assert refusal(ogg[:60]) == "audio_unreadable"


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"", "audio_empty"),
        (b"hello " * 500, "audio_unreadable"),
        (random.Random(0).randbytes(20_000), "audio_unreadable"),
        (b"OggS" + bytes(5000), "audio_unreadable"),
        (wav_claiming(SAMPLE_RATE_HZ, 0), "audio_unreadable"),
        (silent_video(), "audio_no_sound"),
    ],
    ids=["nothing", "text", "noise", "hollow ogg", "wav without samples", "video without sound"],
)
def test_what_is_no_sound_is_told_from_what_is(data: bytes, key: str):
    assert refusal(data) == key


@pytest.mark.slow
def test_a_long_file_stops_at_the_limit_and_not_at_its_end():
    half_hour = wav_claiming(8_000, 8_000 * 1800)
    assert refusal(half_hour, max_s=600) == "audio_too_long"
    with pytest.raises(UserError) as refused:
        decode(half_hour, max_s=600)
    assert refused.value.params == {"limit_minutes": 10}


def test_a_header_that_lies_about_the_length_changes_nothing():
    data = bytearray(wav_claiming(SAMPLE_RATE_HZ, 3 * SAMPLE_RATE_HZ))
    at = data.index(b"data") + 4
    data[at : at + 4] = (100).to_bytes(4, "little")
    assert len(decode(bytes(data), max_s=2)) < SAMPLE_RATE_HZ, "shorter than it is: only what it owns up to"
    data[at : at + 4] = (0x7FFF_FFFF).to_bytes(4, "little")
    assert len(decode(bytes(data), max_s=60)) == 3 * SAMPLE_RATE_HZ
    assert refusal(bytes(data), max_s=2) == "audio_too_long"


def test_a_rate_that_nobody_records_at_is_refused_before_it_grows():
    assert refusal(wav_claiming(1, 4000), max_s=600) == "audio_unreadable"


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{file}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {file}\n",
        "[playlist]\nFile1={file}\n",
        "RIFF\x00\x00\x00\x00file:{file}",
        "{file}",
    ],
    ids=["hls", "concat", "pls", "riff", "path"],
)
def test_a_playlist_cannot_read_a_file_of_this_machine(playlist: str, tmp_path: Path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(file_of("wav", "pcm_s16le", SAMPLE_RATE_HZ))
    for name in (str(secret), f"file://{secret}", "secret.wav"):
        assert refusal(playlist.format(file=name).encode()) == "audio_unreadable"


def test_the_lock_on_playlists_is_what_holds(tmp_path: Path):
    """Without the list of formats FFmpeg follows a playlist into the machine, so the test above is no accident."""
    secret = tmp_path / "secret.wav"
    secret.write_bytes(file_of("wav", "pcm_s16le", SAMPLE_RATE_HZ))
    playlist = f"ffconcat version 1.0\nfile {secret}\n".encode()
    with av.open(io.BytesIO(playlist), "r", options={"safe": "0", "protocol_whitelist": "file"}) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == SAMPLE_RATE_HZ


@pytest.mark.slow
def test_damaged_files_are_heard_or_refused_and_nothing_else():
    dice = random.Random(1)
    originals = [file_of(container, codec, rate_hz, seconds=0.3) for container, codec, rate_hz in CONTAINERS]
    outcomes: set[str] = set()
    for _ in range(200):
        data = bytearray(dice.choice(originals))
        for _ in range(dice.choice([1, 10, 60])):
            data[dice.randrange(min(len(data), dice.choice([80, 400, len(data)])))] = dice.randrange(256)
        outcomes.add(outcome(bytes(data)))
    assert "heard" in outcomes
    assert outcomes <= {"heard", "audio_unreadable", "audio_no_sound", "audio_too_long"}


def test_the_picture_of_a_note_has_one_value_per_100_ms_and_at_most_256():
    assert len(loudness(tone(1.0), SAMPLE_RATE_HZ)) == 10
    assert len(loudness(tone(0.05), SAMPLE_RATE_HZ)) == 1
    assert len(loudness(tone(60.0), SAMPLE_RATE_HZ)) == 256
    assert loudness(np.zeros(0, np.float32), SAMPLE_RATE_HZ) == b"\0"


def test_the_picture_shows_where_it_is_loud():
    quiet, loud = tone(1.0) * np.float32(0.05), tone(1.0)
    picture = loudness(np.concatenate([quiet, loud, np.zeros(SAMPLE_RATE_HZ, np.float32)]), SAMPLE_RATE_HZ)
    assert max(picture[:10]) < 20 < 200 < min(picture[10:20])
    assert picture[20:] == bytes(10)


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("asf", "libmp3lame"),
        ("avi", "mp2"),
        ("mpegts", "mp2"),
        ("mpeg", "mp2"),
        ("ac3", "ac3"),
        ("eac3", "eac3"),
        ("au", "pcm_s16be"),
        ("w64", "pcm_s16le"),
        ("wv", "wavpack"),
        ("tta", "tta"),
        ("flv", "libmp3lame"),
        ("aiff", "pcm_s16be"),
        ("caf", "pcm_s16le"),
    ],
)
def test_what_other_programs_record_is_read(container: str, codec: str):
    waveform = decode(file_of(container, codec, 44_100), max_s=60)
    assert len(waveform) / SAMPLE_RATE_HZ == pytest.approx(1.0, abs=0.15)
    assert pitch_hz(waveform) == pytest.approx(440, abs=5)


def stereo(left: np.ndarray, right: np.ndarray) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setparams((2, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
        made.writeframes((np.stack([left, right], axis=1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


@settings(max_examples=40, deadline=None)
@given(left=st.floats(0, 1), right=st.floats(-1, 1), offset=st.floats(-0.3, 0.3))
def test_no_level_phase_or_offset_of_two_channels_makes_a_sound_vanish(left: float, right: float, offset: float):
    # 40 dB bring half of it, the least that a mix leaves, to the level of speech.
    assume(max(left, abs(right)) > 0.03)
    sound = tone(0.5)
    heard = levelled(decode(stereo(sound * left + offset, sound * right + offset), max_s=60))
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.5, abs=0.05)
    assert pitch_hz(heard) == pytest.approx(440, abs=4)
    assert abs(heard.mean()) < 0.01


def test_a_quiet_voice_is_brought_up_and_a_silent_room_is_not():
    assert np.abs(levelled(tone(1.0) * np.float32(0.02))).max() == pytest.approx(0.7, abs=0.05)
    assert np.abs(levelled(tone(1.0) * np.float32(0.0002))).max() < 0.02
    assert not levelled(np.zeros(100, np.float32)).any()
    assert len(levelled(np.zeros(0, np.float32))) == 0


def test_a_click_is_not_the_level_of_a_recording():
    sound = tone(2.0) * np.float32(0.02)
    sound[1000] = 1.0
    assert np.quantile(np.abs(levelled(sound)), 0.9) > 0.5
