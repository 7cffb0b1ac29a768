"""The page in a real browser, and the product behind it."""

import shutil
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.speech.audio import encode_ogg_opus
from core.speech.voices.espeak import Espeak
from tests.browser.served import served, short_folder

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
def page_url() -> Iterator[str]:
    """The page's address."""
    with short_folder() as folder, served(folder) as (address, _):
        yield address


@pytest.fixture(scope="session")
def spoken() -> tuple[NDArray[np.int16], int]:
    """Words, and how many samples a second they have: what is no speech is not listened to."""
    voice = Espeak()
    return voice.say("How are you today? How are you? Are you well today?", "gmw/en-US+f2"), voice.rate_hz


@pytest.fixture(scope="session")
def spoken_wav(spoken: tuple[NDArray[np.int16], int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's fake microphone hears, over and over."""
    path, (samples, rate_hz) = tmp_path_factory.mktemp("microphone") / "words.wav", spoken
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture(scope="session")
def spoken_ogg(spoken: tuple[NDArray[np.int16], int]) -> bytes:
    """The same as a file."""
    return encode_ogg_opus(*spoken)


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
