"""Sound in and out through PyAV: any container in, OGG/Opus out.

Everything here blocks; callers run it in a thread of their own.
"""

import io
from collections.abc import Iterator
from math import ceil
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from core.errors import UserError
from core.telemetry import log

_LOG = log("audio")
SAMPLE_RATE_HZ = 16_000
"""What Whisper hears."""

_OPUS_RATE_HZ = 48_000
_OPUS_BITS_S = 32_000
_MAX_LOUDNESS_BYTES = 256  # Discord: at most 256, and at most one per 100 ms
_LOUDNESS_PER_S = 10
_CONTAINERS = (
    "ogg,mp3,mov,wav,matroska,aac,flac,amr,caf,aiff,asf,avi,mpegts,mpeg,ac3,eac3,au,w64,wv,tta,flv,ape,dts,voc,gsm,"
    "dsf,mpc,mpc8,tak,truehd,oma,nut,sox,loas"
)
"""FFmpeg demuxers that read nothing but their own bytes: a playlist could name files of this machine."""
_CANCELLED = 0.5
"""Of the louder channel's level. Below it channels cancel each other where they are mixed: two that have nothing in
common keep 0.7, and one that is silent leaves 0.5.
"""
_PEAK = 10 ** (-3 / 20)
_MOST_GAIN = 100.0
"""40 dB. What is quieter still is not amplified to full level, or the noise of a silent room would be."""
_BRIEF = 0.0005
"""The share of the samples that may be louder than the peak: a click is not the level of a recording."""

_MIN_RATE_HZ = 4_000
"""Nobody records below; a file that claims 1 Hz would grow 16,000 times in memory."""

Waveform = NDArray[np.float32]


def decode(data: bytes, *, max_s: float, rate_hz: int = SAMPLE_RATE_HZ) -> Waveform:
    """float32[T], mono, at `rate_hz`, of a voice note, a music file or the sound track that a player would choose.

    Channels are mixed as a listener would hear them: where they cancel each other, the louder one is taken. A file that
    breaks off gives what came before. Decoding stops as soon as more than `max_s` seconds came out, whatever the header
    claims. UserError: audio_empty, audio_unreadable, audio_no_sound, audio_too_long.
    """
    if not data:
        raise UserError("audio_empty")
    chunks: list[NDArray[np.int16]] = []
    room = int(max_s * rate_hz)
    for chunk in _chunks(data, rate_hz):
        chunks.append(chunk)
        room -= chunk.shape[1]
        if room < 0:
            raise UserError("audio_too_long", limit_minutes=ceil(max_s / 60))
    if not chunks:
        raise UserError("audio_unreadable")
    width = max(len(chunk) for chunk in chunks)
    channels = np.concatenate([np.broadcast_to(chunk, (width, chunk.shape[1])) for chunk in chunks], axis=1)
    return _mixed(channels.astype(np.float32) / np.float32(32768))


def _mixed(channels: NDArray[np.float32]) -> Waveform:
    """float32[channels, T] -> float32[T]."""
    mix = channels.mean(axis=0)
    levels = np.sqrt(np.mean((channels - channels.mean(axis=1, keepdims=True)) ** 2, axis=1))
    return channels[levels.argmax()] if np.std(mix) < _CANCELLED * levels.max() else mix


def levelled(waveform: Waveform) -> Waveform:
    """The same sound around zero, its loudest parts at -3 dB; at most 40 dB louder than it was."""
    centred = waveform - waveform.mean(dtype=np.float64).astype(np.float32) if len(waveform) else waveform
    loud = float(np.quantile(np.abs(centred), 1 - _BRIEF)) if len(waveform) else 0.0
    return np.clip(centred * np.float32(min(_MOST_GAIN, _PEAK / loud)), -1, 1) if loud else centred


def _chunks(data: bytes, rate_hz: int) -> Iterator[NDArray[np.int16]]:
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": ""}
    try:
        # Tags in other encodings than UTF-8 are common, and nobody reads them here.
        with av.open(io.BytesIO(data), "r", options=options, metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise UserError("audio_no_sound")
            yield from _resampled(_frames(container), rate_hz)
    except FFmpegError as error:
        raise UserError("audio_unreadable") from error


def _frames(container: InputContainer) -> Iterator[AudioFrame]:
    try:
        # Video players and FFmpeg choose so: the track that is marked as the default, else the richest.
        yield from cast(Iterator[AudioFrame], container.decode(container.streams.best("audio")))
    except FFmpegError as error:
        # A cut file: what was decoded so far is kept, and nothing at all is told as unreadable.
        _LOG.debug("a sound breaks off: %s", error)


def _resampled(frames: Iterator[AudioFrame], rate_hz: int) -> Iterator[NDArray[np.int16]]:
    """int16[1 or 2, t] pieces at `rate_hz`, more channels as two.

    Some encoders change rate or channels midway: then a new resampler.
    """
    shape: tuple[int, str, str] | None = None
    resampler: AudioResampler | None = None
    for frame in frames:
        if frame.sample_rate < _MIN_RATE_HZ:
            raise UserError("audio_unreadable")
        found = (frame.sample_rate, frame.layout.name, frame.format.name)
        if resampler is None or found != shape:
            if resampler is not None:
                yield from (_samples(piece) for piece in resampler.resample(None))
            layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
            shape, resampler = found, AudioResampler(format="s16p", layout=layout, rate=rate_hz)
        yield from (_samples(piece) for piece in resampler.resample(frame))
    if resampler is not None:
        yield from (_samples(piece) for piece in resampler.resample(None))


def _samples(frame: AudioFrame) -> NDArray[np.int16]:
    return cast(NDArray[np.int16], frame.to_ndarray())


def encode_ogg_opus(waveform: NDArray[np.float32] | NDArray[np.int16], rate_hz: int) -> bytes:
    """An OGG/Opus voice note as Telegram and Discord want it: mono, 48 kHz, 32 kbit/s.

    `waveform` is [T], float32 in -1..1 or int16.
    """
    samples = waveform if waveform.dtype == np.int16 else (np.clip(waveform, -1, 1) * 32767).astype(np.int16)
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=_OPUS_RATE_HZ, layout="mono")
        stream.bit_rate = _OPUS_BITS_S
        stream.codec_context.options = {
            "application": "voip",
            "vbr": "on",
            "frame_duration": "20",
            "compression_level": "4",
        }
        resampler = AudioResampler(format="s16", layout="mono", rate=_OPUS_RATE_HZ)
        step = max(1, rate_hz // 10)
        for start in range(0, len(samples), step):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + step], format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate_hz, start
            for piece in resampler.resample(frame):
                container.mux(stream.encode(piece))
        for piece in resampler.resample(None):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return out.getvalue()


def loudness(waveform: NDArray[np.float32] | NDArray[np.int16], rate_hz: int) -> bytes:
    """The picture of a voice note: root mean square of equal slices, 0 to 255, the loudest near the top."""
    level = np.abs(waveform.astype(np.float32))
    level /= level.max(initial=0) or 1
    count = int(np.clip(len(level) / rate_hz * _LOUDNESS_PER_S, 1, _MAX_LOUDNESS_BYTES))
    slices = np.array_split(level, count)
    return bytes(int(min(255, 255 * 1.5 * np.sqrt(np.mean(piece**2)))) if len(piece) else 0 for piece in slices)
