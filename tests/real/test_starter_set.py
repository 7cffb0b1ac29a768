"""What the first start fetches is what the catalogue says, from wherever it comes."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from core.models import catalogue, kept
from core.models.catalogue import Entry
from core.models.fetching import fetch


@pytest.mark.parametrize("entry", [catalogue.starter("ears"), catalogue.starter("mind")], ids=lambda entry: entry.name)
def test_it_comes_whole_and_with_the_digests_of_the_catalogue(entry: Entry, models_dir: Path):
    fetch(entry, models_dir)
    folder = models_dir / entry.name
    receipt = kept.receipt_of(folder)
    assert receipt
    assert kept.kind_of(folder) == entry.kind
    known = {file: whole.sha256 for file, whole in entry.joined.items()}
    if not receipt.source.startswith("package index"):
        known = dict(entry.digests)
    for file, digest in known.items():
        with (folder / file).open("rb") as read:
            assert hashlib.file_digest(read, "sha256").hexdigest() == digest


def test_the_ears_open(ears: Path):
    from core.speech.transcription import WhisperHearing

    hearing = WhisperHearing.open(str(ears))
    assert hearing.translates
    asyncio.run(hearing.close())


def test_the_mind_is_a_gguf_file(mind: Path):
    with mind.open("rb") as read:
        assert read.read(4) == b"GGUF"
