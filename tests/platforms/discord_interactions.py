"""Commands at the local Discord: those that the bot registered, those that people give, and how they are answered.

The shapes and the errors are those of developers/interactions/receiving-and-responding and application-commands.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.platforms.discord_payloads import ALICE, BOT, DM, GUILD, USERS, Json, SentMessage, member, message, snowflake
from tests.platforms.discord_rest import Refused, json_response, read_body

_DEFER, _CHOICES, _EPHEMERAL, _LOADING = 5, 8, 1 << 6, 1 << 7


@dataclass(slots=True)
class Given:
    """A command that somebody gave: what its sender sees under it, and what everybody does not."""

    token: str
    person: str
    channel: str
    ephemeral: bool = False
    original: Json | None = None
    texts: list[str] = field(default_factory=list[str])
    files: list[bytes] = field(default_factory=list[bytes])
    choices: list[str] | None = None


class DiscordInteractions:
    """What happens around interactions, told by their tokens."""

    def __init__(
        self,
        dispatch: Callable[[str, Json], Awaitable[None]],
        messages: dict[str, Json],
        sent: list[SentMessage],
    ) -> None:
        self.registered: list[list[Json]] = []
        self.given: dict[str, Given] = {}
        self.void: set[str] = set()
        """Tokens that are no good any more."""
        self._dispatch, self._messages, self._sent = dispatch, messages, sent

    # What people do

    async def command(
        self, name: str, choice: str = "", *, author: str = ALICE, channel: str = "", locale: str = "en-US"
    ) -> str:
        """Give a slash command; returns the interaction's token."""
        data: Json = {"type": 1, "name": name, "options": _option(choice)}
        told = self._give(author, channel or DM[author], data, locale=locale)
        await self._dispatch("INTERACTION_CREATE", told)
        return told["token"]

    async def type_choice(self, name: str, typed: str) -> list[str]:
        """Type into the choice of a slash command; returns what is offered."""
        data: Json = {"type": 1, "name": name, "options": _option(typed, focused=True)}
        told = self._give(ALICE, DM[ALICE], data, locale="en-US", kind=4)
        await self._dispatch("INTERACTION_CREATE", told)
        given = self.given[told["token"]]
        async with asyncio.timeout(5):
            while given.choices is None:
                await asyncio.sleep(0.005)
        return given.choices

    async def choose(self, entry: str, message_id: str, *, author: str = ALICE, locale: str = "en-US") -> str:
        """Choose an entry in a message's menu; returns the interaction's token."""
        told = self._messages[message_id]
        shown = {key: value for key, value in told.items() if key not in ("guild_id", "member")}
        data: Json = {"type": 3, "name": entry, "target_id": message_id, "resolved": {"messages": {message_id: shown}}}
        made = self._give(author, told["channel_id"], data, locale=locale)
        await self._dispatch("INTERACTION_CREATE", made)
        return made["token"]

    # What the bot did

    def commands(self, kind: int = 1) -> dict[str, Json]:
        """What is registered, by name: 1 slash commands, 3 entries in a message's menu."""
        return {command["name"]: command for command in self.registered[-1] if command["type"] == kind}

    def asides(self, person: str) -> list[str]:
        """What only this person sees."""
        return [text for given in self.given.values() if given.ephemeral and given.person == person
                for text in given.texts]  # fmt: skip

    async def answer(self, request: web.Request, path: str) -> web.Response | None:
        """The answer to a request that needs no token but an interaction's; None for any other."""
        match [request.method, *path.strip("/").split("/")]:
            case ["POST", "interactions", _, token, "callback"]:
                return json_response(self._call_back(self._known(token), await request.json()))
            case ["PATCH", "webhooks", _, token, "messages", "@original"]:
                given = self._known(token)
                body, files = await read_body(request)
                given.files += [blob for _, _, blob in files]
                return json_response(self._fill(given, body))
            case ["POST", "webhooks", _, token]:
                return json_response(self._follow(self._known(token), await request.json()))
            case _:
                return None

    def _give(self, person: str, channel: str, data: Json, *, locale: str, kind: int = 2) -> Json:
        """The INTERACTION_CREATE of a command."""
        id = snowflake()
        token = f"token-of-{id}"
        self.given[token] = Given(token, person, channel)
        direct = channel in DM.values()
        place: Json = {"id": channel, "type": 1 if direct else 0}
        place |= {"recipients": [USERS[person]]} if direct else {"name": "general", "position": 0, "nsfw": False}
        told: Json = {
            "id": id,
            "application_id": BOT,
            "type": kind,
            "data": {"id": snowflake(), **data},
            "channel": place,
            "channel_id": channel,
            "token": token,
            "version": 1,
            "app_permissions": "2248473465835073",
            "locale": locale,
            "entitlements": [],
            "authorizing_integration_owners": {"0": "0" if direct else GUILD},
            "context": 1 if direct else 0,
            "attachment_size_limit": 10 * 2**20,
        }
        if direct:
            return {**told, "user": USERS[person]}
        someone = {**member(person), "user": USERS[person], "permissions": "2248473465835073"}
        return {**told, "guild_id": GUILD, "guild_locale": "en-US", "member": someone}

    def _known(self, token: str) -> Given:
        if token in self.void:
            raise Refused(401, 50027, "Invalid Webhook Token")
        if token not in self.given:
            raise Refused(404, 10015, "Unknown Webhook")
        return self.given[token]

    def _call_back(self, given: Given, body: Json) -> Json:
        if given.original is not None:
            raise Refused(400, 40060, "Interaction has already been acknowledged.")
        answer: Json = {"interaction": {"id": given.token.rpartition("-")[2], "type": 2}}
        if body["type"] == _CHOICES:
            given.choices = [choice["value"] for choice in body["data"]["choices"]]
            return answer
        assert body["type"] == _DEFER
        flags = (body.get("data") or {}).get("flags", 0) | _LOADING
        given.ephemeral = bool(flags & _EPHEMERAL)
        given.original = message(BOT, given.channel, "", flags=flags, type=20)
        return {**answer, "resource": {"type": _DEFER, "message": given.original}}

    def _fill(self, given: Given, body: Json) -> Json:
        told = given.original
        if told is None or not (given.ephemeral or told["id"] in self._messages or told["flags"] & _LOADING):
            raise Refused(404, 10008, "Unknown Message")
        first = bool(told["flags"] & _LOADING)
        told |= {"content": body["content"], "flags": told["flags"] & ~_LOADING}
        given.texts[:1] = [body["content"]]
        if not given.ephemeral:
            self._messages[told["id"]] = told
            if first:
                self._sent.append(SentMessage(told["id"], given.channel, body["content"], "", body.get("flags", 0)))
        return told

    def _follow(self, given: Given, body: Json) -> Json:
        assert body["flags"] & _EPHEMERAL
        given.texts.append(body["content"])
        return message(BOT, given.channel, body["content"], flags=body["flags"])


def _option(value: str, **more: Any) -> list[Json]:
    """The options of a slash command with its one choice."""
    return [{"name": "choice", "type": 3, "value": value, **more}] if value or more else []
