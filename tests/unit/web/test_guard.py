"""What the web server refuses, and what it serves beside the chat: settings, tokens, words, health."""

import re
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bots.locales import Phrases
from bots.web.failures import language_of
from bots.web.platform import WebPlatform, _bind
from core.errors import SettingError
from core.store.redis import Store
from core.values.events import Message
from tests.support.scripted import Script, scripted_web, web_platform

MESSAGES = "/v1/channels/room/messages"
PAGE = sorted((Path(__file__).parents[3] / "bots/web/page").iterdir())
Web = tuple[WebPlatform, Script]


@pytest.fixture
async def web(store: Store) -> AsyncGenerator[Web]:
    async with scripted_web(store) as found:
        yield found


@pytest.fixture
async def client(web: Web) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=web[0].address, timeout=20) as found:
        yield found


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


async def test_a_token_is_wanted_everywhere_under_v1(store: Store) -> None:
    async with scripted_web(store, token="sésame") as (platform, _):
        async with httpx.AsyncClient(base_url=platform.address) as client:
            for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic c2VzYW1l"}):
                for method, url in (("GET", MESSAGES), ("POST", MESSAGES), ("GET", f"{MESSAGES}/a/voice")):
                    response = await client.request(method, url, headers=given)
                    assert (response.status_code, bool(sentence(response))) == (401, True)
            good = {"Authorization": "Bearer sésame".encode(), "Host": b"parley.example"}
            assert (await client.get(MESSAGES, headers=good)).status_code == 200
            assert (await client.get("/")).status_code == 200


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
