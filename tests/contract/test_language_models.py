"""One suite over every language model: the shipped one, and a remote one behind a real server on this machine."""

import asyncio
import base64
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
from core.lm.base import Image, LanguageModel, Piece, Request, Text, Tool, ToolCall, Usage, Utterance, whole_text
from core.lm.local.loading import SHIPPED
from core.lm.local.model import LocalModel
from core.lm.remote import RemoteModel
from core.telemetry import TOKENS
from core.values.sampling import Sampling
from tests.fakes.thinking import FakeModel

KEY = "sk-very-secret"
PICTURE = Image(b"\x89PNG\r\n\x1a\n picture", "image/png")
CLOCK = Tool("clock", "What time it is.", {"type": "object", "properties": {"zone": {"type": "string"}}})
HELLO = (Utterance.of("system", "You are Parley."), Utterance.of("user", "Hello"))


class Server:
    """A tiny OpenAI-compatible server; the last user message says how it behaves."""

    def __init__(self) -> None:
        self.requests: list[dict[str, object]] = []
        self.hung_up = asyncio.Event()
        self.refuses: dict[str, str] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        refused = [words for option, words in self.refuses.items() if option in json.dumps(body)]
        if refused:
            return web.json_response({"error": {"message": refused[0]}}, status=400)
        content = body["messages"][-1]["content"]
        said: str = content if isinstance(content, str) else content[0]["text"]
        if said.startswith("status "):
            status = int(said.split()[1])
            error = {"message": f"no: {request.headers['Authorization']}", "code": " ".join(said.split()[2:])}
            return web.json_response({"error": error}, status=status, headers={"Retry-After": "7"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        usage |= {"prompt_tokens_details": {"cached_tokens": 8}}
        chunks = [_chunk(content=piece) for piece in self._pieces(said)]
        if said.startswith("call"):
            chunks = [_chunk(content="One moment.")] if said == "call beside words" else []
            chunks += [_chunk(tool_calls=[piece]) for piece in CALLS]
        try:
            if said == "rubbish":
                await response.write(b'data: {"choices": "\xe4\xbd"}\n\n')
            for chunk in chunks:
                await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
                await asyncio.sleep(0.002)
            if "stream_options" in body:
                last = {**_chunk(), "choices": [], "usage": usage}
                await response.write(f"data: {json.dumps(last)}\n\n".encode())
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


CALLS = (
    {"index": 0, "id": "a", "type": "function", "function": {"name": "clock", "arguments": ""}},
    {"index": 0, "function": {"arguments": '{"zone": '}},
    {"index": 1, "id": "b", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
    {"index": 0, "function": {"arguments": '"UTC"}'}},
    {"index": 0, "id": "c", "type": "function", "function": {"name": "clock", "arguments": None}},
)
"""Three calls in pieces, two of which share an index, as Ollama's do."""


def _chunk(**delta: object) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m-2026", "choices": [choice]}


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


@pytest.fixture
def fake() -> FakeModel:
    return FakeModel()


@pytest.fixture(params=["local", "remote", "fake"])
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return request.getfixturevalue(request.param)


async def _pieces(model: LanguageModel, request: Request) -> list[Piece]:
    async with aclosing(model.stream(request)) as pieces:
        return [piece async for piece in pieces]


async def _all(model: LanguageModel, request: Request) -> list[str]:
    return [piece.text for piece in await _pieces(model, request) if isinstance(piece, Text)]


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
    shorter = model.count_tokens((Utterance.of("user", "hello"),))
    longer = model.count_tokens((Utterance.of("user", "hello " * 50),))
    assert 0 < shorter < longer
    assert model.context_tokens > 256


async def test_has_a_name(model: LanguageModel):
    assert model.name


async def test_says_which_of_its_name_it_is(model: LanguageModel):
    assert await _all(model, Request(HELLO, 10))
    assert model.revision


async def test_what_an_answer_took_is_told_once_at_its_end(model: LanguageModel):
    *texts, usage = await _pieces(model, Request(HELLO, 40))
    assert all(isinstance(piece, Text) for piece in texts)
    assert isinstance(usage, Usage)
    assert (usage.prompt_tokens > 0, usage.completion_tokens > 0) == (True, True)
    assert 0 <= usage.cached_tokens <= usage.prompt_tokens


async def test_what_a_stop_string_cut_off_is_told_too(model: LanguageModel):
    whole = "".join(await _all(model, Request(HELLO, 40)))
    usage = (await _pieces(model, Request(HELLO, 40, stop=(whole[3:6],))))[-1]
    assert isinstance(usage, Usage)
    assert 0 < usage.completion_tokens <= 40


async def test_only_who_can_take_tasks_says_so(model: LanguageModel, local: LocalModel):
    assert ("instructions" in model.capabilities) == (model is not local)


async def test_images_are_refused_by_whom_cannot_see_them(model: LanguageModel):
    request = Request((Utterance("user", (Text("What is this?"), PICTURE)),), 20)
    if "images" in model.capabilities:
        assert await whole_text(model, request)
    else:
        with pytest.raises(UserError, match="image_not_understood"):
            await _pieces(model, request)


async def test_who_cannot_call_tools_answers_without_them(model: LanguageModel):
    pieces = await _pieces(model, Request(HELLO, 20, tools=(CLOCK,)))
    assert any(isinstance(piece, Text) for piece in pieces)
    assert not any(isinstance(piece, ToolCall) for piece in pieces)


async def test_a_seed_draws_the_same_tokens_where_that_is_said(model: LanguageModel):
    if "seeds" in model.capabilities:
        tries = [await _all(model, Request(HELLO, 20, Sampling(temperature=1.5, seed=seed))) for seed in (3, 3, 4)]
        assert tries[0] == tries[1] != tries[2]


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
        return "".join(await _all(local, Request((Utterance.of("user", f"hello {index}"),), 40)))

    tasks = [asyncio.create_task(one(index)) for index in range(6)]
    await asyncio.sleep(0.01)
    for task in tasks[1:5]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(outcome, asyncio.CancelledError) for outcome in outcomes] == [False, *[True] * 4, False]


async def test_closing_the_model_fails_its_requests_for_another_try():
    model = LocalModel.open(None)
    request = Request((Utterance.of("user", "hello"),), 200, Sampling(temperature=2.0, seed=1))
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
        await _all(local, Request((Utterance.of("user", "word " * 2000),), 10))
    assert raised.value.key == "message_too_long"
    limit = raised.value.params["limit_words"]
    assert isinstance(limit, int)
    assert 50 < limit < local.context_tokens


async def test_unknown_characters_survive(local: LocalModel):
    request = Request((Utterance.of("user", "龘靐齉 𝔘𝔫𝔦 😀👩‍👩‍👧 \x00 é"),), 40, Sampling(temperature=1.8, seed=1))
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


async def test_what_was_kept_of_a_prompt_is_told(local: LocalModel):
    first, again = [(await _pieces(local, Request(HELLO, 20, channel="kept")))[-1] for _ in range(2)]
    assert isinstance(first, Usage)
    assert isinstance(again, Usage)
    assert again.prompt_tokens == first.prompt_tokens == local.count_tokens(HELLO)
    assert again.cached_tokens == again.prompt_tokens - 1
    words = local.count_tokens((Utterance.of("assistant", await whole_text(local, Request(HELLO, 20))),))
    assert 0 < again.completion_tokens < words


# --- a remote model ---


async def test_request_carries_what_was_asked(server: tuple[Server, str], remote: RemoteModel):
    await _all(remote, Request(HELLO, 33, Sampling(temperature=0.0, top_p=0.5, seed=3), stop=("X",)))
    sent = server[0].requests[0]
    assert sent["messages"] == [{"role": "system", "content": "You are Parley."}, {"role": "user", "content": "Hello"}]
    assert (sent["model"], sent["max_tokens"], sent["stream"]) == ("m", 33, True)
    assert (sent["temperature"], sent["top_p"], sent["seed"], sent["stop"]) == (0.0, 0.5, 3, ["X"])
    assert "tools" not in sent


async def test_images_and_tools_go_out_as_openai_has_them(server: tuple[Server, str], remote: RemoteModel):
    chat = (HELLO[0], Utterance("user", (Text("What is this?"), PICTURE)))
    await _all(remote, Request(chat, 33, tools=(CLOCK,)))
    sent = server[0].requests[0]
    data = base64.b64encode(PICTURE.data).decode()
    assert sent["messages"] == [
        {"role": "system", "content": "You are Parley."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
            ],
        },
    ]
    function = {"name": CLOCK.name, "description": CLOCK.description, "parameters": CLOCK.parameters}
    assert sent["tools"] == [{"type": "function", "function": function}]
    assert remote.count_tokens(chat) > remote.count_tokens((HELLO[0], Utterance.of("user", "What is this?"))) + 1000


async def test_usage_is_what_the_server_says(remote: RemoteModel):
    assert (await _pieces(remote, Request(HELLO, 10)))[-1] == Usage(11, 7, 8)
    assert remote.revision == "m-2026"


async def test_a_server_that_refuses_to_tell_usage_answers_all_the_same(
    server: tuple[Server, str], remote: RemoteModel
):
    server[0].refuses["stream_options"] = "no"
    first, second = [await _pieces(remote, Request(HELLO, 10)) for _ in range(2)]
    assert first == second
    assert ["stream_options" in asked for asked in server[0].requests] == [True, False, False]
    text = "".join(piece.text for piece in first if isinstance(piece, Text))
    usage = first[-1]
    assert isinstance(usage, Usage)
    assert usage.prompt_tokens == remote.count_tokens(HELLO)
    assert len(text) / 5 < usage.completion_tokens < len(text)


async def test_a_tool_is_called_with_all_that_was_written(remote: RemoteModel):
    *calls, usage = await _pieces(remote, Request((Utterance.of("user", "call"),), 10, tools=(CLOCK,)))
    assert calls == [
        ToolCall("a", "clock", '{"zone": "UTC"}'),
        ToolCall("b", "clock", "{}"),
        ToolCall("c", "clock", ""),
    ]
    assert isinstance(usage, Usage)


async def test_a_call_that_nobody_offered_is_no_silent_answer(remote: RemoteModel):
    with pytest.raises(UserError, match="no_answer"):
        await _pieces(remote, Request((Utterance.of("user", "call"),), 10))
    text, usage = await _pieces(remote, Request((Utterance.of("user", "call beside words"),), 10))
    assert text == Text("One moment.")
    assert isinstance(usage, Usage)


async def test_a_server_that_refuses_tools_answers_without_them(server: tuple[Server, str], remote: RemoteModel):
    server[0].refuses["tools"] = "registry/m does not support tools"
    for _ in range(2):
        assert await _all(remote, Request(HELLO, 10, tools=(CLOCK,)))
    assert ["tools" in asked for asked in server[0].requests] == [True, False, False]
    assert remote.capabilities == {"instructions", "images"}


async def test_a_server_whose_model_sees_nothing_is_believed(server: tuple[Server, str], remote: RemoteModel):
    server[0].refuses["image_url"] = "unknown variant `image_url`, expected `text`"
    with pytest.raises(UserError, match="image_not_understood"):
        await _all(remote, Request((Utterance("user", (PICTURE,)),), 10))
    assert remote.capabilities == {"instructions", "tools"}
    assert await _all(remote, Request(HELLO, 10))


async def test_closing_early_hangs_up(server: tuple[Server, str], remote: RemoteModel):
    async with aclosing(remote.stream(Request((Utterance.of("user", "go on"),), 10))) as pieces:
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
        await _all(remote, Request((Utterance.of("user", f"status {status}"),), 10))
    assert says in str(raised.value)
    assert KEY not in repr(raised.value)
    assert raised.value.__suppress_context__
    asked_again = (status, error) == ("400", PermanentError)  # the server might refuse what it is asked to tell
    assert len(server[0].requests) == 1 + asked_again
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
        await _all(remote, Request((Utterance.of("user", "go on"),), 10))


async def test_a_server_that_keeps_failing_is_left_alone_for_a_moment(
    server: tuple[Server, str], remote: RemoteModel, monkeypatch: pytest.MonkeyPatch
):
    async def fails() -> RetryableError:
        with pytest.raises(RetryableError) as raised:
            await _all(remote, Request((Utterance.of("user", "status 503"),), 10))
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
    asked = (Utterance.of("user", "half characters"),)
    pieces = await _all(remote, Request(asked, 10))
    assert all(pieces)
    assert "".join(pieces) == "a😀 你好\nUser: b"
    assert "".join(await _all(remote, Request(asked, 10, stop=("\nUser:",)))) == "a😀 你好"


async def test_a_server_that_sends_no_text_is_worth_another_try(remote: RemoteModel):
    with pytest.raises(RetryableError, match="UnicodeDecodeError"):
        await _all(remote, Request((Utterance.of("user", "rubbish"),), 10))


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
    request = Request((*HELLO[:1], Utterance.of("user", "What can you do?")), 40, Sampling(temperature=0.0))
    before = TOKENS.labels("out")._value.get()
    answers = ["".join(pieces) for pieces in await asyncio.gather(_all(model, request), _all(model, request))]
    await model.close()
    assert answers == ["".join(await _all(local, request))] * 2
    assert TOKENS.labels("out")._value.get() > before
