"""The chat page of the whole product in a real browser, on the shipped models, with a microphone that plays a WAV."""

import re
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, async_playwright, expect

from core.speech.voices.espeak import Espeak
from tests.browser.conftest import FLAGS, chromium
from tests.scenario.product import running

_DEADLINE_MS = 60_000


@pytest.fixture
async def page(data: Path) -> AsyncIterator[Page]:
    microphone = _spoken("Hello, my name is Alice.", data / "microphone.wav")
    flags = (*FLAGS, f"--use-file-for-fake-audio-capture={microphone}")
    expect.set_options(timeout=_DEADLINE_MS)
    async with running(data) as product, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(flags))
        opened = await browser.new_page(locale="en-GB")
        await opened.goto(product.page)
        yield opened
        await browser.close()


def _spoken(text: str, file: Path) -> Path:
    """Chromium plays the file over and over: the silence behind the words is longer than the recording."""
    voice = Espeak()
    samples = np.concatenate([np.zeros(voice.rate_hz // 2, np.int16), voice.say(text, "gmw/en-US+f2")])
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(voice.rate_hz)
        out.writeframes(np.concatenate([samples, np.zeros(voice.rate_hz * 10, np.int16)]).tobytes())
    return file


async def test_a_visitor_writes_speaks_rates_and_finds_it_all_again(page: Page):
    answers = page.locator(".answer .deeds:has(.thumb)")
    await page.get_by_role("textbox", name="Write a message").fill("Hello!")
    await page.keyboard.press("Enter")
    await expect(answers).to_have_count(1)
    await expect(page.locator(".answer .text").first).not_to_be_empty()

    await page.get_by_role("button", name="Record a voice note").click()
    await page.wait_for_timeout(3500)
    await page.get_by_role("button", name="Send the voice note").click()
    await expect(answers).to_have_count(2)
    await expect(page.locator(".answer").nth(1)).to_contain_text(re.compile("name is alice", re.IGNORECASE))
    await expect(page.locator(".answer .player")).to_have_count(1)

    async with page.expect_response(re.compile("reactions")) as put:
        await page.get_by_role("button", name="Good answer").first.click()
    assert (await put.value).status == 204
    await page.wait_for_timeout(500)
    await page.reload()
    await expect(answers).to_have_count(2)
    await expect(page.get_by_role("button", name="Good answer").first).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".said").first).to_have_text("Hello!")
    await expect(page.locator(".answer").nth(1)).to_contain_text(re.compile("name is alice", re.IGNORECASE))
