"""Sound in and out through PyAV: any container in, OGG/Opus out.

Everything here blocks; callers run it in a thread of their own.
"""

import io
from collections.abc import Iterator
from math import ceil

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
_CONTAINERS = "ogg,mp3,mov,wav,matroska,aac,flac,amr,caf,aiff"
"""FFmpeg demuxers that read nothing but their own bytes: a playlist could name files of this machine."""

_MIN_RATE_HZ = 4_000
"""Nobody records below; a file that claims 1 Hz would grow 16,000 times in memory."""

Waveform = NDArray[np.float32]


def decode(data: bytes, *, max_s: float, rate_hz: int = SAMPLE_RATE_HZ) -> Waveform:
    """float32[T], mono, at `rate_hz`, of a voice note, a music file or a video's sound track.

    A file that breaks off gives what came before. Decoding stops as soon as more than `max_s` seconds came out,
    whatever the header claims. UserError: audio_empty, audio_unreadable, audio_no_sound, audio_too_long.
    """
    if not data:
        raise UserError("audio_empty")
    chunks: list[NDArray[np.int16]] = []
    room = int(max_s * rate_hz)
    for chunk in _chunks(data, rate_hz):
        chunks.append(chunk)
        room -= len(chunk)
        if room < 0:
            raise UserError("audio_too_long", limit_minutes=ceil(max_s / 60))
    if not chunks:
        raise UserError("audio_unreadable")
    return np.concatenate(chunks).astype(np.float32) / np.float32(32768)


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
        yield from container.decode(audio=0)
    except FFmpegError as error:
        # A cut file: what was decoded so far is kept, and nothing at all is told as unreadable.
        _LOG.debug("a sound breaks off: %s", error)


def _resampled(frames: Iterator[AudioFrame], rate_hz: int) -> Iterator[NDArray[np.int16]]:
    """int16[t] pieces, mono, at `rate_hz`. Some encoders change rate or channels midway: then a new resampler."""
    shape: tuple[int, str, str] | None = None
    resampler: AudioResampler | None = None
    for frame in frames:
        if frame.sample_rate < _MIN_RATE_HZ:
            raise UserError("audio_unreadable")
        found = (frame.sample_rate, frame.layout.name, frame.format.name)
        if resampler is None or found != shape:
            if resampler is not None:
                yield from (piece.to_ndarray()[0] for piece in resampler.resample(None))
            shape, resampler = found, AudioResampler(format="s16", layout="mono", rate=rate_hz)
        yield from (piece.to_ndarray()[0] for piece in resampler.resample(frame))
    if resampler is not None:
        yield from (piece.to_ndarray()[0] for piece in resampler.resample(None))


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
