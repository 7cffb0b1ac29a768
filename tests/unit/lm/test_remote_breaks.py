"""A server over a real socket that breaks off: what the client raises becomes ours, whatever it speaks through."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from core.errors import RetryableError
from core.lm.base import Request, Utterance
from core.lm.remote import RemoteModel

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s\r\n"
MODELS = b'{"data": [{"id": "m", "max_model_len": 2048}]}'
PIECE = b'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n'
STREAM = HEAD % (b"text/event-stream", b"Transfer-Encoding: chunked\r\n")
BREAKS = {
    "before its head": b"",
    "within its head": b"HTTP/1.1 20",
    "before its first word": STREAM,
    "after a word": STREAM + b"%x\r\n%s\r\n" % (len(PIECE), PIECE),
    "within a word": STREAM + b"%x\r\n%s" % (len(PIECE), PIECE[:20]),
    "with what is no HTTP": b"a secret of the server\r\n\r\n",
    "with what is no gzip": HEAD % (b"text/event-stream", b"Content-Encoding: gzip\r\n") + b"a secret of the server",
}


@contextlib.asynccontextmanager
async def serving(answer: bytes) -> AsyncGenerator[str]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        models = HEAD % (b"application/json", b"Connection: close\r\n") + MODELS
        writer.write(models if head.startswith(b"GET") else answer)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@pytest.mark.slow
@pytest.mark.parametrize("answer", BREAKS.values(), ids=BREAKS)
async def test_an_answer_that_breaks_off_is_tried_again(answer: bytes):
    async with serving(answer) as url:
        model = RemoteModel(url, "m")
        with pytest.raises(RetryableError) as caught:
            async for _ in model.stream(Request((Utterance.of("user", "hi"),), 8)):
                pass
        await model.close()
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
