"""Servers, channels and people of the local Discord, as its REST API tells of them."""

from typing import Any

from aiohttp import web

from tests.platforms.discord_payloads import DM, GUILD, USERS, Json, guild, member
from tests.platforms.discord_rest import Refused, json_response


class DiscordPlaces:
    """Who is where; `closed` are the people who take no direct messages."""

    def __init__(self) -> None:
        self.closed: set[str] = set()

    def enter(self, channel: str) -> None:
        """Refuse to post into the direct channel of one who takes none."""
        if any(DM.get(person) == channel for person in self.closed):
            raise Refused(403, 50007, "Cannot send messages to this user")

    def answer(self, request: web.Request, path: str) -> web.Response | None:
        """The answer to a question about a place; None for any other request."""
        match [request.method, *path.strip("/").split("/")]:
            case ["GET", "channels", channel]:
                return json_response(self._channel(channel))
            case ["GET", "guilds", id] if id == GUILD:
                return json_response({**guild(), "emojis": [], "stickers": [], "features": []})
            case ["GET", "guilds", id, "members", person] if id == GUILD:
                return json_response({**member(person), "user": USERS[person]})
            case _:
                return None

    def direct(self, person: str) -> Json:
        """The direct channel of a person."""
        return {"id": DM[person], "type": 1, "recipients": [USERS[person]], "last_message_id": None}

    def _channel(self, id: str) -> Json:
        for person, channel in DM.items():
            if channel == id:
                return self.direct(person)
        known: Any = guild()
        for channel in (*known["channels"], *known["threads"]):
            if channel["id"] == id:
                return {**channel, "guild_id": GUILD}
        raise Refused(404, 10003, "Unknown Channel")
