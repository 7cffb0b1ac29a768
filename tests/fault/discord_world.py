"""The product between both platforms and a model. On Discord "once" is strict: what is shown is what was answered."""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from pathlib import Path

from tests.fault.model_server import ModelServer, answer_to
from tests.fault.world import Telegram, World, settings_for, stopped, until
from tests.platforms.discord_payloads import ALICE, CROWD, DM, USERS
from tests.platforms.discord_server import DiscordServer
from tests.scenario.product import Product

_SILENT_S = 25
"""More than a lease, more than the longest pause between two tries."""
_KEY = "local-test-model-key"


class Both(World):
    """One product that joined a Telegram and a Discord."""

    def __init__(self, product: Product, telegram: Telegram, discord: DiscordServer, model: ModelServer) -> None:
        super().__init__(product, telegram, model)
        self.discord = discord
        self.told: dict[str, list[str]] = defaultdict(list)
        """What was written in each channel of Discord, as the model has to see it."""

    async def tell(self, person: str = ALICE, text: str = "", *, group: str = "") -> str:
        """Somebody writes on Discord, in their direct channel or to the bot in a group; without `text` a message
        that is like no other.
        """
        channel = group or DM[person]
        text = text or f"message {len(self.told[channel])} in {channel[-3:]}"
        self.told[channel].append(f"{USERS[person]['global_name']}: {text}" if group else text)
        await self.discord.say(text, author=person, channel=channel, mention=bool(group))
        return text

    async def tell_everywhere(self, people: tuple[str, ...] = CROWD, times: int = 1) -> None:
        """So many messages of each, one person after the other."""
        for _ in range(times):
            for person in people:
                await self.tell(person)

    def shown(self, person: str = ALICE) -> list[str]:
        """What the bot's messages in somebody's direct channel say."""
        return self.discord.shown(DM[person])

    async def settled(self) -> dict[str, list[str]]:
        """Wait until everything told is answered, or nothing comes any more; then what is shown that is not as told."""
        began = time.monotonic()
        while self.wrong() and time.monotonic() - max(began, *self.discord.called_at[-1:]) < _SILENT_S:
            await asyncio.sleep(0.02)
        await self.discord.wait_quiet()
        return self.wrong()

    def wrong(self) -> dict[str, list[str]]:
        """What is shown in which channel, where that is not one answer to each message, in order."""
        right = {channel: [answer_to(text) for text in texts] for channel, texts in self.told.items()}
        shown = {channel: self.discord.shown(channel) for channel in right}
        return {channel: texts for channel, texts in shown.items() if texts != right[channel]}

    async def start(self) -> float:
        """Start the product again and wait until it is healthy; when it was started (monotonic seconds)."""
        began = time.monotonic()
        await self.product.start()
        await self.product.healthy()
        return began

    async def ready(self) -> None:
        """Wait until the bot listens at Discord's gateway."""
        await until(self.discord.events.identified.is_set, "an IDENTIFY")

    def no_error(self) -> None:
        """Nothing in the log that nobody foresaw."""
        assert not [line for line in self.product.log if "Traceback" in line], "\n".join(self.product.log[-60:])


@contextlib.asynccontextmanager
async def joined(data: Path, **settings: str) -> AsyncGenerator[Both]:
    """A healthy product that listens to both platforms; at the end it is stopped, in whatever state it is."""
    discord = DiscordServer()
    await discord.start()
    async with Telegram() as telegram, ModelServer() as model:
        product = Product(
            data, **settings_for(telegram, model), **discord_settings(discord), LM_API_KEY=_KEY, **settings
        )
        world = Both(product, telegram, discord, model)
        try:
            await world.start()
            await world.ready()
            yield world
        finally:
            telegram.take()
            telegram.trouble.release()
            discord.trouble.release()
            await stopped(product)
            await discord.stop()


def discord_settings(discord: DiscordServer) -> dict[str, str]:
    """The settings of a product that joins this Discord."""
    return {"DISCORD_TOKEN": discord.token, "DISCORD_API_BASE": discord.api, "DISCORD_GATEWAY": discord.gateway}
