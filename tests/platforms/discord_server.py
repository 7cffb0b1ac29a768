"""A local Discord: REST v10, gateway and CDN over real sockets, with a journal of what the bot did.

    server = DiscordServer()
    await server.start()
    platform = DiscordPlatform(server.token, api_base=server.api, gateway=server.gateway, phrases=Phrases())
    await server.wait_ready()                                   # the bot listens
    await server.say("Hello")                                   # Alice, in her direct channel
    await server.say("Hi", author=BOB, channel=GENERAL, mention=True)
    [answer, *_] = await server.wait_sent(1)
    await server.react(answer.id, ALICE, "👍")
    await server.interactions.command("voice", "always")

Checked against discord.py 2.7.1. Times, limits and error codes are those of the official documentation.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.platforms.discord_gateway import DiscordGateway
from tests.platforms.discord_interactions import DiscordInteractions
from tests.platforms.discord_payloads import (
    ALICE,
    APPLICATION,
    BOT,
    DM,
    GENERAL,
    GUILD,
    RANDOM,
    THREAD,
    USERS,
    VOICE_FLAG,
    Json,
    SentMessage,
    member,
    message,
    posted,
    without_content,
)
from tests.platforms.discord_places import DiscordPlaces
from tests.platforms.discord_rest import File, Files, Refused, check_new_message, json_response, read_body
from tests.platforms.discord_trouble import Trouble


class DiscordServer:
    """One bot, two people and a strange bot, one server with two channels and a thread, a direct channel each."""

    def __init__(self, token: str = "discord-test-token") -> None:
        self.token = token
        self.sent: list[SentMessage] = []
        self.typing: list[str] = []
        self.reactions: list[tuple[str, str]] = []
        self.edited: list[tuple[str, Json]] = []
        self.calls: list[tuple[str, str]] = []
        self.called_at: list[float] = []
        """Monotonic seconds of each call."""
        self.messages: dict[str, Json] = {}
        self._files = Files()
        self.trouble = Trouble()
        self._by_nonce: dict[str, Json] = {}
        self.application_flags = 0
        self.events = DiscordGateway(token)
        self.interactions = DiscordInteractions(self.events.dispatch, self.messages, self.sent)
        self.places = DiscordPlaces()

    async def start(self) -> None:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get("/gateway/", self.events.serve)
        app.router.add_get("/cdn/{id}/{name}", self._files.serve)
        app.router.add_route("*", "/api/v10/{tail:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port = self._runner.addresses[0][1]
        self._files.base = f"http://127.0.0.1:{port}"
        self.api = f"{self._files.base}/api/v10"
        self.gateway = self.events.url = f"ws://127.0.0.1:{port}/gateway/"

    async def stop(self) -> None:
        await self.events.close()
        await self._runner.cleanup()

    # What people do

    async def say(
        self,
        text: str = "",
        *,
        author: str = ALICE,
        channel: str = "",
        mention: bool = False,
        reply_to: str = "",
        files: Sequence[File] = (),
        **more: Any,
    ) -> str:
        """Post as someone, in the direct channel unless told otherwise; returns the message id. `more` is raw JSON."""
        content = f"<@{BOT}> {text}" if mention else text
        told = message(author, channel or DM[author], content, **more)
        told["attachments"] = told["attachments"] or [self._files.attach(file) for file in files]
        told["mention_everyone"] = "@everyone" in content or "@here" in content
        told["mention_roles"] = re.findall(r"<@&(\d+)>", content)
        told["mentions"] = [USERS[id] for id in re.findall(r"<@!?(\d+)>", content) if id in USERS]
        if "guild_id" in told:
            told["mentions"] = [{**person, "member": member(person["id"])} for person in told["mentions"]]
        if reply_to:
            told["type"] = 19
            told["message_reference"] = {"type": 0, "message_id": reply_to, "channel_id": told["channel_id"]}
            told["referenced_message"] = self.messages.get(reply_to)
        self.messages[told["id"]] = told
        await self.events.dispatch("MESSAGE_CREATE", told)
        return told["id"]

    async def voice(
        self,
        ogg: bytes,
        *,
        author: str = ALICE,
        channel: str = "",
        duration_s: float = 2.0,
        claimed_bytes: int | None = None,
    ) -> str:
        """Send a voice message."""
        attachment = {**self._files.attach(("voice-message.ogg", "audio/ogg", ogg)), "duration_secs": duration_s}
        attachment["waveform"] = "AAECAw=="
        if claimed_bytes is not None:
            attachment["size"] = claimed_bytes
        return await self.say(author=author, channel=channel, flags=VOICE_FLAG, attachments=[attachment])

    async def replay(self, event: Json, blob: bytes = b"") -> str:
        """Send a recorded MESSAGE_CREATE, its files holding these bytes; returns the message id."""
        told = event["d"]
        for source in (told, *(snapshot["message"] for snapshot in told.get("message_snapshots", []))):
            for one in source["attachments"]:
                here = self._files.attach((one["filename"], one.get("content_type", ""), blob))
                one.update(id=here["id"], url=here["url"], proxy_url=here["url"], size=len(blob))
        self.messages[told["id"]] = told
        await self.events.dispatch(event["t"], told)
        return told["id"]

    async def react(self, message_id: str, user: str, emoji: str, add: bool = True) -> None:
        """Put an emoji on a message or take it back; `name:id` is a custom emoji."""
        channel = self.messages[message_id]["channel_id"]
        name, _, custom = emoji.partition(":")
        change: Json = {
            "user_id": user,
            "channel_id": channel,
            "message_id": message_id,
            "emoji": {"id": custom or None, "name": name},
            "burst": False,
            "type": 0,
        }
        if channel not in DM.values():
            change["guild_id"] = GUILD
            if add:
                change["member"] = {**member(user), "user": USERS[user]}
        await self.events.dispatch("MESSAGE_REACTION_ADD" if add else "MESSAGE_REACTION_REMOVE", change)

    async def change(self, message_id: str, text: str, *, by_person: bool = True) -> None:
        """A person edits a message, or Discord adds a link's preview to it."""
        told = self.messages[message_id]
        told |= {"content": text, "edited_timestamp": datetime.now(UTC).isoformat() if by_person else None}
        await self.events.dispatch("MESSAGE_UPDATE", told)

    async def delete(self, *message_ids: str) -> None:
        """Messages are deleted, many of them as a moderator does."""
        gone = [self.messages.pop(id) for id in message_ids]
        place = {key: gone[0][key] for key in ("channel_id", "guild_id") if key in gone[0]}
        one = len(gone) == 1
        body: Json = {"id": message_ids[0]} if one else {"ids": list(message_ids)}
        await self.events.dispatch("MESSAGE_DELETE" if one else "MESSAGE_DELETE_BULK", {**place, **body})

    def forget(self, message_id: str) -> None:
        """Delete a message without telling."""
        del self.messages[message_id]

    def expire_urls(self) -> None:
        """Make every attachment URL given out so far useless, as a day does."""
        self._files.expire()

    # What the bot did

    def times_of(self, method: str, path: str) -> list[float]:
        """When a route was called: a method and the beginning of a path."""
        calls = zip(self.calls, self.called_at, strict=True)
        return [at for (called, where), at in calls if called == method and where.startswith(path)]

    async def wait_ready(self, seconds: float = 30) -> None:
        """Wait until the bot has identified itself at the gateway."""
        await asyncio.wait_for(self.events.identified.wait(), seconds)

    async def wait_sent(self, count: int, seconds: float = 30) -> list[SentMessage]:
        """Wait for so many posts of the bot and return all of them."""
        async with asyncio.timeout(seconds):
            while len(self.sent) < count:
                await asyncio.sleep(0.005)
        return list(self.sent)

    async def wait_quiet(self, seconds: float = 0.5) -> None:
        """Wait until the bot has called nothing for so long."""
        seen, left = -1, 0
        while left > 0 or seen != len(self.calls):
            left = round(seconds / 0.01) if seen != len(self.calls) else left - 1
            seen = len(self.calls)
            await asyncio.sleep(0.01)

    # REST

    async def _rest(self, request: web.Request) -> web.Response:
        path = "/" + request.match_info["tail"]
        self.calls.append((request.method, path))
        self.called_at.append(time.monotonic())
        if (canned := await self.trouble.instead_of(request, path)) is not None:
            return canned
        try:
            answer = await self.interactions.answer(request, path)
            if answer is None:
                if request.headers.get("Authorization") != f"Bot {self.token}":
                    raise Refused(401, 0, "401: Unauthorized")
                answer = self.places.answer(request, path) or await self._answer(request, path)
        except Refused as refused:
            return json_response({"message": str(refused), "code": refused.code}, refused.status)
        return await self.trouble.after(request, path) or answer

    async def _answer(self, request: web.Request, path: str) -> web.Response:
        match [request.method, *path.strip("/").split("/")]:
            case ["GET", "users", "@me"]:
                return json_response(USERS[BOT])
            case ["GET", "oauth2", "applications", "@me"]:
                return json_response({**APPLICATION, "flags": self.application_flags})
            case ["GET", "gateway", "bot"]:
                starts = {"total": 1000, "remaining": 999, "reset_after": 1, "max_concurrency": 1}
                return json_response({"url": self.gateway, "shards": 1, "session_start_limit": starts})
            case ["POST", "users", "@me", "channels"]:
                return json_response(self.places.direct(str((await request.json())["recipient_id"])))
            case ["PUT", "applications", _, "commands"]:
                self.interactions.registered.append(await request.json())
                return json_response([])
            case ["PUT", "channels", channel, "messages", id, "reactions", emoji, "@me"]:
                self._own(id)
                await self.react(id, BOT, emoji)
                self.reactions.append((id, emoji))
                return web.Response(status=204)
            case ["POST", "channels", channel, "typing"]:
                self._know(channel)
                self.typing.append(channel)
                return web.Response(status=204)
            case ["GET", "channels", channel, "messages"]:
                self._know(channel)
                return json_response(self._history(channel, request.query.get("after"), request.query.get("limit")))
            case ["GET", "channels", channel, "messages", id]:
                self._know(channel)
                if id not in self.messages:
                    raise Refused(404, 10008, "Unknown Message")
                return json_response(self._as_read(self.messages[id]))
            case ["PATCH", "channels", channel, "messages", id]:
                self._know(channel)
                body, _ = await read_body(request)
                told = self._own(id)
                if told["flags"] & VOICE_FLAG:
                    raise Refused(400, 50162, "Voice messages cannot be edited")
                check_new_message(body, [], target_exists=True)
                self.edited.append((id, body))
                return json_response(self._as_read(told | {"content": body["content"]}, keep=id))
            case ["DELETE", "channels", channel, "messages", id]:
                self._know(channel)
                self._own(id)
                del self.messages[id]
                return web.Response(status=204)
            case ["POST", "channels", channel, "messages"]:
                self._know(channel)
                return json_response(await self._post(request, channel))
            case _:
                raise Refused(404, 0, "404: Not Found")

    async def _post(self, request: web.Request, channel: str) -> Json:
        self.places.enter(channel)
        body, files = await read_body(request)
        nonce = str(body.get("nonce", ""))
        if body.get("enforce_nonce") and nonce in self._by_nonce:
            return self._by_nonce[nonce]
        target = (body.get("message_reference") or {}).get("message_id")
        check_new_message(body, files, target_exists=target is None or str(target) in self.messages)
        attachments = [self._files.attach(file) for file in files]
        for attachment, described in zip(attachments, body.get("attachments", []), strict=True):
            attachment |= {key: described[key] for key in ("duration_secs", "waveform") if key in described}
        told = message(BOT, channel, body.get("content") or "", attachments=attachments, flags=body.get("flags", 0))
        self.messages[told["id"]] = told
        self._by_nonce[nonce] = told
        self.sent.append(posted(told, body, files[0] if files else None))
        await self.events.dispatch("MESSAGE_CREATE", told)
        return {key: value for key, value in told.items() if key not in ("guild_id", "member")} | {"nonce": nonce}

    def _history(self, channel: str, after: str | None, limit: str | None) -> list[Json]:
        """Newest first; with `after` those that follow it at once."""
        found = [told for told in self.messages.values() if told["channel_id"] == channel]
        found = [self._as_read(told) for told in found if int(told["id"]) > int(after or 0)]
        count = int(limit or 50)
        return (found[:count] if after else found[-count:])[::-1]

    def _know(self, channel: str) -> None:
        if channel not in (GENERAL, RANDOM, THREAD, *DM.values()):
            raise Refused(404, 10003, "Unknown Channel")

    def _own(self, id: str) -> Json:
        if id not in self.messages:
            raise Refused(404, 10008, "Unknown Message")
        return self.messages[id]

    def shown(self, channel: str) -> list[str]:
        """What the bot's messages in a channel say now."""
        return [
            told["content"]
            for told in self.messages.values()
            if told["channel_id"] == channel and told["author"]["id"] == BOT and not told["attachments"]
        ]

    def _as_read(self, told: Json, keep: str = "") -> Json:
        if keep:
            self.messages[keep] = told
        fresh: Json = {"attachments": self._files.signed_anew(told["attachments"])}
        if snapshots := told.get("message_snapshots"):
            fresh["message_snapshots"] = [
                {"message": {**one, "attachments": self._files.signed_anew(one["attachments"])}}
                for one in (snapshot["message"] for snapshot in snapshots)
            ]
        told = told if self.events.message_content else without_content(told)
        fresh = fresh if told["attachments"] else {}
        return {key: value for key, value in told.items() if key not in ("guild_id", "member")} | fresh
