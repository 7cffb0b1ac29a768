"""What goes out beside words: a voice note, a document. Pure values."""

from dataclasses import dataclass

from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class VoiceNote:
    """Spoken audio: OGG/Opus bytes, seconds, and at most 256 loudness bytes, one per 100 ms or longer."""

    ogg: bytes
    duration_s: float
    waveform: bytes

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


@dataclass(frozen=True, slots=True)
class Document:
    """A file to keep: its name, and its bytes."""

    name: str
    data: bytes

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
