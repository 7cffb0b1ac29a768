"""The gateway of the local Discord: hello, identify, resume, heartbeats, events with growing numbers."""

import asyncio
import contextlib
import time
from typing import Any

from aiohttp import WSMsgType, web

from tests.platforms.discord_payloads import BOT, GUILD, USERS, Json, guild, without_content

_MESSAGE_CONTENT = 1 << 15


class DiscordGateway:
    """One shard, one session; everything sent so far is replayed on a resume."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.url = ""
        self.refuse = 0
        """Answer so many of the next connections with 503."""
        self.message_content = True
        """Whether the privileged intent is switched on for the bot."""
        self.nick = ""
        """What the bot is called in the server."""
        self.identified = asyncio.Event()
        self.identifies: list[Json] = []
        self.identified_at: list[float] = []
        """Monotonic seconds of each IDENTIFY."""
        self.refused_at: list[float] = []
        self.resumes = 0
        self._events: list[Json] = []
        self._socket: web.WebSocketResponse | None = None

    async def dispatch(self, name: str, data: Any) -> None:
        """Send one event, or keep it for a resume while nobody is connected."""
        if name.startswith("MESSAGE_") and not self.message_content:
            data = without_content(data)
        event = {"op": 0, "s": len(self._events) + 1, "t": name, "d": data}
        self._events.append(event)
        if self._socket is not None and not self._socket.closed and self.identified.is_set():
            with contextlib.suppress(ConnectionError):
                await self._socket.send_json(event)

    async def close(self, code: int = 1000) -> None:
        """Close the bot's connection; with a code such as 4000 the bot resumes."""
        self.identified.clear()
        if self._socket is not None and not self._socket.closed:
            await self._socket.close(code=code)

    async def end_session(self) -> None:
        """Declare the session over, so that the bot must identify itself again."""
        self.identified.clear()
        if self._socket is not None:
            await self._socket.send_json({"op": 9, "d": False})

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection of the bot."""
        if self.refuse:
            self.refuse -= 1
            self.refused_at.append(time.monotonic())
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._socket = socket
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 41250}})
        async for frame in socket:
            if frame.type != WSMsgType.TEXT:
                break
            said = frame.json()
            if said["op"] == 1:
                await socket.send_json({"op": 11})
            elif said["op"] == 2:
                await self._identify(socket, said["d"])
            elif said["op"] == 6:
                await self._resume(socket, said["d"])
        if self._socket is socket:
            self.identified.clear()
        return socket

    async def _identify(self, socket: web.WebSocketResponse, told: Json) -> None:
        self.identifies.append(told)
        self.identified_at.append(time.monotonic())
        if told["token"] != self._token:
            await socket.close(code=4004, message=b"Authentication failed.")
            return
        if told["intents"] & _MESSAGE_CONTENT and not self.message_content:
            await socket.close(code=4014, message=b"Disallowed intent(s).")
            return
        self._events.clear()
        ready = {
            "v": 10,
            "user": USERS[BOT],
            "guilds": [{"id": GUILD, "unavailable": True}],
            "session_id": f"session-{len(self.identifies)}",
            "resume_gateway_url": self.url,
            "application": {"id": BOT, "flags": 0},
            "shard": told.get("shard", [0, 1]),
        }
        self.identified.set()
        await self.dispatch("READY", ready)
        await self.dispatch("GUILD_CREATE", guild(self.nick))

    async def _resume(self, socket: web.WebSocketResponse, told: Json) -> None:
        self.resumes += 1
        for event in self._events[told["seq"] :]:
            await socket.send_json(event)
        self.identified.set()
        await self.dispatch("RESUMED", {})
