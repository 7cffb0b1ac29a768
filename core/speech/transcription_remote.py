"""Ears behind any OpenAI-compatible server (ASR_URL): its `/audio/transcriptions`, through the `openai` client.

What is no speech is never sent: silence is told apart here, as for ears of this machine. The client's errors become
ours, and never carry the key or what the server said.
"""

import asyncio
import io
import wave
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from core.errors import AssistantError, PermanentError, RetryableError, UserError
from core.speech import audio, languages, loops
from core.speech.audio import Waveform
from core.speech.hearing import MAX_AUDIO_S, Segment, Transcript, before, confidence_of, sure_from
from core.text.language import language_of

CONNECT_S = 5.0
TOTAL_S = 90.0
"""Ten minutes of speech at seven times its speed, which servers without a GPU reach."""
_AT_ONCE = 4


class RemoteHearing:
    """One recogniser of one server. Nothing is tried again here: the message is."""

    weight_bytes = 0
    bits = 0
    translates = False
    """Its answer would be English without saying what it was."""

    def __init__(self, url: str, model: str, api_key: str = "", allowed: Sequence[str] = ()) -> None:
        """`allowed` are the languages that voice notes may be in, () for all."""
        from httpx2 import Timeout  # comes with openai
        from openai import AsyncOpenAI  # slow to import

        self.name = model
        self._allowed = allowed
        timeout = Timeout(TOTAL_S, connect=CONNECT_S)
        self._client = AsyncOpenAI(base_url=url, api_key=api_key or "none", max_retries=0, timeout=timeout)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hearing")

    async def transcribe(
        self,
        data: bytes,
        *,
        language: str | None = None,
        likely: Sequence[str] = (),
        names: Sequence[str] = (),
        in_english: bool = False,
    ) -> Transcript:
        """As `Hearing.transcribe`. A language that is not allowed is asked for again in one that is."""
        speech, length_s = await asyncio.get_running_loop().run_in_executor(self._threads, _speech, data)
        chat = (language, *likely) if language else likely
        ordered = languages.base(language or "")
        heard = await self._within(speech, ordered, before(ordered or _base(likely), chat, names))
        found = ordered or _language(heard, likely)
        if self._allowed and found not in self._allowed:
            found = next((tag for tag in map(languages.base, likely) if tag in self._allowed), self._allowed[0])
            heard = await self._within(speech, found, before(found, chat, names))
        said = str(heard.text).strip()
        if not said:
            raise UserError("audio_silent")
        segments = _segments(heard)
        text = loops.shortened(said)
        confidence = (confidence_of(segments) if segments else 1.0) if text == said else 0.0
        doubtful = confidence < (sure_from(segments) if segments else 1.0)
        return Transcript(text, found, length_s, confidence, 1.0, doubtful, segments)

    async def close(self) -> None:
        """Close the connections and let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._client.close()

    async def _within(self, speech: bytes, language: str, prompt: str | None) -> Any:
        from httpx2 import HTTPError  # comes with openai
        from openai import OpenAIError

        more = {name: value for name, value in (("language", language), ("prompt", prompt)) if value}
        file = ("note.wav", speech, "audio/wav")
        try:
            async with asyncio.timeout(TOTAL_S):
                # Not every server gives segments: what is only text is taken as it is.
                asked: Any = self._client.audio.transcriptions
                return await asked.create(file=file, model=self.name, response_format="verbose_json", **more)
        except TimeoutError:
            raise RetryableError(f"the ears at ASR_URL were not done within {TOTAL_S:.0f} s") from None
        except (OpenAIError, HTTPError, ValueError) as error:
            # `from None`: the causes hold the server's words and our headers.
            raise self._ours(error) from None

    def _ours(self, error: Exception) -> AssistantError:
        from openai import APIStatusError

        if not isinstance(error, APIStatusError):
            return RetryableError(f"the ears at ASR_URL cannot be reached: {type(error).__name__}")
        status = error.status_code
        if status in (408, 409, 429) or status >= 500:
            return RetryableError(f"the ears at ASR_URL answered {status}")
        return PermanentError(
            f"the ears at ASR_URL answered {status}: check ASR_URL, ASR_MODEL ({self.name}) and ASR_API_KEY"
        )


def _speech(data: bytes) -> tuple[bytes, float]:
    """What is speech of a recording, as WAV, and the recording's length in seconds; UserError when nothing is."""
    from faster_whisper.vad import get_speech_timestamps  # loads onnxruntime

    waveform = audio.levelled(audio.decode(data, max_s=MAX_AUDIO_S))
    spans = get_speech_timestamps(waveform)
    if not spans:
        raise UserError("audio_silent")
    spoken = np.concatenate([waveform[span["start"] : span["end"]] for span in spans])
    return _wav(spoken), len(waveform) / audio.SAMPLE_RATE_HZ


def _wav(samples: Waveform) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setparams((1, 2, audio.SAMPLE_RATE_HZ, 0, "NONE", ""))
        made.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def _base(likely: Sequence[str]) -> str:
    return languages.base(likely[0]) if likely else ""


def _language(heard: Any, likely: Sequence[str]) -> str:
    """By the server's code; some say the language's name or nothing, and then by the words."""
    code = str(getattr(heard, "language", None) or "").lower()
    return code if 2 <= len(code) <= 3 else languages.base(language_of(str(heard.text), _base(likely)))


def _segments(heard: Any) -> tuple[Segment, ...]:
    found: list[Segment] = []
    for each in getattr(heard, "segments", None) or ():
        if each.avg_logprob is None or each.tokens is None:
            return ()
        found.append(
            Segment(
                str(each.text), float(each.start), float(each.end), len(each.tokens), float(each.avg_logprob),
                float(each.compression_ratio or 0),
            )
        )  # fmt: skip
    return tuple(found)
