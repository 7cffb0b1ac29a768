"""The product as a child process between a local Telegram and a local model; both journals are compared as a whole."""

import asyncio
import contextlib
import os
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web

from tests.fault.model_server import MODEL, ModelServer, answer_to
from tests.platforms.telegram_server import ANN, TelegramServer
from tests.scenario.product import Product

PATIENCE_S = 300
"""Of every wait here: a slow machine fails no test."""


class Telegram(TelegramServer):
    """The local Telegram, which can also keep the bot waiting; `sent_at` belongs to `sent`, one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.held = 0
        self.sent_at: list[float] = []
        self._taking = asyncio.Event()
        self._taking.set()

    def hold(self) -> None:
        """Let every sendMessage wait. Who hangs up meanwhile has sent nothing."""
        self._taking.clear()

    def take(self) -> None:
        """Take messages again."""
        self._taking.set()

    async def _api(self, request: web.Request) -> web.Response:
        sending = request.match_info["method"] == "sendMessage"
        if sending and not self._taking.is_set():
            self.held += 1
            await self._taking.wait()
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError
        answer = await super()._api(request)
        if sending:
            self.sent_at += [time.monotonic()] * (len(self.sent) - len(self.sent_at))
        return answer


@dataclass(frozen=True)
class Verdict:
    """What came of the messages: those without an answer, those with several, channels out of order, other texts."""

    messages: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    disordered: tuple[int, ...]
    other: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Each message answered at least once, in order, and nothing else said."""
        return not (self.lost or self.disordered or self.other)

    @property
    def perfect(self) -> bool:
        """Each message answered once, in order, and nothing else said."""
        return self.kept and not self.doubled


class World:
    """One product, one Telegram, one model."""

    def __init__(self, product: Product, telegram: Telegram, model: ModelServer) -> None:
        self.product = product
        self.telegram = telegram
        self.model = model
        self.said: dict[int, list[str]] = defaultdict(list)
        self.said_at: dict[str, float] = {}
        self.updates: dict[str, int] = {}
        self.killed_at: list[float] = []

    def say(self, chat: int, text: str = "", *, again: int = 0) -> str:
        """A person writes into a chat of theirs; without `text` a message that is like no other.

        Telegram gives it `again` that often.
        """
        text = text or f"message {len(self.said[chat])} of chat {chat}"
        self.said[chat].append(text)
        self.said_at[text] = time.monotonic()
        pushed = self.telegram.say(text, chat={"id": chat, "type": "private"}, user={**ANN, "id": chat})
        self.updates[text] = pushed["update_id"]
        for _ in range(again):
            self.telegram.give_again(pushed)
        return text

    def say_everywhere(self, chats: range, times: int) -> None:
        """So many messages into each chat, one chat after the other."""
        for _ in range(times):
            for chat in chats:
                self.say(chat)

    async def kill(self) -> None:
        """kill -9 of the product."""
        await self.product.kill()
        self.killed_at.append(time.monotonic())

    async def answered(self, texts: set[str] | None = None) -> Verdict:
        """Wait until these messages (else all) have answers and Telegram is quiet; then judge the whole journal."""
        wanted = {answer_to(text) for text in (texts or self.said_at)}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while not wanted <= {sent.text for sent in self.telegram.sent}:
                    await asyncio.sleep(0.02)
                await self.telegram.wait_quiet()
        return self.verdict()

    def verdict(self) -> Verdict:
        """The whole journal against everything that was said."""
        answers = {answer_to(text): text for texts in self.said.values() for text in texts}
        shown = Counter(sent.text for sent in self.telegram.sent)
        return Verdict(
            messages=len(answers),
            lost=tuple(text for answer, text in answers.items() if not shown[answer]),
            doubled=tuple(text for answer, text in answers.items() if shown[answer] > 1),
            disordered=tuple(chat for chat in self.said if not self._in_order(chat)),
            other=tuple(sent.text for sent in self.telegram.sent if sent.text not in answers),
        )

    def _in_order(self, chat: int) -> bool:
        answers = [answer_to(text) for text in self.said[chat]]
        shown = dict.fromkeys(sent.text for sent in self.telegram.sent if sent.chat == chat and sent.text in answers)
        return list(shown) == [answer for answer in answers if answer in shown]

    def shown_at(self, text: str) -> list[float]:
        """When the answer to a message was shown."""
        sent = zip(self.telegram.sent, self.telegram.sent_at, strict=True)
        return [at for each, at in sent if each.text == answer_to(text)]

    def doubled_by_a_kill(self, text: str) -> bool:
        """Whether its answer was shown twice, once on either side of one kill: the bot never heard of the first."""
        first, *more = self.shown_at(text)
        return len(more) == 1 and any(first < at < more[0] for at in self.killed_at)


@contextlib.asynccontextmanager
async def living(data: Path, **settings: str) -> AsyncGenerator[World]:
    """A healthy product between both servers; at the end it is stopped, in whatever state it is."""
    async with Telegram() as telegram, ModelServer() as model:
        product = Product(data, **settings_for(telegram, model), **settings)
        try:
            await (await product.start()).healthy()
            yield World(product, telegram, model)
        finally:
            telegram.take()
            await stopped(product)


def settings_for(telegram: Telegram, model: ModelServer) -> dict[str, str]:
    """The settings of a product between these two."""
    return {"LM_URL": model.base, "LM_MODEL": MODEL, "TELEGRAM_TOKEN": telegram.token,
            "TELEGRAM_API_BASE": telegram.base}  # fmt: skip


async def stopped(product: Product) -> None:
    """SIGTERM, and SIGKILL when that does not help."""
    try:
        await product.stop()
    except TimeoutError:
        await product.kill()


async def until(truth: Any, what: str, seconds: float = PATIENCE_S) -> float:
    """Wait until `truth()`; how long it took."""
    began = time.monotonic()
    while not truth():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds:.0f} s"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def counter(product: Product, name: str) -> float:
    """A counter at /metrics, all labels together."""
    async with httpx.AsyncClient(timeout=30) as client:
        page = (await client.get(f"{product.page}/metrics")).text
    return sum(float(found) for found in re.findall(rf"^{name}_total(?:{{.*}})? (\S+)$", page, re.MULTILINE))


async def health(product: Product, seconds: float = 2.0) -> str:
    """What /healthz says: its status, or that it said nothing in time."""
    async with httpx.AsyncClient(timeout=seconds) as client:
        try:
            return str((await client.get(f"{product.page}/healthz")).status_code)
        except httpx.TimeoutException:
            return f"silent for {seconds:.0f} s"


def cpu_s(product: Product) -> float:
    """Processor time that a product has used, in seconds: user and system (proc_pid_stat(5), fields 14 and 15)."""
    fields = Path(f"/proc/{product.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(product: Product) -> float:
    """What a product holds in memory, in MB."""
    status = Path(f"/proc/{product.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]
