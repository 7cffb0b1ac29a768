"""What the web server refuses, and what it serves beside the chat: settings, tokens, words, health."""

import asyncio
import re
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.locales import Phrases
from bots.web import guard
from bots.web.failures import language_of
from bots.web.platform import _bind
from core.errors import SettingError
from core.store.redis import Store
from core.values.events import Message
from tests.support.scripted import Web, scripted_web, web_platform

MESSAGES = "/v1/channels/room/messages"
TOKEN = "open sesame"
PAGE = sorted((Path(__file__).parents[3] / "bots/web/page").iterdir())


def sentence(response: httpx.Response) -> str:
    return response.json()["error"]["message"]


UNREADABLE: list[tuple[int, dict[str, Any]]] = [
    (422, {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    (422, {"json": {"words": "x"}}),
    (422, {"json": {"text": 5}}),
    (422, {"json": {"text": " \n"}}),
    (422, {"content": b'{"text": "\\ud800"}', "headers": {"Content-Type": "application/json"}}),
    (422, {"json": {"text": "x"}, "headers": {"Idempotency-Key": "a b"}}),
    (422, {"files": {"file": ("empty.ogg", b"", "audio/ogg")}}),
    (422, {"files": {"other": ("a.ogg", b"x", "audio/ogg")}}),
    (422, {"files": [("file", ("a.ogg", b"x", "audio/ogg")), ("file", ("b.ogg", b"x", "audio/ogg"))]}),
    (422, {"content": b"nonsense", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}),
    (415, {"content": b"hello", "headers": {"Content-Type": "text/plain"}}),
    (415, {"data": {"text": "x"}}),
    (413, {"json": {"text": "x" * 2**21}}),
    (413, {"json": {"text": "x" * 2**23}}),
    (413, {"files": {"text": (None, "x" * 2**21)}}),
    (413, {"files": {"file": ("big.ogg", b"x" * 30 * 2**20, "audio/ogg")}}),
    (413, {"files": {"file": ("big.ogg", b"x" * (26 * 2**20 - 1), "audio/ogg")}}),
]


async def test_channel_names(client: httpx.AsyncClient) -> None:
    for name in ("a b", "x" * 65, "ä", "a.b"):
        response = await client.get(f"/v1/channels/{name}/messages")
        assert response.status_code == 422
        assert "letters" in sentence(response)


def test_language_of_a_header() -> None:
    phrases = Phrases()
    assert language_of("", phrases) == "en"
    assert language_of("xx, zh-TW", phrases) == "zh-Hans"
    assert language_of("en;q=0.1, zh;q=0.2", phrases) == "zh-Hans"
    assert language_of("zh;q=0, en", phrases) == "en"
    assert language_of(";;q=,*", phrases) == "en"


async def test_what_is_no_emoji_is_refused(client: httpx.AsyncClient) -> None:
    for emoji in ("x", "ok", "👍👍", ":thumbsup:", "%20"):
        response = await client.put(f"{MESSAGES}/abc/reactions/{emoji}")
        assert (response.status_code, sentence(response)) == (422, "A reaction is one emoji.")


async def test_unknown_message_is_not_found(client: httpx.AsyncClient) -> None:
    for response in (
        await client.put(f"{MESSAGES}/abc/reactions/👍"),
        await client.delete(f"{MESSAGES}/a-b/reactions/👍"),
        await client.get(f"{MESSAGES}/abc/voice"),
        await client.get("/nowhere"),
    ):
        assert response.status_code == 404
        assert sentence(response).endswith(".")


@pytest.mark.slow
async def test_what_cannot_be_read_gets_one_sentence(client: httpx.AsyncClient, web: Web) -> None:
    for status, unreadable in UNREADABLE:
        response = await client.post(MESSAGES, **unreadable)
        assert (response.status_code, list(response.json())) == (status, ["error"]), unreadable.keys()
        assert sentence(response)[-1] in ".}"
    assert not web[1].seen


async def test_a_long_text_is_passed_on(client: httpx.AsyncClient, web: Web) -> None:
    await client.post(MESSAGES, json={"text": "x" * 100_000})
    event = web[1].seen[0]
    assert isinstance(event, Message)
    assert len(event.text) == 100_000


async def test_errors_speak_the_callers_language(client: httpx.AsyncClient) -> None:
    headers = {"Accept-Language": "fr-CH, zh-CN;q=0.9, en;q=0.8"}
    assert sentence(await client.put(f"{MESSAGES}/abc/reactions/x", headers=headers)) == "回应只能是一个表情符号。"
    assert sentence(await client.get("/nowhere", headers=headers)) == "这个地址什么都没有。"


async def test_a_token_is_wanted_everywhere_under_v1(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_HOLD_S", 0.01)
    async with scripted_web(store, token=TOKEN) as (platform, _):
        async with httpx.AsyncClient(base_url=platform.address) as client:
            for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic c2VzYW1l"}):
                for method, url in (
                    ("GET", MESSAGES),
                    ("POST", MESSAGES),
                    ("GET", f"{MESSAGES}/a/voice"),
                    ("GET", "/metrics"),
                ):
                    response = await client.request(method, url, headers=given)
                    assert (response.status_code, bool(sentence(response))) == (401, True)
            good = {"Authorization": f"Bearer {TOKEN}", "Host": "parley.example"}
            assert (await client.get(MESSAGES, headers=good)).status_code == 200
            assert "parley_turns" in (await client.get("/metrics", headers=good)).text
            assert (await client.get("/")).status_code == 200
            assert (await client.get("/healthz")).status_code == 200


def door(token: str | None = None) -> guard.Guard:
    """The guard of an app that lets everybody in."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        answer = {"type": "http.response.start", "status": 200, "headers": []}
        await send({"type": "websocket.accept"} if scope["type"] == "websocket" else answer)

    return guard.Guard(app, token, Phrases())


async def knock(
    at: guard.Guard, headers: dict[bytes, bytes], kind: str = "http", path: str = "/v1/x", client: str = "10.0.0.1"
) -> int:
    """The status that comes back; 101 for a websocket that is opened, 403 for one that is not."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {"type": kind, "path": path, "headers": list(headers.items()), "client": (client, 1), "method": "POST"}
    if kind == "websocket":
        del scope["method"]
    receive: Any = None
    await at(scope, receive, send)
    return {"websocket.accept": 101, "websocket.close": 403}.get(sent[0]["type"]) or sent[0]["status"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("origin", [b"http://[", b"http://[::1", b"//[x]", b"http://\xff"])
async def test_an_origin_that_is_no_address_is_refused(kind: str, origin: bytes) -> None:
    assert await knock(door(), {b"host": b"localhost", b"origin": origin}, kind) == 403


ODD = st.binary(max_size=30) | st.from_regex(rb"https?://[\[\]:@0-9a-f%]{1,6}", fullmatch=True)
HEADERS = st.fixed_dictionaries(
    {b"host": st.just(b"localhost") | ODD},
    optional={
        b"origin": ODD,
        b"authorization": ODD.map(b"Bearer ".__add__),
        b"accept-language": ODD | st.sampled_from([b"en;q=nan", b"x;q=1e999", b"-;q=-"]),
        b"sec-fetch-site": ODD | st.just(b"none"),
    },
)


@pytest.mark.slow
@given(
    headers=HEADERS,
    token=st.sampled_from([None, TOKEN]),
    kind=st.sampled_from(["http", "websocket"]),
)
async def test_whatever_the_headers_say_they_are_answered(
    headers: dict[bytes, bytes], token: str | None, kind: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "_HOLD_S", 0.0)
        assert await knock(door(token), headers, kind) in (200, 101, 401, 403)


async def test_a_websocket_passes_the_guard_like_everything_else() -> None:
    here, key = {b"host": b"localhost"}, {b"authorization": f"Bearer {TOKEN}".encode()}
    assert await knock(door(), here, "websocket", "/anywhere") == 101
    assert await knock(door(), here | {b"origin": b"https://evil.example"}, "websocket", "/anywhere") == 403
    assert await knock(door(), {b"host": b"evil.example"}, "websocket", "/anywhere") == 403
    assert await knock(door(TOKEN), here, "websocket", "/anywhere") == 403
    assert await knock(door(TOKEN), here | key, "websocket", "/anywhere") == 101


async def test_wrong_tokens_are_held_and_no_more_than_a_few_of_them_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    monkeypatch.setattr(guard, "_HOLD_S", 3600)
    monkeypatch.setattr(guard.hmac, "compare_digest", lambda given, token: compared.append(given) or given == token)
    at = door(TOKEN)
    guesses = [
        asyncio.create_task(knock(at, {b"authorization": f"Bearer wrong{number}".encode()})) for number in range(100)
    ]
    refused, held = await asyncio.wait(guesses, timeout=0.1)
    while len(refused) < 90:
        refused, held = await asyncio.wait(guesses, timeout=0.1)
    assert {task.result() for task in refused} == {429}
    assert (len(held), len(compared)) == (10, 10)
    right = {b"authorization": f"Bearer {TOKEN}".encode()}
    assert await knock(at, right, client="10.0.0.2") == 200
    for task in held:
        task.cancel()
    await asyncio.wait(held)
    assert await knock(at, right) == 200


@pytest.mark.slow
@pytest.mark.parametrize("token", ["x", "hush", "1234567", "sésame öffne dich", " a blank before", "two\nlines of it"])
async def test_a_token_that_can_be_guessed_or_not_be_sent_names_the_setting(web: Web, token: str) -> None:
    with pytest.raises(SettingError, match="WEB_TOKEN: got a value that is not shown, wants at least 8 "):
        web_platform(web[1], "127.0.0.1", 0, token)


async def test_without_token_other_hosts_and_sites_are_refused(client: httpx.AsyncClient, web: Web) -> None:
    for headers in (
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        response = await client.post(MESSAGES, json={"text": "hi"}, headers=headers)
        assert response.status_code == 403
        assert sentence(response)
    assert (await client.get("/", headers={"Host": "evil.example"})).status_code == 403
    assert (await client.get("/", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 200
    assert not web[1].seen
    own = {"Origin": web[0].address, "Sec-Fetch-Site": "same-origin"}
    assert (await client.post(MESSAGES, json={"text": "hi"}, headers=own)).status_code == 200
    port = web[0].address.rsplit(":", 1)[1]
    assert (await client.get(MESSAGES, headers={"Host": f"localhost:{port}"})).status_code == 200


async def test_an_open_host_wants_a_token(web: Web) -> None:
    with pytest.raises(SettingError, match=r"WEB_TOKEN: got nothing, wants a secret, because WEB_HOST 0\.0\.0\.0 is"):
        web_platform(web[1], "0.0.0.0", 0)


async def test_an_address_that_cannot_be_had_is_a_setting_error(web: Web) -> None:
    port = int(web[0].address.rsplit(":", 1)[1])
    for host, taken, message in (
        ("127.0.0.1", port, f"WEB_PORT: got {port}, wants a free port"),
        ("127.0.0.1", 99999, "WEB_PORT: got 99999"),
    ):
        with pytest.raises(SettingError, match=message):
            await web_platform(web[1], host, taken).listen(web[1].accept)


async def test_nothing_asks_another_host(client: httpx.AsyncClient) -> None:
    for file in PAGE:
        served = await client.get(f"/page/{file.name}")
        assert served.status_code == 200
        assert "default-src 'none'" in served.headers["content-security-policy"]
        foreign = [
            line for line in served.text.splitlines() if "://" in line and "http://www.w3.org/2000/svg" not in line
        ]
        assert [line for line in foreign if "src=" in line or "import" in line or "fetch(" in line] == []
    assert (await client.get("/docs")).status_code == 200
    assert "/v1/channels/{channel}/messages" in (await client.get("/openapi.json")).json()["paths"]


async def test_words_for_the_page(client: httpx.AsyncClient) -> None:
    found = (await client.get("/words/zh-CN")).json()
    assert found["language"] == "zh-Hans"
    assert found["languages"] == {"en": "English", "zh-Hans": "简体中文"}
    assert set(found["words"]) == set((await client.get("/words/en")).json()["words"])


def test_every_word_of_the_page_is_there_and_used() -> None:
    words = set(Phrases().page("en")) - {"title", "language_name"}
    texts = {file.name: file.read_text() for file in PAGE}
    named = {key for text in texts.values() for key in re.findall(r'data-t(?:-label|-placeholder)?="(\w+)"', text)}
    quoted = {key for text in texts.values() for key in re.findall(r'"(\w+)"', text)}
    assert named <= words
    assert words <= named | quoted


async def test_health_and_metrics(client: httpx.AsyncClient, web: Web) -> None:
    assert (await client.get("/healthz")).json() == {"store": "ok"}
    web[1].health["store"] = "gone since 3 s"
    response = await client.get("/healthz")
    assert (response.status_code, response.json()) == (503, {"store": "gone since 3 s"})
    assert "parley_turns" in (await client.get("/metrics")).text


def test_answers_leave_at_once_on_a_connection_that_is_kept_open():
    with _bind("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        taken, _ = listening.accept()
        with taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
