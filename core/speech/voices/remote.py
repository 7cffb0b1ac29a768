"""A voice behind any OpenAI-compatible server (TTS_URL): its `/audio/speech`, through the `openai` client.

The client's errors become ours here, and never carry the key or what the server said.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from core.errors import AssistantError, PermanentError, RetryableError, UserError
from core.speech import audio
from core.speech.voices.base import MAX_SPEECH_S, Sound
from core.telemetry import log

_LOG = log("voices")
CONNECT_S = 5.0
TOTAL_S = 45.0
"""The text waits for its note, and longer nobody should."""
_RATE_HZ = 48_000
_MOST_BYTES = 32 * 2**20  # two minutes of WAV in stereo at 48 kHz are 23 MB
_LONGEST_S = 2 * MAX_SPEECH_S


class RemoteVoice:
    """One voice of one server. Nothing is tried again here: the text of the answer is waiting."""

    def __init__(self, url: str, model: str, voice: str, api_key: str = "", speed: float = 1.0) -> None:
        from httpx2 import Timeout
        from openai import AsyncOpenAI  # slow to import

        self.name = model
        self._voice = voice
        self._speed = {"speed": speed} if speed != 1 else None  # not every server knows it
        timeout = Timeout(TOTAL_S, connect=CONNECT_S)
        self._client = AsyncOpenAI(base_url=url, api_key=api_key or "none", max_retries=0, timeout=timeout)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voice")

    async def say(self, sentences: Sequence[str], language: str) -> Sound:
        """The sentences as the server says them; the language is for it to see."""
        data = await self._within(" ".join(sentences))
        return await asyncio.get_running_loop().run_in_executor(self._thread, _decoded, data)

    async def close(self) -> None:
        """Close the connections and let the thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        await self._client.close()

    async def _within(self, text: str) -> bytes:
        from httpx2 import HTTPError
        from openai import OpenAIError

        try:
            async with asyncio.timeout(TOTAL_S):
                return await self._ask(text)
        except TimeoutError:
            raise RetryableError(f"the voice at TTS_URL was not done within {TOTAL_S:.0f} s") from None
        except (OpenAIError, HTTPError) as error:
            # `from None`: the causes hold the server's words and our headers.
            raise self._ours(error) from None

    async def _ask(self, text: str) -> bytes:
        # WAV is what most of these servers can do; what comes instead is decoded all the same.
        asking = self._client.audio.speech.with_streaming_response.create(
            input=text, model=self.name, voice=self._voice, response_format="wav", extra_body=self._speed
        )
        received = bytearray()
        async with asking as response:
            async for chunk in response.iter_bytes():
                received += chunk
                if len(received) > _MOST_BYTES:
                    raise PermanentError(f"the voice at TTS_URL sent more than {_MOST_BYTES // 2**20} MB")
        return bytes(received)

    def _ours(self, error: Exception) -> AssistantError:
        from openai import APIStatusError

        if not isinstance(error, APIStatusError):
            return RetryableError(f"the voice at TTS_URL cannot be reached: {type(error).__name__}")
        status = error.status_code
        if status in (408, 409, 429) or status >= 500:
            return RetryableError(f"the voice at TTS_URL answered {status}")
        check = f"check TTS_URL, TTS_MODEL ({self.name}), TTS_VOICE ({self._voice}) and TTS_API_KEY"
        return PermanentError(f"the voice at TTS_URL answered {status}: {check}")


def _decoded(data: bytes) -> Sound:
    try:
        return Sound(audio.decode(data, max_s=_LONGEST_S, rate_hz=_RATE_HZ), _RATE_HZ)
    except UserError as error:
        raise PermanentError(f"the voice at TTS_URL sent {len(data)} bytes that are no sound ({error.key})") from error
