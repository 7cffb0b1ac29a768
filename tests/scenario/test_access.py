"""Strangers at the doors of the product, as they and its owner see it."""

import asyncio
import re
from pathlib import Path

from bots.locales import Phrases
from tests.fault.model_server import MODEL, ModelServer, answer_to
from tests.platforms.discord_payloads import ALICE, BOB, DM, GENERAL, GUILD, THREAD
from tests.platforms.discord_server import DiscordServer
from tests.platforms.telegram_server import ANN, GROUP, PRIVATE, TelegramServer
from tests.platforms.telegram_server import BOB as BEN
from tests.scenario.product import run_to_end, running

SAY = Phrases().say
BEN_HERE = {"id": BEN["id"], "type": "private"}


def code_in(text: str) -> str:
    found = re.search(r"[A-Z2-9]{8}$", text)
    assert found is not None, text
    return found[0]


async def test_on_telegram_the_owner_lets_people_in_from_the_command_line_and_the_chat(data: Path):
    async with TelegramServer() as telegram, ModelServer() as model:
        settings = {
            "ACCESS": "pairing",
            "OWNERS": f"telegram:{BEN['id']}",
            "LM_URL": model.base,
            "LM_MODEL": MODEL,
            "TELEGRAM_TOKEN": telegram.token,
            "TELEGRAM_API_BASE": telegram.base,
        }
        async with running(data, **settings) as product:
            assert any(line.startswith("access: strangers get a code") for line in product.said)
            telegram.say("let me in")
            telegram.say("please", chat=PRIVATE)
            telegram.say("nobody asked", chat=GROUP)
            telegram.say("@parley_bot hello", chat=GROUP)
            telegram.say("/help", chat=GROUP)
            await telegram.wait_sent(2)
            await telegram.wait_quiet()
            assert len(telegram.sent) == 2
            answered = {sent.chat: sent for sent in telegram.sent}
            mine, ours = answered[ANN["id"]], answered[GROUP["id"]]
            assert mine.text == SAY("not_paired", "en", code=code_in(mine.text))
            assert ours.text == SAY("group_not_paired", "en", code=code_in(ours.text))

            _, shown = await run_to_end(data, "pair", **settings)
            assert code_in(mine.text) in shown
            assert f"telegram:{GROUP['id']}" in shown
            assert (await run_to_end(data, "pair", "WRONGONE", **settings))[0] == 2
            code, said = await run_to_end(data, "pair", code_in(mine.text), **settings)
            assert (code, said.splitlines()[0]) == (0, "telegram:7 (Ann) may talk to Parley now.")
            await telegram.wait_sent(3)
            assert telegram.sent[2].text.startswith(SAY("welcome", "en", commands="").strip())
            telegram.say("hello")
            await telegram.wait_sent(4)
            assert telegram.sent[3].text == answer_to("hello")

            telegram.say(f"/pair {code_in(ours.text)}", chat=BEN_HERE, user=BEN)
            await telegram.wait_sent(6)
            assert {sent.chat for sent in telegram.sent[4:6]} == {BEN["id"], GROUP["id"]}
            telegram.say("@parley_bot hello all", chat=GROUP)
            await telegram.wait_sent(7)
            assert telegram.sent[6].text == answer_to("Ann: hello all")

            code, said = await run_to_end(data, "doctor", **settings)
            assert "✓ access: ACCESS=pairing: OWNERS names 1, ALLOWED 0, codes let 2 in, 0 waiting" in said
            _, said = await run_to_end(data, "doctor", **{**settings, "ACCESS": "open"})
            assert "ACCESS=open: everybody who finds the bot may use it, and no quota is set" in said
            assert (await run_to_end(data, "pair", "--remove", "telegram:7", **settings))[0] == 0
            assert (await run_to_end(data, "pair", "--remove", "telegram:7", **settings))[0] == 2
        assert [asked.said for asked in model.asked if "let me in" in asked.said] == []


async def test_on_discord_a_code_opens_a_server_and_commands_are_answered(data: Path):
    discord = DiscordServer()
    await discord.start()
    try:
        async with ModelServer() as model:
            settings = {
                "ACCESS": "pairing",
                "ALLOWED": f"discord:{BOB}",
                "LM_URL": model.base,
                "LM_MODEL": MODEL,
                "DISCORD_TOKEN": discord.token,
                "DISCORD_API_BASE": discord.api,
                "DISCORD_GATEWAY": discord.gateway,
            }
            async with running(data, **settings):
                await discord.wait_ready()
                await discord.say("nobody asked", channel=GENERAL)
                await discord.say("hello", channel=GENERAL, mention=True)
                await discord.say("hello", channel=THREAD, mention=True)
                await discord.say("hello there", author=BOB)
                await discord.say("hello")
                await discord.wait_sent(3)
                await discord.wait_quiet()
                (ours,), (answer,), (mine,) = (discord.shown(where) for where in (GENERAL, DM[BOB], DM[ALICE]))
                assert discord.shown(THREAD) == []
                assert answer == answer_to("hello there")
                assert mine == SAY("not_paired", "en", code=code_in(mine))
                for _ in range(2):
                    given = discord.interactions.given[await discord.interactions.command("help", channel=GENERAL)]
                    async with asyncio.timeout(30):
                        while not given.texts:
                            await asyncio.sleep(0.01)
                    assert given.texts == [ours]
                _, shown = await run_to_end(data, "pair", **settings)
                assert f"discord:{GUILD}" in shown
                assert (await run_to_end(data, "pair", code_in(ours), **settings))[0] == 0
                await discord.say("hello again", channel=THREAD, mention=True)
                async with asyncio.timeout(30):
                    while answer_to("Alice: hello again") not in discord.shown(THREAD):
                        await asyncio.sleep(0.01)
    finally:
        await discord.stop()
