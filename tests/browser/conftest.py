"""The page in a real browser. `page_url` serves it with the scripted worker; point it elsewhere to try the product."""

import shutil
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.served_page import served

FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--disable-gpu",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
"""Quiet, asks no other host, and hands its microphone to whoever asks."""
_DEADLINE_MS = 20_000


def chromium() -> str:
    """The browser of this machine."""
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
    )
    assert found, "the browser tests need Chromium: sh deploy/test-packages.sh"
    return found


@pytest.fixture(scope="module")
def page_url(redis_server: Path) -> Iterator[str]:
    """The page's address."""
    with served(redis_server) as (address, _):
        yield address


@pytest.fixture(scope="session")
def spoken_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's fake microphone hears, over and over: a tone that comes and goes."""
    path = tmp_path_factory.mktemp("microphone") / "tone.wav"
    times = np.arange(48_000 * 3) / 48_000
    samples = np.sin(2 * np.pi * 300 * times) * (0.3 + 0.3 * np.sin(2 * np.pi * 2 * times))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((samples * 30_000).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def browser(page_url: str, spoken_wav: Path) -> Iterator[Browser]:
    """Chromium with a fake microphone.

    Not for the whole session: while Playwright's sync API is open, no other event loop can run in this thread.
    """
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium(), args=[*FLAGS, f"--use-file-for-fake-audio-capture={spoken_wav}"]
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, page_url: str) -> Iterator[Page]:
    """A fresh visitor; the test fails if the page reports an error or asks another host."""
    context = browser.new_context(viewport={"width": 1000, "height": 800}, locale="en-GB")
    context.set_default_timeout(_DEADLINE_MS)
    expect.set_options(timeout=_DEADLINE_MS)
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda request: None if _is_own(request.url, page_url) else wrong.append(request.url))
    opened.goto(page_url)
    expect(opened.locator("#composer:not([inert])")).to_be_visible()
    yield opened
    context.close()
    assert wrong == []


def _is_own(url: str, page_url: str) -> bool:
    return url.startswith((page_url, "blob:", "data:"))
