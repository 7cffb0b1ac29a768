"""Who speaks through the page and the API: browsers are told apart, and programs name for whom they speak."""

import json

import httpx
import pytest

from bots.web.visitors import PersonIn, person_of
from core.store.people import People
from core.store.redis import Store
from core.values.channel import ChannelKey, Person
from core.values.events import Message
from tests.support.scripted import Script, Web, web_platform

MESSAGES = "/v1/channels/room/messages"
ROOM = ChannelKey("web", "room")
ANN, BOB = {"Parley-Visitor": "a" * 32}, {"Parley-Visitor": "b" * 32}


def said(web: Web) -> list[Message]:
    return [event for event in web[1].seen if isinstance(event, Message)]


def speakers(web: Web) -> list[Person]:
    return [message.sender for message in said(web)]


async def test_each_browser_is_one_person_and_keeps_being_it(client: httpx.AsyncClient, web: Web):
    for headers in (ANN, BOB, ANN):
        assert (await client.post(MESSAGES, json={"text": "hello"}, headers=headers)).status_code == 200
    ann, bob, again = speakers(web)
    assert ann.id == again.id != bob.id
    assert ann.id.startswith("browser:")
    assert "a" * 32 not in ann.id


async def test_a_program_is_one_person_and_names_those_for_whom_it_speaks(client: httpx.AsyncClient, web: Web):
    ann = {"id": "ann", "name": "Ann"}
    await client.post(MESSAGES, json={"text": "hello"})
    await client.post(MESSAGES, json={"text": "hello", "person": ann})
    form = {"text": (None, "hello"), "person": (None, json.dumps({"id": "bob"}))}
    await client.post(MESSAGES, files=form)
    assert speakers(web) == [Person("web", "web"), Person("named:ann", "Ann"), Person("named:bob", "bob")]
    assert [message.group for message in said(web)] == [False, True, True]


async def test_a_named_person_who_is_alone_speaks_in_no_group(client: httpx.AsyncClient, web: Web):
    for _ in range(2):
        await client.post(MESSAGES, json={"text": "hello", "person": {"id": "ann"}})
    assert [message.group for message in said(web)] == [False, False]


def test_nobody_can_name_a_browser_s_person():
    names = [person_of("c" * 32).id, person_of("", PersonIn(id="c" * 32, name="")).id, person_of("").id]
    assert len({name.partition(":")[0] for name in names}) == 3
    with pytest.raises(ValueError, match="pattern"):
        PersonIn(id=names[0], name="")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("headers", "body", "says"),
    [
        ({"Parley-Visitor": "short"}, {"text": "hi"}, "A Parley-Visitor has 32 digits of hex"),
        ({"Parley-Visitor": "g" * 32}, {"text": "hi"}, "A Parley-Visitor has 32 digits of hex"),
        ({}, {"text": "hi", "person": {"id": "a/b"}}, "A person is named like"),
        ({}, {"text": "hi", "person": {"id": "a", "name": "n" * 65}}, "A person is named like"),
        ({}, {"text": "hi", "person": "ann"}, "A person is named like"),
    ],
)
async def test_a_wrong_name_is_one_line(
    client: httpx.AsyncClient, web: Web, headers: dict[str, str], body: dict[str, object], says: str
):
    answer = await client.post(MESSAGES, json=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith(says)
    assert web[1].seen == []


async def test_a_wrong_name_in_a_form_or_an_address_is_one_line(client: httpx.AsyncClient):
    form = await client.post(MESSAGES, data={"text": "hi", "person": "ann"}, files={"file": ("a.txt", b"a")})
    read = await client.get(MESSAGES, params={"person": "a/b"})
    for answer in (form, read):
        assert (answer.status_code, answer.json()["error"]["message"][:21]) == (422, "A person is named lik")


async def test_ratings_are_those_of_each(client: httpx.AsyncClient, web: Web):
    id = (await client.post(MESSAGES, json={"text": "hello"}, headers=ANN)).json()["message_id"]
    assert (await client.put(f"{MESSAGES}/{id}/reactions/👍", headers=ANN)).status_code == 204
    assert (await client.put(f"{MESSAGES}/{id}/reactions/👎", params={"person": "cleo"})).status_code == 204
    await client.post(MESSAGES, json={"text": "and then"})  # what came before it is served

    async def held(headers: dict[str, str], **who: str) -> list[str]:
        turn, *_ = (await client.get(MESSAGES, headers=headers, params=who)).json()["messages"]
        return turn["reactions"]

    assert await held(ANN) == ["👍"]
    assert await held(BOB) == []
    assert await held({}, person="cleo") == ["👎"]
    assert len(await web[1].feedback.ratings(ROOM)) == 2
    await client.delete(f"{MESSAGES}/{id}/reactions/👍", headers=BOB)
    await client.post(MESSAGES, json={"text": "and then"})
    assert await held(ANN) == ["👍"]


async def test_who_looks_after_a_channel(store: Store):
    own, shared = (web_platform(Script(store), "127.0.0.1", 0, token) for token in (None, "12345678"))
    ann, bob = person_of("a" * 32), person_of("b" * 32)
    assert await shared.administers(ROOM, ann)
    await People(store).add(ROOM, [ann.id])
    assert await shared.administers(ROOM, ann)
    assert not await shared.administers(ROOM, bob)
    await People(store).add(ROOM, [bob.id])
    assert not await shared.administers(ROOM, ann)
    assert await own.administers(ROOM, ann)


async def test_the_description_tells_of_people_whole(client: httpx.AsyncClient):
    spec = (await client.get("/openapi.json")).text
    say = json.loads(spec)["paths"]["/v1/channels/{channel}/messages"]["post"]
    person = say["requestBody"]["content"]["application/json"]["schema"]["properties"]["person"]
    assert set(person["properties"]) == {"id", "name"}
    assert "Parley-Visitor" in {parameter["name"] for parameter in say["parameters"]}
    assert "$defs" not in spec  # nothing resolves those in such a file
