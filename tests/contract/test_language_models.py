"""One suite over every language model: the shipped one, and a remote one behind a real server on this machine."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import httpx
import pytest
from aiohttp import web

from core import clock
from core.errors import AssistantError, PermanentError, RetryableError, SettingError, UserError
from core.lm.base import LanguageModel, Request, Sampling, Utterance
from core.lm.local.loading import SHIPPED
from core.lm.local.model import LocalModel
from core.lm.remote import RemoteModel
from core.telemetry import TOKENS

KEY = "sk-very-secret"
HELLO = (Utterance("system", "You are Parley."), Utterance("user", "Hello"))


class Server:
    """A tiny OpenAI-compatible server; the last user message says how it behaves."""

    def __init__(self) -> None:
        self.requests: list[dict[str, object]] = []
        self.hung_up = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        said: str = body["messages"][-1]["content"]
        if said.startswith("status "):
            status = int(said.split()[1])
            error = {"message": f"no: {request.headers['Authorization']}", "code": " ".join(said.split()[2:])}
            return web.json_response({"error": error}, status=status, headers={"Retry-After": "7"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        try:
            if said == "rubbish":
                await response.write(b'data: {"choices": "\xe4\xbd"}\n\n')
            for piece in self._pieces(said):
                await response.write(f"data: {json.dumps(_chunk(piece))}\n\n".encode())
                await asyncio.sleep(0.002)
            await response.write(f"data: {json.dumps({**_chunk(''), 'choices': [], 'usage': usage})}\n\n".encode())
            await response.write(b"data: [DONE]\n\n")
        except (ConnectionError, asyncio.CancelledError):
            self.hung_up.set()
            raise
        return response

    def _pieces(self, said: str) -> list[str]:
        if said == "go on":
            return ["word "] * 10_000
        if said == "half characters":
            return ["\ufffd", "a\ufffd", "\ud83d", "\ude00 你", "\ufffd好", "\ufffd\ufffd", "\nUs\ufffd", "er: b"]
        return ["", "Hel", "lo", " wor", "ld", ". 你好", " 😀", ""]


def _chunk(piece: str) -> dict[str, object]:
    choice = {"index": 0, "delta": {"content": piece}, "finish_reason": None}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


@pytest.fixture(scope="module")
def local() -> LocalModel:
    return LocalModel.open(None)


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    answering = Server()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answering.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield answering, f"http://127.0.0.1:{port}/v1"
    await runner.cleanup()


@pytest.fixture
async def remote(server: tuple[Server, str]) -> AsyncIterator[RemoteModel]:
    model = RemoteModel(server[1], "m", KEY)
    yield model
    await model.close()


@pytest.fixture(params=["local", "remote"])
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return request.getfixturevalue(request.param)


async def _all(model: LanguageModel, request: Request) -> list[str]:
    async with aclosing(model.stream(request)) as pieces:
        return [piece async for piece in pieces]


# --- every model ---


async def test_says_something_in_whole_pieces(model: LanguageModel):
    pieces = await _all(model, Request(HELLO, 40))
    assert "".join(pieces).strip()
    assert all(pieces)
    assert not any("\ufffd" in piece for piece in pieces)


async def test_stop_string_ends_the_answer_and_is_left_out(model: LanguageModel):
    whole = "".join(await _all(model, Request(HELLO, 40)))
    stop = whole[3:6]
    cut = "".join(await _all(model, Request(HELLO, 40, stop=(stop,))))
    assert cut == whole[: whole.index(stop)]


async def test_closing_early_frees_the_model(model: LanguageModel):
    async with aclosing(model.stream(Request(HELLO, 200))) as pieces:
        await anext(pieces)
    assert "".join(await _all(model, Request(HELLO, 40)))


async def test_counting_grows_with_the_text(model: LanguageModel):
    shorter = model.count_tokens((Utterance("user", "hello"),))
    longer = model.count_tokens((Utterance("user", "hello " * 50),))
    assert 0 < shorter < longer
    assert model.context_tokens > 256


async def test_has_a_name(model: LanguageModel):
    assert model.name


async def test_same_seed_same_answer(model: LanguageModel):
    request = Request(HELLO, 20, Sampling(temperature=1.0, top_p=0.9, seed=7))
    assert await _all(model, request) == await _all(model, request)


# --- the shipped model ---


async def test_first_text_comes_before_the_last(local: LocalModel):
    began, came_s = time.perf_counter(), []
    async with aclosing(local.stream(Request(HELLO, 40))) as pieces:
        async for _ in pieces:
            came_s.append(time.perf_counter() - began)
    assert len(came_s) > 1


async def test_cancelled_requests_leave_the_queue(local: LocalModel):
    async def one(index: int) -> str:
        return "".join(await _all(local, Request((Utterance("user", f"hello {index}"),), 40)))

    tasks = [asyncio.create_task(one(index)) for index in range(6)]
    await asyncio.sleep(0.01)
    for task in tasks[1:5]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(outcome, asyncio.CancelledError) for outcome in outcomes] == [False, *[True] * 4, False]


async def test_closing_the_model_fails_its_requests_for_another_try():
    model = LocalModel.open(None)
    request = Request((Utterance("user", "hello"),), 200, Sampling(temperature=2.0, seed=1))
    running = model.stream(request)
    await anext(running)
    tasks = [asyncio.create_task(_all(model, request)) for _ in range(40)]
    await asyncio.sleep(0)
    await model.close()
    await model.close()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await running.aclose()
    assert all(isinstance(outcome, list | RetryableError) for outcome in outcomes)
    assert isinstance(outcomes[-1], RetryableError)


async def test_chat_larger_than_the_context_is_refused(local: LocalModel):
    with pytest.raises(UserError) as raised:
        await _all(local, Request((Utterance("user", "word " * 2000),), 10))
    assert raised.value.key == "message_too_long"
    limit = raised.value.params["limit_words"]
    assert isinstance(limit, int)
    assert 50 < limit < local.context_tokens


async def test_unknown_characters_survive(local: LocalModel):
    request = Request((Utterance("user", "龘靐齉 𝔘𝔫𝔦 😀👩‍👩‍👧 \x00 é"),), 40, Sampling(temperature=1.8, seed=1))
    assert not any("\ufffd" in piece for piece in await _all(local, request))


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [
        ("config.json", "config.json"),
        ("model.safetensors", "weights"),
        ("tokenizer.json", "tokenizer"),
        ("chat_template.jinja", "chat template"),
    ],
)
def test_incomplete_folder_is_named(tmp_path, left_out: str, missing: str):
    for file in SHIPPED.iterdir():
        if file.name != left_out:
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(SettingError, match=missing) as raised:
        LocalModel.open(str(tmp_path))
    assert raised.value.setting == "LM_MODEL"


@pytest.mark.parametrize("kept_bytes", [0, 7, 1000, 100_000])
def test_weights_that_break_off_are_named(tmp_path, kept_bytes: int):
    for file in SHIPPED.iterdir():
        if file.name != "model.safetensors":
            (tmp_path / file.name).symlink_to(file)
    (tmp_path / "model.safetensors").write_bytes((SHIPPED / "model.safetensors").read_bytes()[:kept_bytes])
    with pytest.raises(SettingError, match="a causal language model") as raised:
        LocalModel.open(str(tmp_path))
    assert raised.value.setting == "LM_MODEL"


def test_folder_that_does_not_exist_is_named():
    with pytest.raises(SettingError, match="a folder that exists"):
        LocalModel.open("/nowhere/at/all")


# --- a remote model ---


async def test_request_carries_what_was_asked(server: tuple[Server, str], remote: RemoteModel):
    await _all(remote, Request(HELLO, 33, Sampling(temperature=0.0, top_p=0.5, seed=3), stop=("X",)))
    sent = server[0].requests[0]
    assert sent["messages"] == [{"role": "system", "content": "You are Parley."}, {"role": "user", "content": "Hello"}]
    assert (sent["model"], sent["max_tokens"], sent["stream"]) == ("m", 33, True)
    assert (sent["temperature"], sent["top_p"], sent["seed"], sent["stop"]) == (0.0, 0.5, 3, ["X"])


async def test_closing_early_hangs_up(server: tuple[Server, str], remote: RemoteModel):
    async with aclosing(remote.stream(Request((Utterance("user", "go on"),), 10))) as pieces:
        await anext(pieces)
    await asyncio.wait_for(server[0].hung_up.wait(), 2)


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        ("429", RetryableError, "429"),
        ("500", RetryableError, "500"),
        ("401", UserError, "model_unreachable"),
        ("404", UserError, "model_unreachable"),
        ("400", PermanentError, "400"),
        ("400 context_length_exceeded", UserError, "message_too_long"),
        ("400 request (6030 tokens) exceeds the available context size (4096 tokens)", UserError, "message_too_long"),
    ],
)
async def test_refusals_become_our_errors_without_the_key(
    server: tuple[Server, str], remote: RemoteModel, status: str, error: type[AssistantError], says: str
):
    with pytest.raises(error) as raised:
        await _all(remote, Request((Utterance("user", f"status {status}"),), 10))
    assert says in str(raised.value)
    assert KEY not in repr(raised.value)
    assert raised.value.__suppress_context__
    assert len(server[0].requests) == 1
    if isinstance(raised.value, RetryableError):
        assert raised.value.after_s == 7


async def test_no_server_is_worth_another_try():
    model = RemoteModel("http://127.0.0.1:9/v1", "m")
    with pytest.raises(RetryableError):
        await _all(model, Request(HELLO, 10))
    await model.close()


async def test_silent_server_is_given_up(
    server: tuple[Server, str], remote: RemoteModel, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.lm.remote.TOTAL_S", 0.01)
    with pytest.raises(UserError, match="model_slow"):
        await _all(remote, Request((Utterance("user", "go on"),), 10))


async def test_a_server_that_keeps_failing_is_left_alone_for_a_moment(
    server: tuple[Server, str], remote: RemoteModel, monkeypatch: pytest.MonkeyPatch
):
    async def fails() -> RetryableError:
        with pytest.raises(RetryableError) as raised:
            await _all(remote, Request((Utterance("user", "status 503"),), 10))
        return raised.value

    for _ in range(5):
        await fails()
    assert "left alone" in str(await fails())
    assert len(server[0].requests) == 5
    now = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: now + 60)
    assert "503" in str(await fails())
    with pytest.raises(RetryableError, match="left alone"):
        await _all(remote, Request(HELLO, 10))
    monkeypatch.setattr(clock, "monotonic", lambda: now + 120)
    assert await _all(remote, Request(HELLO, 10))
    assert await _all(remote, Request(HELLO, 10))


async def test_what_a_server_makes_of_half_a_character_is_left_out(remote: RemoteModel):
    asked = (Utterance("user", "half characters"),)
    pieces = await _all(remote, Request(asked, 10))
    assert all(pieces)
    assert "".join(pieces) == "a😀 你好\nUser: b"
    assert "".join(await _all(remote, Request(asked, 10, stop=("\nUser:",)))) == "a😀 你好"


async def test_a_server_that_sends_no_text_is_worth_another_try(remote: RemoteModel):
    with pytest.raises(RetryableError, match="UnicodeDecodeError"):
        await _all(remote, Request((Utterance("user", "rubbish"),), 10))


async def test_tokens_are_counted_where_the_server_tells_them(remote: RemoteModel):
    before = [TOKENS.labels(way)._value.get() for way in ("in", "out")]
    await _all(remote, Request(HELLO, 10))
    assert [TOKENS.labels(way)._value.get() for way in ("in", "out")] == [before[0] + 11, before[1] + 7]


# --- a real server from a package ---


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The shipped model behind `transformers serve`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(SHIPPED), "--port", str(port)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(
        [*command, "--device", "cpu"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            assert process.poll() is None
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(20)


async def test_a_real_server_says_what_the_model_says_here(served: str, local: LocalModel):
    model = RemoteModel(served, str(SHIPPED))
    request = Request((*HELLO[:1], Utterance("user", "What can you do?")), 40, Sampling(temperature=0.0))
    before = TOKENS.labels("out")._value.get()
    answers = ["".join(pieces) for pieces in await asyncio.gather(_all(model, request), _all(model, request))]
    await model.close()
    assert answers == ["".join(await _all(local, request))] * 2
    assert TOKENS.labels("out")._value.get() > before
