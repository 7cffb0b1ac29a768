"""A track of sound in a file that av writes."""

from av.audio.stream import AudioStream
from av.container import OutputContainer


def sound_track(file: OutputContainer, codec: str, rate_hz: int, layout: str = "mono") -> AudioStream:
    """A new track; av cannot tell by a codec's name that it is one of sound."""
    track = file.add_stream(codec, rate=rate_hz, layout=layout)
    assert isinstance(track, AudioStream)
    return track
