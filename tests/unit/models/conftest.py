"""A model of made-up bytes, the hub and the package index that have it."""

import hashlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from core.models import hub
from core.models.catalogue import Entry, Wheel, Whole
from tests.platforms.hub_server import HubServer
from tests.platforms.package_index import Package, wheel

WEIGHTS = random.Random(1).randbytes(300_000)
CONFIG = b'{"model_type": "whisper"}'
PARTS = (WEIGHTS[:200_000], WEIGHTS[200_000:])


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "STALL_S", 0.5)
    monkeypatch.setattr(hub, "_PAUSE_S", 0.01)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Ears, as the hub has them, with files that nobody needs."""
    folder = tmp_path / "repository"
    folder.mkdir()
    files = {"model.bin": WEIGHTS, "config.json": CONFIG, "tokenizer.json": b"{}", "vocabulary.json": b"[]"}
    for name, data in {**files, "README.md": b"# Ears", "run.py": b"print(1)"}.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
async def server(repository: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HubServer]:
    async with HubServer({"someone/ears": repository}) as running:
        _point_to(running.base, monkeypatch)
        yield running


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine from which the hub's name is not found."""
    _point_to("http://hub.invalid", monkeypatch)


def _point_to(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_ENDPOINT does before huggingface_hub is imported."""
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}")


def carried(digest: str = "") -> Entry:
    """The same ears, as a catalogue would name their wheels."""
    sizes = {"model.bin": len(WEIGHTS), "config.json": len(CONFIG)}
    sums = {
        "model.bin": digest or hashlib.sha256(WEIGHTS).hexdigest(),
        "config.json": hashlib.sha256(CONFIG).hexdigest(),
    }
    wheels = (
        Wheel("odd-ears-1", "1.0", len(PARTS[0]), {"odd_ears_1/data/part1": "model.bin"}),
        Wheel("odd-ears-2", "1.0", len(PARTS[1]), {"odd_ears_2/part2": "model.bin", "odd_ears_2/c": "config.json"}),
    )
    joined = {file: Whole(sizes[file], sums[file]) for file in sizes}
    return Entry("ears", "someone/ears", "ears", licence="MIT", memory={"int8": 1}, wheels=wheels, joined=joined)


def packages() -> dict[str, list[Package]]:
    """The wheels of `carried`."""
    return {
        "odd-ears-1": [wheel("odd-ears-1", {"odd_ears_1/__init__.py": b"1 / 0", "odd_ears_1/data/part1": PARTS[0]})],
        "odd-ears-2": [wheel("odd-ears-2", {"odd_ears_2/part2": PARTS[1], "odd_ears_2/c": CONFIG})],
    }


def only_index(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip know this index and no other."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", url)
