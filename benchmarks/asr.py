"""A voice note of ten seconds through `core.speech` beside bare faster-whisper: `make bench-asr` (QUICK=1: fewer).

Both hear the same OGG/Opus bytes with the model that ships, cut at the same pauses, with the same options and threads.
A heartbeat on the event loop tells how late it is while Parley hears.
"""

import asyncio
import io
import os
import time
from typing import Any

import numpy as np

from benchmarks import report
from core.speech import audio
from core.speech.hearing import Hearing
from core.speech.synthesis import Speaking
from core.speech.transcription import SHIPPED, WhisperHearing, _Asked
from core.speech.voices.builtin import BuiltinVoice

QUICK = bool(os.environ.get("QUICK"))
ROUNDS = 10 if QUICK else 40
NOTE_S = 10.0
_BEAT_S = 0.005
_SAID = "Good morning, my name is Zora. What can you do for me today? Tell me a joke. What is my name? "


class Bare:
    """faster-whisper as its README calls it, told what `core.speech` tells it of a model that learnt sentences."""

    def __init__(self) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(str(SHIPPED), compute_type="int8", cpu_threads=len(os.sched_getaffinity(0)))

    def hear(self, data: bytes, options: dict[str, Any]) -> str:
        """The words of a voice note."""
        from faster_whisper import decode_audio
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        waveform = decode_audio(io.BytesIO(data))
        assert isinstance(waveform, np.ndarray)  # two of them only of a stereo sound that is to be split
        pauses = VadOptions(min_silence_duration_ms=140, speech_pad_ms=200)
        texts = []
        for span in get_speech_timestamps(waveform, pauses):
            segments, _ = self._model.transcribe(waveform[span["start"] : span["end"]], **options)
            texts += [segment.text.strip() for segment in segments]
        return " ".join(filter(None, texts))


async def note() -> bytes:
    """Ten seconds of the built-in voice."""
    speaking = Speaking(BuiltinVoice())
    spoken = await speaking.speak(_SAID * 3, "en")
    await speaking.close()
    waveform = audio.decode(spoken.ogg, max_s=60)[: int(NOTE_S * audio.SAMPLE_RATE_HZ)]
    return audio.encode_ogg_opus(waveform, audio.SAMPLE_RATE_HZ)


async def heard(hearing: Hearing, data: bytes, late_s: list[float]) -> tuple[str, float]:
    """Its words and the seconds it took; how late each beat of the loop was goes into `late_s`."""

    async def beat() -> None:
        while True:
            due = time.perf_counter() + _BEAT_S
            await asyncio.sleep(_BEAT_S)
            late_s.append(time.perf_counter() - due)

    beating = asyncio.create_task(beat())
    start = time.perf_counter()
    text = (await hearing.transcribe(data)).text
    took_s = time.perf_counter() - start
    beating.cancel()
    return text, took_s


async def main() -> None:
    """Measure and print."""
    print(report.machine())
    data = await note()
    hearing = WhisperHearing.open(None)
    bare, asked = Bare(), _Asked("en", (), (), in_english=False)
    options = hearing._options(np.zeros(0, np.float32), "en", asked)  # the same for any piece, by the model that ships
    late_s: list[float] = []
    texts = {(await heard(hearing, data, []))[0], bare.hear(data, options)}
    assert len(texts) == 1, f"both should hear the same: {texts}"
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        ours.append((await heard(hearing, data, late_s))[1])
        start = time.perf_counter()
        bare.hear(data, options)
        theirs.append(time.perf_counter() - start)
    await hearing.close()
    both = (("bare faster-whisper", theirs), ("core.speech.transcription", ours))
    rows = [(name, *(f"{ms:.0f}" for ms in np.percentile(took, [50, 90]) * 1000)) for name, took in both]
    report.table((f"a note of {NOTE_S:.0f} s, {ROUNDS} times in turn", "p50 ms", "p90 ms"), rows)
    p50, p99 = np.percentile(late_s, [50, 99]) * 1000
    report.table(
        (f"the event loop meanwhile, {len(late_s)} beats", "late by"),
        [("p50", f"{p50:.2f} ms"), ("p99", f"{p99:.2f} ms")],
    )
    report.close(
        "asr",
        {
            "hearing_over_bare": float(np.median(ours) / np.median(theirs)),
            "loop_lag_p99_ms": float(p99),
            "hearing_ms": float(np.median(ours) * 1000),
            "bare_ms": float(np.median(theirs) * 1000),
        },
    )


if __name__ == "__main__":
    asyncio.run(main())
