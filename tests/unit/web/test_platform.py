"""The chat over a real socket, a real Redis and a worker that answers by script."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from bots.web.answering import SILENCE_S, Answering
from bots.web.intake import Upload
from bots.web.sound import byte_range
from bots.web.uploads import Uploads
from bots.web.wire import Ear, Inbox
from core import clock
from core.errors import PermanentError, RetryableError, UserError
from core.lanes.lanes import Lanes
from core.platform import Platform
from core.store import keys
from core.store.redis import Store, open_store
from core.values.channel import ChannelKey, MediaRef, Person
from core.values.dialogue import Dialogue, append, encode
from core.values.events import Message
from core.values.parts import NoticePart, OwedVoicePart, encode_part
from core.values.turn import Turn
from tests.support.kept import key_names
from tests.support.scripted import TRANSCRIPT, Script, Web, scripted_web, sine_ogg, web_platform

MESSAGES = "/v1/channels/room/messages"
STREAM = {"Accept": "text/event-stream"}


def events(response: httpx.Response) -> list[tuple[str, dict[str, str]]]:
    blocks = [block.split("\n") for block in response.text.split("\n\n") if block.startswith("event: ")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def sentence(response: httpx.Response) -> str:
    return response.json()["error"]["message"]


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_is_a_platform(web: Web) -> None:
    platform: Platform = web[0]
    assert platform.name == "web"
    assert platform.limits.draft_gap_s
    assert platform.limits.shows_transcript


async def test_text_in_json_out(client: httpx.AsyncClient) -> None:
    answer = (await client.post(MESSAGES, json={"text": "hello there"})).json()
    assert answer.pop("message_id")
    assert answer == {
        "text": "You said: hello there",
        "heard": "",
        "voice_url": None,
        "file_url": None,
        "channel": "room",
    }


async def test_voice_in_heard_and_voice_out(client: httpx.AsyncClient) -> None:
    answer = (await client.post(MESSAGES, files={"file": ("note.ogg", sine_ogg(), "audio/ogg")})).json()
    assert answer["heard"] == TRANSCRIPT
    whole = await client.get(answer["voice_url"])
    assert whole.headers["content-type"] == "audio/ogg"
    assert whole.content.startswith(b"OggS")
    part = await client.get(answer["voice_url"], headers={"Range": "bytes=4-9"})
    assert part.status_code == 206
    assert part.content == whole.content[4:10]
    assert part.headers["content-range"] == f"bytes 4-9/{len(whole.content)}"
    assert (await client.get(answer["voice_url"], headers={"Range": "bytes=999999-"})).status_code == 416


async def test_a_voice_note_that_cannot_be_made_keeps_nobody_waiting(client: httpx.AsyncClient, web: Web) -> None:
    web[1].mute = True
    async with asyncio.timeout(15):
        answer = (await client.post(MESSAGES, files={"file": ("note.ogg", sine_ogg(), "audio/ogg")})).json()
    assert answer["text"].startswith("You said:")
    assert answer["voice_url"] is None


async def test_streamed_answer_grows_and_ends_with_the_reply(client: httpx.AsyncClient) -> None:
    found = events(await client.post(MESSAGES, json={"text": "one two"}, headers=STREAM))
    assert [name for name, _ in found] == ["accepted", "draft", "draft", "draft", "reply"]
    assert [data["text"] for name, data in found if name == "draft"] == ["You", "You said:", "You said: one"]
    assert found[-1][1]["text"] == "You said: one two"
    assert found[-1][1]["message_id"] == found[0][1]["message_id"]


async def test_streamed_voice_is_heard_first_and_spoken_last(client: httpx.AsyncClient) -> None:
    response = await client.post(MESSAGES, files={"file": ("n.webm", sine_ogg(), "audio/webm")}, headers=STREAM)
    found = events(response)
    assert found[1] == ("heard", {"text": TRANSCRIPT})
    assert [name for name, _ in found[-2:]] == ["reply", "voice"]
    assert (await client.get(found[-1][1]["voice_url"])).status_code == 200


async def test_notice_is_an_error_and_stays_one_when_retried(client: httpx.AsyncClient, web: Web) -> None:
    for headers in ({"Idempotency-Key": "k"}, {"Idempotency-Key": "k"}):
        response = await client.post(MESSAGES, json={"text": "fail"}, headers=headers)
        assert response.status_code == 422
        assert sentence(response) == "That did not work, and here is why."
    streamed = events(await client.post(MESSAGES, json={"text": "fail"}, headers=STREAM))
    assert streamed[-1] == ("error", {"message": "That did not work, and here is why.", "status": 422})
    assert len(web[1].answered) == 2


async def test_a_command_is_answered_not_refused(client: httpx.AsyncClient) -> None:
    response = await client.post(MESSAGES, json={"text": "/help"})
    assert (response.status_code, response.json()["text"]) == (200, "I know /help.")


async def test_retry_of_an_answered_message_returns_the_recorded_turn(client: httpx.AsyncClient, web: Web) -> None:
    key = {"Idempotency-Key": "once"}
    file = {"file": ("n.ogg", sine_ogg(), "audio/ogg")}
    first, second = [(await client.post(MESSAGES, files=file, headers=key)).json() for _ in range(2)]
    assert first == second
    assert first["voice_url"]
    assert len(web[1].answered) == 1


@pytest.mark.slow
async def test_retry_of_a_running_message_waits_for_it(client: httpx.AsyncClient, web: Web) -> None:
    key = {"Idempotency-Key": "once"}
    tasks = [asyncio.create_task(client.post(MESSAGES, json={"text": "slow a"}, headers=key)) for _ in range(3)]
    answers = [(await task).json() for task in tasks]
    assert answers[0] == answers[1] == answers[2]
    assert len(web[1].answered) == 1


async def test_same_key_in_another_channel_is_another_message(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "once"}
    urls = [f"/v1/channels/{name}/messages" for name in ("a", "b")]
    ids = {(await client.post(url, json={"text": "hi"}, headers=key)).json()["message_id"] for url in urls}
    assert len(ids) == 2


@pytest.mark.slow
async def test_a_client_that_hangs_up_loses_nothing(client: httpx.AsyncClient, web: Web) -> None:
    async with client.stream("POST", MESSAGES, json={"text": "slow and patient"}, headers=STREAM) as response:
        async for line in response.aiter_lines():
            if line == "event: accepted":
                break
    await until(lambda: len(web[1].answered) == 1)
    turns = (await client.get(MESSAGES)).json()["messages"]
    assert [turn["reply"] for turn in turns] == ["You said: slow and patient"]


@pytest.mark.slow
async def test_a_late_answer_is_an_honest_error_and_arrives_for_a_retry(store: Store) -> None:
    async with scripted_web(store, deadline_s=0.3) as (platform, script):
        async with httpx.AsyncClient(base_url=platform.address) as client:
            key = {"Idempotency-Key": "late"}
            response = await client.post(MESSAGES, json={"text": "silent"}, headers=key)
            assert response.status_code == 504
            assert "not lost" in sentence(response)
            streamed = events(await client.post(MESSAGES, json={"text": "silent"}, headers={**key, **STREAM}))
            assert streamed[-1][0] == "error"
            script.go.set()
            await until(lambda: bool(script.answered))
            answer = (await client.post(MESSAGES, json={"text": "silent"}, headers=key)).json()
            assert answer["text"] == "You said: silent"


async def test_history_with_reactions(client: httpx.AsyncClient, web: Web) -> None:
    ids = [(await client.post(MESSAGES, json={"text": text})).json()["message_id"] for text in ("one", "two")]
    assert (await client.put(f"{MESSAGES}/{ids[0]}/reactions/👍")).status_code == 204
    assert (await client.put(f"{MESSAGES}/{ids[0]}/reactions/❤️")).status_code == 204
    assert (await client.delete(f"{MESSAGES}/{ids[0]}/reactions/❤️")).status_code == 204
    await until(lambda: len(web[1].seen) == 5)
    await asyncio.sleep(0.05)
    found = (await client.get(MESSAGES)).json()["messages"]
    assert [(turn["message_id"], turn["said"], turn["reactions"]) for turn in found] == [
        (ids[0], "one", ["👍"]),
        (ids[1], "two", []),
    ]
    assert (await client.get("/v1/channels/empty/messages")).json() == {"channel": "empty", "messages": []}


@pytest.mark.slow
async def test_without_redis_the_sender_hears_of_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with open_store("", tmp_path_factory.mktemp("r")) as own, scripted_web(own) as (platform, script):
        async with httpx.AsyncClient(base_url=platform.address, timeout=20) as client:
            waiting = asyncio.create_task(client.post(MESSAGES, json={"text": "silent"}, headers=STREAM))
            await until(lambda: bool(script.seen))
            await own.redis.shutdown(nosave=True)
            response = await client.post(MESSAGES, json={"text": "hi"})
            assert response.status_code == 503
            assert "my memory" in sentence(response)
            assert events(await waiting)[-1][1]["status"] == 503


async def test_a_worker_in_another_process_is_heard(client: httpx.AsyncClient, web: Web) -> None:
    task = asyncio.create_task(client.post(MESSAGES, json={"text": "silent"}, headers={"Idempotency-Key": "far"}))
    await until(lambda: bool(web[1].seen))
    elsewhere = web_platform(web[1], "127.0.0.1", 0)
    turn = web[1].seen[0].id
    part = NoticePart(turn, 0, ChannelKey("web", "room"), "Hello from elsewhere.")
    assert await elsewhere.send(part) == f"{turn}-0"
    assert sentence(await task) == "Hello from elsewhere."


async def test_fetch_gives_uploads_within_the_cap(client: httpx.AsyncClient, web: Web) -> None:
    await client.post(MESSAGES, files={"file": ("a\\b/n.ogg", b"OggS123", "application/octet-stream")})
    event = web[1].seen[0]
    assert isinstance(event, Message)
    (media,) = event.media
    assert (media.kind, media.name, media.size_bytes) == ("audio", "n.ogg", 7)
    assert await web[0].fetch(media, 7) == b"OggS123"
    with pytest.raises(UserError):
        await web[0].fetch(media, 6)
    with pytest.raises(PermanentError):
        await web[0].fetch(MediaRef("audio", "room/gone"), 6)


def a_file(data: bytes = b"OggS123", name: str = "n.ogg") -> dict[str, tuple[str, bytes, str]]:
    return {"file": (name, data, "audio/ogg")}


async def uploads(store: Store) -> list[str]:
    return await key_names(store, "*:upload:*")


async def counted(store: Store) -> int:
    return sum(int(count) for count in (await store.redis.hgetall(keys.uploads())).values())


async def test_a_file_that_is_not_accepted_is_gone_at_once(client: httpx.AsyncClient, web: Web, store: Store):
    web[1].refuses = True
    response = await client.post(MESSAGES, files=a_file(), headers={"Idempotency-Key": "k"})
    assert (response.status_code, sentence(response)) == (422, "Too much for today.")
    assert (await uploads(store), await counted(store)) == ([], 0)
    web[1].refuses = False
    assert (await client.post(MESSAGES, files=a_file())).status_code == 200
    assert (len(await uploads(store)), await counted(store)) == (1, 7)


async def test_a_repeated_key_cannot_put_another_file_in_the_place_of_the_first(
    client: httpx.AsyncClient, web: Web, store: Store
):
    for data in (b"OggS first", b"OggS a second and longer one"):
        assert (await client.post(MESSAGES, files=a_file(data), headers={"Idempotency-Key": "k"})).status_code == 200
    event = web[1].seen[0]
    assert isinstance(event, Message)
    assert await web[0].fetch(event.media[0], 100) == b"OggS first"
    assert await counted(store) == len(b"OggS first")
    assert await store.redis.ttl((await uploads(store))[0]) > keys.DAY_S
    await store.redis.delete(*await uploads(store))
    await client.post(MESSAGES, files=a_file(b"OggS again"), headers={"Idempotency-Key": "k"})
    assert await uploads(store) == []


async def test_what_died_before_it_was_accepted_does_not_stay(client: httpx.AsyncClient, web: Web, store: Store):
    async def dies(_: object) -> bool:
        raise RetryableError("Redis is away")

    kept = Uploads(store).accepting(Upload(b"OggS", "n.ogg", "audio"), dies)
    with pytest.raises(RetryableError):
        await kept(Message("m", ChannelKey("web", "room"), Person("web", "web"), 1.0, "hi"))
    assert 0 < await store.redis.ttl((await uploads(store))[0]) <= 3600


async def test_a_file_is_not_lost_when_the_same_key_was_refused_beside_it(store: Store):
    message, upload = Message("m", ChannelKey("web", "room"), Person("web", "web"), 1.0), Upload(b"O", "n", "audio")
    files = Uploads(store)

    async def accepts(event: object) -> bool:
        return await Lanes(store).accept(message)

    async def is_overtaken(event: object) -> bool:
        assert await files.accepting(upload, accepts)(message)
        return False

    assert not await files.accepting(upload, is_overtaken)(message)
    assert len(await uploads(store)) == 1


async def test_files_beyond_the_room_for_all_of_them_get_a_sentence(store: Store, monkeypatch: pytest.MonkeyPatch):
    async with scripted_web(store, uploads_bytes=20) as (platform, _):
        async with httpx.AsyncClient(base_url=platform.address) as client:
            headers = {"Accept-Language": "zh"}
            for status in (200, 200, 507):
                response = await client.post(MESSAGES, files=a_file(b"OggS 8 b"), headers=headers)
                assert response.status_code == status
            assert sentence(response).startswith("放不下更多文件了")
            streamed = await client.post(MESSAGES, files=a_file(b"OggS 8 b"), headers=STREAM)
            assert (streamed.status_code, sentence(streamed)[:20]) == (507, "There is no room for")
            assert (await client.post(MESSAGES, json={"text": "hi"})).status_code == 200
            later = clock.now() + 2 * keys.DAY_S + 7_200
            monkeypatch.setattr(clock, "now", lambda: later)
            assert (await client.post(MESSAGES, files=a_file(b"OggS 8 b"))).status_code == 200


async def test_stopping_lets_waiting_clients_go(store: Store) -> None:
    async with httpx.AsyncClient(timeout=20) as client:
        async with scripted_web(store) as (platform, script):
            url = platform.address + MESSAGES
            waiting = asyncio.create_task(client.post(url, json={"text": "silent"}, headers=STREAM))
            await until(lambda: bool(script.seen))
        assert events(await waiting)[-1][0] == "error"


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("", (0, 9)),
        ("bytes=0-", (0, 9)),
        ("bytes=2-4", (2, 4)),
        ("bytes=2-99", (2, 9)),
        ("bytes=-3", (7, 9)),
        ("bytes=-99", (0, 9)),
        ("bytes=0-1,3-4", (0, 9)),
        ("bytes=-", (0, 9)),
        ("bytes=10-", None),
        ("bytes=4-2", None),
        ("bytes=-0", None),
    ],
)
def test_byte_range(header: str, span: tuple[int, int] | None) -> None:
    assert byte_range(header, 10) == span


async def test_a_stream_is_never_silent_for_longer_than_it_says(store: Store, monkeypatch: pytest.MonkeyPatch):
    waited: list[float] = []

    async def nothing_comes(_: Inbox, timeout_s: float) -> None:
        waited.append(timeout_s)
        await asyncio.sleep(0)

    monkeypatch.setattr(Inbox, "get", nothing_comes)
    turn = Turn("m", 1.0, "web", "hi", "hello", "en", "script", "plain", spoken=True)
    script = Script(store)
    answering = Answering(store, script.lanes, Ear(store), 300.0, SILENCE_S)
    steps = answering.steps(Message("m", ChannelKey("web", "room"), Person("web", "web"), 1.0, "hi"), script.accept)
    accepted = await anext(steps)
    assert accepted.data["silence_s"] == SILENCE_S
    while sum(waited) < 120:
        assert (await anext(steps)).name == "waiting"
    await store.redis.set(keys.of_channel("dlg", ChannelKey("web", "room")), encode(append(Dialogue(), turn)))
    owed = OwedVoicePart("m", 1, ChannelKey("web", "room"), text="hello")
    await store.redis.rpush(keys.of_channel("out", ChannelKey("web", "room")), encode_part(owed))
    assert [(await anext(steps)).name for _ in range(3)] == ["reply", "waiting", "waiting"]
    await store.redis.set(keys.voice(ChannelKey("web", "room"), "m"), b"OggS")
    assert [step.name async for step in steps][-1] == "voice"
    assert max(waited) <= SILENCE_S
