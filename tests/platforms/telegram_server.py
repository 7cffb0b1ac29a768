"""A local Telegram: the Bot API as python-telegram-bot uses it, over a real socket.

async with TelegramServer() as telegram:
    telegram.say("hello", chat=PRIVATE)                 a person writes; also voice=, photo=, document=, topic=, ...
    await telegram.wait_sent(1)                         what the bot sent lies in telegram.sent
    telegram.react(telegram.sent[0], new=["👍"])        a reaction; telegram.press(...) is an inline button
    await telegram.wait_quiet()                         half a second without a call: now compare the whole journal
"""

import asyncio
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from aiohttp import web

from tests.platforms.telegram_chats import Chats
from tests.platforms.telegram_payloads import (
    ANN,
    BOB,
    BOT,
    FORUM,
    GROUP,
    PRIVATE,
    Sent,
    mentions_in,
    read_form,
    refused,
)
from tests.platforms.telegram_trouble import Call, Failure, Json, Trouble, error

__all__ = ["ANN", "BOB", "BOT", "FORUM", "GROUP", "PRIVATE", "Sent", "TelegramServer"]
TOKEN = "42:local-test-token"
_BIGGEST = 20 * 2**20


class TelegramServer:
    """One Telegram with one bot, called `name`. `base` goes into TELEGRAM_API_BASE."""

    def __init__(self, token: str = TOKEN, name: str = "Parley") -> None:
        self.token = token
        self._bot = {**BOT, "first_name": name}
        self.base = ""
        self.sent: list[Sent] = []
        self.edited: list[tuple[int, str]] = []
        self.removed: list[int] = []
        self.drafts: list[tuple[int, int, str]] = []
        self.typed: list[int] = []
        self.signs: list[str] = []
        self.thanked: list[tuple[str, str]] = []
        self.offsets: list[int] = []
        self.chats = Chats()
        self.calls: list[Call] = []
        self.trouble = Trouble()
        self._updates: list[Json] = []
        self._files: dict[str, bytes] = {}
        self._update_ids, self._message_ids = itertools.count(100), itertools.count(1)
        self._came = asyncio.Event()
        self._poll: asyncio.Future[None] | None = None
        self._last_call = 0.0

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/bot{token}/{method}", self._api)
        app.router.add_get("/file/bot{token}/{path:.*}", self._file)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    # What people do

    def push(self, **update: Any) -> Json:
        """Any update."""
        made = {"update_id": next(self._update_ids), **update}
        self._updates.append(made)
        self._came.set()
        return made

    def give_again(self, update: Json) -> None:
        """The same update once more, before the bot confirms the first."""
        self._updates.append(update)

    def say(
        self,
        text: str = "",
        *,
        chat: Json = PRIVATE,
        user: Json = ANN,
        topic: int | None = None,
        reply_to: Sent | Json | None = None,
        **media: Any,
    ) -> Json:
        """A message; `media` are fields of a Telegram message, such as `voice=telegram.voice(ogg)`.

        `reply_to` is a message of the bot, or one that this method returned.
        """
        message: Json = {"message_id": next(self._message_ids), "date": int(time.time()), "chat": chat, "from": user}
        message |= media
        if text:
            place = "caption" if media else "text"
            message |= {place: text, "caption_entities" if media else "entities": mentions_in(text)}
        if topic is not None:
            message |= {"message_thread_id": topic, "is_topic_message": True}
        if isinstance(reply_to, dict):
            message["reply_to_message"] = reply_to["message"]
        elif reply_to is not None:
            author = {"message_id": reply_to.id, "date": 1, "chat": chat, "from": BOT, "text": reply_to.text}
            message["reply_to_message"] = author
        return self.push(message=message)

    def voice(self, data: bytes, duration: int = 2, claimed_size: int | None = None) -> Json:
        """A voice note for `say(voice=...)`; the same shape serves audio=, video_note= and document=."""
        file_id = self.keep(data)
        size = len(data) if claimed_size is None else claimed_size
        return {"file_id": file_id, "file_unique_id": file_id, "duration": duration, "file_size": size, "length": 240,
                "mime_type": "audio/ogg"}  # fmt: skip

    def photo(self, data: bytes) -> list[Json]:
        """A photo in two sizes for `say(photo=...)`."""
        return [
            {"file_id": self.keep(data), "file_unique_id": f"p{side}", "width": side, "height": side}
            for side in (90, 800)
        ]

    def keep(self, data: bytes) -> str:
        """Bytes behind a new file id."""
        file_id = f"F{len(self._files)}"
        self._files[file_id] = data
        return file_id

    def react(
        self, to: Sent, *, old: Sequence[str] = (), new: Sequence[str] = (), user: Json = ANN, chat: Json | None = None
    ) -> Json:
        """A person's reactions on a message change from `old` to `new`."""

        def listed(emoji: Sequence[str]) -> list[Json]:
            return [{"type": "emoji", "emoji": each} for each in emoji]

        place = chat or {"id": to.chat, "type": "private" if to.chat > 0 else "supergroup", "title": "x"}
        change = {"chat": place, "message_id": to.id, "user": user, "date": int(time.time())}
        return self.push(message_reaction={**change, "old_reaction": listed(old), "new_reaction": listed(new)})

    def press(self, on: Sent, button: str, *, user: Json = ANN) -> Json:
        """An inline button is pressed."""
        kind = "private" if on.chat > 0 else "supergroup"
        topic = {} if on.topic is None else {"message_thread_id": on.topic, "is_topic_message": True}
        chat = {"id": on.chat, "type": kind}
        message = {"message_id": on.id, "date": int(time.time()), "chat": chat, "from": BOT, "text": on.text, **topic}
        return self.push(
            callback_query={"id": f"c{on.id}{button}", "from": user, "chat_instance": "1", "message": message,
                            "data": button}
        )  # fmt: skip

    def fail(self, method: str, code: int, description: str, **parameters: Any) -> None:
        """The next call of a method fails."""
        self.trouble.failures.setdefault(method, []).append(Failure(code, description, parameters))

    # What tests wait for

    async def wait_sent(self, count: int, seconds: float = 30) -> list[Sent]:
        """Wait until the bot has sent that many messages."""
        async with asyncio.timeout(seconds):
            while len(self.sent) < count:
                await asyncio.sleep(0.01)
        return self.sent

    async def wait_quiet(self, seconds: float = 0.5) -> list[Sent]:
        """Wait until nothing but long polls came for so long."""
        self._last_call = max(self._last_call, time.monotonic())
        while time.monotonic() - self._last_call < seconds or self._updates:
            await asyncio.sleep(0.02)
        return self.sent

    # The Bot API

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(body=self._files[request.match_info["path"].removeprefix("voice/")])

    async def _api(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != self.token:
            return error(Failure(401, "Unauthorized"))
        method = request.match_info["method"]
        if method == "getUpdates":
            return await self._get_updates(request)
        fields, files = await read_form(request)
        self._last_call = time.monotonic()
        self.calls.append(Call(self._last_call, method, int(fields.get("chat_id", 0))))
        if (failure := self.trouble.instead_of(method, fields)) is not None:
            return error(failure)
        answer = self._do(method, fields, files)
        await self.trouble.after(method)
        return answer

    def _do(self, method: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> web.Response:
        if method == "getMe":
            return _ok(self._bot)
        if (result := self.chats.answer(method, fields)) is not None:
            return _ok(result)
        if method == "getFile":
            return self._get_file(fields["file_id"])
        if method in ("sendMessage", "sendVoice", "sendDocument"):
            return self._send(fields, files)
        if method in ("editMessageText", "deleteMessage"):
            return self._change(method, fields)
        if method == "sendMessageDraft":
            self.drafts.append((int(fields["chat_id"]), int(fields["draft_id"]), fields["text"]))
        if method == "sendChatAction":
            self.typed.append(int(fields["chat_id"]))
            self.signs.append(fields["action"])
        if method == "answerCallbackQuery":
            self.thanked.append((fields["callback_query_id"], fields.get("text", "")))
        return _ok(True)

    async def _get_updates(self, request: web.Request) -> web.Response:
        fields, _ = await read_form(request)
        if (failure := self.trouble.instead_of("getUpdates", {})) is not None:
            return error(failure)
        offset, deadline = int(fields.get("offset", 0)), time.monotonic() + float(fields.get("timeout", 0))
        self.offsets.append(offset)
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        mine = self._poll = asyncio.get_running_loop().create_future()
        self._updates = [update for update in self._updates if update["update_id"] >= offset]
        while not self._updates and not mine.done() and (left := deadline - time.monotonic()) > 0:
            self._came.clear()
            came = asyncio.ensure_future(self._came.wait())
            await asyncio.wait({came, mine}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            came.cancel()
        if mine.done():
            return error(Failure(409, "Conflict: terminated by other getUpdates request"))
        return _ok(self._updates[: int(fields.get("limit", 100))])

    def _get_file(self, file_id: str) -> web.Response:
        if file_id not in self._files:
            return error(Failure(400, "Bad Request: wrong file_id or the file is temporarily unavailable"))
        size = len(self._files[file_id])
        if size > _BIGGEST:
            return error(Failure(400, "Bad Request: file is too big"))
        return _ok({"file_id": file_id, "file_unique_id": file_id, "file_size": size, "file_path": f"voice/{file_id}"})

    def _send(self, fields: Mapping[str, str], files: Mapping[str, bytes]) -> web.Response:
        text, marks = fields.get("text", fields.get("caption", "")), json.loads(fields.get("entities", "[]"))
        if int(fields["chat_id"]) in self.chats.closed:
            return error(Failure(403, "Forbidden: bot can't initiate conversation with a user"))
        if (no := refused(text, marks, needs_text=not files)) is not None:
            return error(no)
        keyboard = json.loads(fields.get("reply_markup", "{}")).get("inline_keyboard", [])
        sent = Sent(
            id=next(self._message_ids),
            chat=int(fields["chat_id"]),
            topic=int(fields["message_thread_id"]) if "message_thread_id" in fields else None,
            text=text,
            voice=files.get("voice", b""),
            duration=int(float(fields.get("duration", 0))),
            reply_to=json.loads(fields.get("reply_parameters", "{}")).get("message_id"),
            buttons=tuple(button["text"] for row in keyboard for button in row),
            entities=tuple(mark["type"] for mark in marks),
            marks=tuple(marks),
            document=files.get("document", b""),
        )
        self.sent.append(sent)
        body: Json = {"voice": {"file_id": "S", "file_unique_id": "s", "duration": sent.duration}} if sent.voice else {}
        if sent.document:
            body = {"document": {"file_id": "D", "file_unique_id": "d"}, "caption": text}
        kind = "private" if sent.chat > 0 else "supergroup"
        chat = {"id": sent.chat, "type": kind}
        return _ok(
            {"message_id": sent.id, "date": int(time.time()), "chat": chat, "from": BOT, **(body or {"text": text})}
        )

    def _change(self, method: str, fields: Mapping[str, str]) -> web.Response:
        id, edit = int(fields["message_id"]), method == "editMessageText"
        found = next((sent for sent in self.sent if sent.id == id and id not in self.removed), None)
        if found is None:
            return error(Failure(400, f"Bad Request: message to {'edit' if edit else 'delete'} not found"))
        if not edit:
            self.removed.append(id)
            return _ok(True)
        if found.voice:
            return error(Failure(400, "Bad Request: there is no text in the message to edit"))
        if self.text_of(id) == fields["text"]:
            return error(
                Failure(400, "Bad Request: message is not modified: specified new message content is the same")
            )
        if (no := refused(fields["text"], json.loads(fields.get("entities", "[]")))) is not None:
            return error(no)
        self.edited.append((id, fields["text"]))
        chat = {"id": found.chat, "type": "private" if found.chat > 0 else "supergroup"}
        return _ok({"message_id": id, "date": int(time.time()), "chat": chat, "from": BOT, "text": fields["text"]})

    def text_of(self, id: int) -> str:
        """What a message of the bot says now."""
        first = next(sent.text for sent in self.sent if sent.id == id)
        return next((text for edited, text in reversed(self.edited) if edited == id), first)


def _ok(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})
