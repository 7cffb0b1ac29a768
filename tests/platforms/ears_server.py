"""A local OpenAI-compatible recogniser: what ASR_URL names.

async with EarsServer() as ears:
    ears.answers += [answer, 500]   what it says next, JSON or a status
    ears.standing = answer          what it says with none left; else it hangs
    ears.asked                      every form that it was given, the sound's bytes under "file"
"""

import asyncio
from typing import Any

from aiohttp import web


class EarsServer:
    """One recogniser. `base` goes into ASR_URL; the model's name may be any."""

    def __init__(self) -> None:
        self.answers: list[int | dict[str, Any]] = []
        self.standing: dict[str, Any] | None = None
        self.asked: list[dict[str, Any]] = []
        self.base = ""

    async def __aenter__(self) -> "EarsServer":
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/audio/transcriptions", self._transcriptions)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _transcriptions(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked: dict[str, Any] = {
            name: value.file.read() if isinstance(value, web.FileField) else value for name, value in form.items()
        }
        self.asked.append({**asked, "authorization": request.headers.get("Authorization", "")})
        while not self.answers and self.standing is None:
            await asyncio.sleep(0.01)
        answer = self.answers.pop(0) if self.answers else self.standing
        if isinstance(answer, int):
            return web.json_response({"error": {"message": "sk-secret was refused"}}, status=answer)
        return web.json_response(answer)


def heard(text: str, language: str = "en", logprob: float = -0.1, loops: float = 1.2) -> dict[str, Any]:
    """What OpenAI's API answers with response_format=verbose_json."""
    segment = {
        "id": 0, "seek": 0, "start": 0.0, "end": 1.5, "text": f" {text}", "tokens": list(range(len(text) // 3 + 1)),
        "temperature": 0.0, "avg_logprob": logprob, "compression_ratio": loops, "no_speech_prob": 0.01,
    }  # fmt: skip
    return {"task": "transcribe", "language": language, "duration": 1.5, "text": text, "segments": [segment]}
