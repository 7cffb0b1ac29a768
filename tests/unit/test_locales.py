"""Whatever Parley may have to say, it has words for."""

import re
from pathlib import Path

import pytest

from bots.locales import Phrases

ROOT = Path(__file__).parents[2]
UNSAID = {"nothing_to_say"}
"""The voice says this to the engine, which then answers by text alone."""


@pytest.mark.parametrize("language", Phrases().languages)
def test_every_error_for_a_person_has_its_sentence(language: str):
    sources = [path.read_text("utf-8") for room in ("core", "bots") for path in (ROOT / room).rglob("*.py")]
    keys = {key for source in sources for key in re.findall(r'UserError\(\s*"(\w+)"', source)} - UNSAID
    assert len(keys) > 10
    words = Phrases()._say[language]
    assert keys - set(words) == set()
