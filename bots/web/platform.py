"""The web page and its API as a platform: `listen` serves them, `send` leaves parts where the server finds them.

A worker may live in another process than the server, so `send` and `fetch` do nothing but Redis.
"""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Generator

import uvicorn
from starlette.types import ASGIApp

from bots.locales import Phrases
from bots.web import failures
from bots.web.answering import SILENCE_S, Answering
from bots.web.api import Api, Rooms
from bots.web.choices import Choices
from bots.web.guard import Guard, check_door
from bots.web.pages import Health, Models, Pages, new_app
from bots.web.uploads import MOST_BYTES, Uploads
from bots.web.wire import Ear, post
from core.errors import PermanentError, SettingError, UserError
from core.feedback.ratings import Feedback
from core.lanes.lanes import Lanes
from core.platform import Accept, Limits
from core.store import keys
from core.store.codec import FILE, home_of
from core.store.people import People
from core.store.preferences import PreferenceStore
from core.store.redis import Store, translated
from core.telemetry import log
from core.values.channel import ChannelKey, MediaRef, Person, PlatformName
from core.values.parts import RemovalPart, Sendable
from core.values.turn import Activity

_LOG = log("web")
_LAST_WORDS_S = 2
_STOP_S = 5.0
_IDLE_CONNECTION_S = 30


class WebPlatform:
    """One web server. `deadline_s` bounds the wait for one answer, `silence_s` what a stream says nothing for,
    `uploads_bytes` what all files together take; port 0 takes a free one.
    """

    def __init__(
        self,
        store: Store,
        lanes: Lanes,
        feedback: Feedback,
        *,
        host: str,
        port: int,
        token: str | None,
        phrases: Phrases,
        health: Health,
        models: Models,
        max_upload_bytes: int = 25 * 2**20,
        uploads_bytes: int = MOST_BYTES,
        deadline_s: float = 300.0,
        silence_s: float = SILENCE_S,
    ) -> None:
        check_door(host, token)
        self._store = store
        self._people = People(store)
        self._channels = PreferenceStore(store)
        self._host, self._port, self._token = host, port, token
        self._models = models
        self._pages = Pages(phrases, health, models)
        self._ear = Ear(store)
        answering = Answering(store, lanes, self._ear, deadline_s, silence_s)
        self._rooms = Rooms(
            store,
            lanes,
            feedback,
            self._people,
            answering,
            Uploads(store, uploads_bytes),
            phrases,
            max_upload_bytes,
        )
        self._address = ""
        self.started = asyncio.Event()

    @property
    def name(self) -> PlatformName:
        """Always "web"."""
        return "web"

    @property
    def limits(self) -> Limits:
        """A page has no limit of its own but memory."""
        return Limits(
            1_000_000,
            self._rooms.max_upload_bytes,
            draft_gap_s=0.2,  # each is the whole text so far
            shows_transcript=True,
            draws_tables=True,
            idempotent=True,
        )

    @property
    def address(self) -> str:
        """The URL of the page; "" until `started` is set."""
        return self._address

    async def listen(self, accept: Accept) -> None:
        """Serve until cancelled; SettingError when the address cannot be had."""
        listening = _bind(self._host, self._port)
        host, port = listening.getsockname()[:2]
        self._address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        async with asyncio.TaskGroup() as group:
            hearing = group.create_task(self._ear.run())
            try:
                await self._serve(listening, accept)
            finally:
                self._ear.stop()
                hearing.cancel()

    async def fetch(self, media: MediaRef, cap_bytes: int) -> bytes:
        """The bytes of an upload, which is kept for two days."""
        space, _, upload = media.handle.partition("/")
        channel = ChannelKey("web", space)
        with translated():
            raw = await self._store.redis.get(keys.upload(channel, upload))
        if not isinstance(raw, bytes):
            raise PermanentError(f"upload {media.handle} is gone")
        data = self._store.codec.open(FILE, home_of(channel), raw)
        if len(data) > cap_bytes:
            raise UserError("file_too_big", limit_mb=cap_bytes // 2**20)
        return data

    async def send(self, part: Sendable) -> str:
        """Keep and publish one part; the page's request, in whichever process, picks it up."""
        await post(self._store, part)
        return "" if isinstance(part, RemovalPart) else part.nonce

    async def typing(self, channel: ChannelKey, activity: Activity = "typing") -> None:
        """Nothing: the page shows it by itself, from sending until the answer comes."""

    async def administers(self, channel: ChannelKey, person: Person) -> bool:
        """Whoever has a channel to themselves does; where others spoke, whoever sits at this machine's own page."""
        return not self._token or not await self._people.others_than(person.id, channel)

    async def _serve(self, listening: socket.socket, accept: Accept) -> None:
        server = _Server(self._app(accept), self._on_start)
        serving = asyncio.create_task(server.serve(sockets=[listening]), name="web server")
        try:
            await asyncio.shield(serving)
        finally:
            self._ear.stop()
            server.should_exit = True
            await asyncio.wait({serving}, timeout=_STOP_S)
            serving.cancel()
            listening.close()
            self.started.clear()

    def _app(self, accept: Accept) -> ASGIApp:
        app = new_app()
        app.include_router(Api(self._rooms, accept).router())
        app.include_router(Choices(self._channels, self._models, own_page=not self._token).router())
        self._pages.install(app)
        failures.install(app, self._rooms.phrases)
        return Guard(app, self._token, self._rooms.phrases)

    def _on_start(self) -> None:
        _LOG.debug("the page is at %s", self._address)
        self.started.set()


class _Server(uvicorn.Server):
    """Uvicorn without signal handlers: who called `listen` decides when it ends."""

    def __init__(self, app: ASGIApp, on_start: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_IDLE_CONNECTION_S,
            timeout_graceful_shutdown=_LAST_WORDS_S,
        )
        super().__init__(config)
        self._on_start = on_start

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """None."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when connections are taken."""
        await super().startup(sockets)
        self._on_start()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=512)
    except socket.gaierror as error:
        raise SettingError("WEB_HOST", host, "an address of this machine") from error
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise SettingError("WEB_HOST", host, "an address of this machine") from error
        raise SettingError("WEB_PORT", str(port), "a free port") from error
    except OverflowError as error:
        raise SettingError("WEB_PORT", str(port), "a number from 0 to 65535") from error
    # Connections inherit it. asyncio sets it only where the protocol is given (base_events.py: _set_nodelay); without
    # it each answer on a connection that is kept open waits 40 ms for the reader's acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
