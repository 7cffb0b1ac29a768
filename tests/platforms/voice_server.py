"""A local OpenAI-compatible voice: what TTS_URL names.

async with VoiceServer() as voice:
    voice.answers += [ogg, 500]     what it says next, bytes or a status; with none left it hangs
    voice.asked                     every text that it was given
"""

import asyncio

from aiohttp import web


class VoiceServer:
    """One voice. `base` goes into TTS_URL; the model's name may be any."""

    def __init__(self) -> None:
        self.answers: list[int | bytes] = []
        self.asked: list[str] = []
        self.base = ""

    async def __aenter__(self) -> "VoiceServer":
        app = web.Application()
        app.router.add_post("/v1/audio/speech", self._speech)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _speech(self, request: web.Request) -> web.Response:
        self.asked.append((await request.json())["input"])
        while not self.answers:
            await asyncio.sleep(0.01)
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError  # who hung up takes no answer from the next
        answer = self.answers.pop(0)
        return web.Response(status=answer) if isinstance(answer, int) else web.Response(body=answer)
