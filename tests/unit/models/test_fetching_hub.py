import asyncio
import shutil
import signal
import sys
from pathlib import Path
from threading import Event

import pytest
from huggingface_hub import constants

from core.errors import PermanentError, RetryableError
from core.models import fetching, hub, kept, machine
from core.models.aside import Stopped
from core.models.catalogue import Entry
from core.models.progress import Progress
from tests.platforms.hub_server import HubServer
from tests.unit.models.conftest import WEIGHTS

pytestmark = pytest.mark.slow

EARS = "someone/ears"


async def fetch(models: Path, source: Entry | str = EARS, shown: list[Progress] | None = None) -> Path:
    return await asyncio.to_thread(fetching.fetch, source, models, (shown if shown is not None else []).append)


async def test_a_model_comes_whole_with_what_it_needs_and_nothing_else(server: HubServer, tmp_path: Path):
    shown: list[Progress] = []
    folder = await fetch(tmp_path / "models", shown=shown)
    assert folder == tmp_path / "models" / "someone--ears"
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    names = {"model.bin", "config.json", "tokenizer.json", "vocabulary.json"}
    assert {path.name for path in folder.iterdir()} == {*names, ".parley.json"}
    assert [each.done for each in shown] == sorted(each.done for each in shown)
    assert shown[-1].done == shown[-1].total > len(WEIGHTS)
    (known,) = kept.kept(tmp_path / "models")
    assert (known.name, known.kind, known.size) == ("someone--ears", "ears", shown[-1].total)
    assert not (tmp_path / "models" / ".someone--ears.part").exists()


async def test_what_is_whole_is_not_fetched_again(server: HubServer, tmp_path: Path):
    await fetch(tmp_path)
    asked = len(server.asked)
    assert await fetch(tmp_path) == tmp_path / "someone--ears"
    assert len(server.asked) == asked


async def test_what_was_whole_and_is_damaged_is_fetched_again(server: HubServer, tmp_path: Path):
    folder = await fetch(tmp_path)
    (folder / "model.bin").write_bytes(b"half")
    await fetch(tmp_path)
    assert (folder / "model.bin").read_bytes() == WEIGHTS


async def test_a_download_that_is_cut_goes_on_from_there(server: HubServer, tmp_path: Path):
    server.cut_after = 100_000
    folder = await fetch(tmp_path)
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    starts = [start for file, start in server.ranges if file == "model.bin"]
    assert starts == [0, 100_000, 200_000]


async def test_a_fetch_that_was_given_up_goes_on_the_next_time(server: HubServer, tmp_path: Path):
    server.stall_after = 0
    with pytest.raises(
        RetryableError, match="someone--ears cannot be fetched: 127.* does not answer .no answer in time"
    ):
        await fetch(tmp_path)
    server.stall_after, server.cut_after = None, 150_000
    await fetch(tmp_path)
    assert [start for file, start in server.ranges if file == "model.bin"][-2:] == [0, 150_000]


async def test_a_hub_that_stalls_is_asked_to_go_on(server: HubServer, tmp_path: Path):
    server.stall_after = 100_000
    folder = await fetch(tmp_path, Entry("ears", EARS, files=("model.bin",)))
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert server.ranges == [("model.bin", 0), ("model.bin", 100_000), ("model.bin", 200_000)]


async def test_a_hub_that_takes_connections_and_says_nothing_is_given_up(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hub, "_CONNECT_S", 0.5)
    server.silent = True
    with pytest.raises(RetryableError, match="no answer in time"):
        await fetch(tmp_path)


async def test_stopping_does_not_wait_for_a_silent_hub(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hub, "STALL_S", 300.0)
    server.stall_after = 0
    stop = Event()
    work = asyncio.create_task(asyncio.to_thread(fetching.fetch, EARS, tmp_path, lambda _: None, stop))
    async with asyncio.timeout(60):
        while not server.asked:
            await asyncio.sleep(0.01)
        stop.set()
        with pytest.raises(Stopped):
            await work


async def test_bytes_may_come_from_another_host_which_learns_no_token(
    server: HubServer, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    async with HubServer({EARS: repository}) as cdn:
        server.redirect_to, cdn.cut_after = cdn.base, 200_000
        folder = await fetch(tmp_path)
        assert (folder / "model.bin").read_bytes() == WEIGHTS
        assert ("model.bin", 200_000) in cdn.ranges
        assert not any(cdn.authorized)
    assert not server.asked


async def test_a_wrong_digest_is_thrown_away_and_said(server: HubServer, tmp_path: Path):
    models = tmp_path / "models"
    server.lies_about = {"model.bin"}
    with pytest.raises(PermanentError, match="model.bin came from .* with another digest .*: it was thrown away"):
        await fetch(models)
    assert not (models / "someone--ears").exists()
    assert not any(path.stat().st_size == len(WEIGHTS) for path in models.rglob("*"))
    server.lies_about = set()
    assert (await fetch(models) / "model.bin").read_bytes() == WEIGHTS


async def test_small_files_are_checked_by_gits_own_digest(server: HubServer, tmp_path: Path):
    server.lies_about = {"config.json"}
    with pytest.raises(PermanentError, match="config.json came from"):
        await fetch(tmp_path)


async def test_a_digest_other_than_the_catalogues_is_refused_before_a_byte(server: HubServer, tmp_path: Path):
    named = Entry("ears", EARS, "ears", digests={"model.bin": "0" * 64})
    with pytest.raises(PermanentError, match="another digest of model.bin than the catalogue"):
        await fetch(tmp_path, named)
    assert not server.asked


async def test_a_model_that_is_not_there_is_one_sentence(server: HubServer, tmp_path: Path):
    with pytest.raises(PermanentError, match="there is no model someone/else at 127"):
        await fetch(tmp_path, "someone/else")
    with pytest.raises(PermanentError, match="someone/ears has no small.gguf"):
        await fetch(tmp_path, "someone/ears:small.gguf")
    with pytest.raises(PermanentError, match="'what' is no hub id"):
        await fetch(tmp_path, "what")


async def test_a_hub_in_trouble_is_not_a_missing_model(server: HubServer, tmp_path: Path):
    server.status = 503
    with pytest.raises(RetryableError, match="does not answer .*503"):
        await fetch(tmp_path)


async def test_a_name_that_is_not_found_is_one_sentence(no_hub: None, tmp_path: Path):
    with pytest.raises(RetryableError, match="hub.invalid does not answer"):
        await fetch(tmp_path)


async def test_offline_is_offline(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(PermanentError, match="HF_HUB_OFFLINE is set"):
        await fetch(tmp_path)


async def test_too_little_disk_is_said_before_a_byte_comes(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(RetryableError, match=r"needs 300\.\d kB more in .*, and 1\.0 kB of the disk are free"):
        await fetch(tmp_path)
    assert not server.asked


async def test_too_little_memory_is_said_before_a_byte_comes(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(machine, "free_memory_bytes", lambda: 1 << 30)
    with pytest.raises(RetryableError, match=r"big needs 2\.0 GB of memory, and 1\.1 GB are free"):
        await fetch(tmp_path, Entry("big", EARS, "mind", memory={"int8": 2_000_000_000, "bfloat16": 4_000_000_000}))
    assert not server.ranges


async def test_two_fetches_of_one_model_download_it_once(server: HubServer, tmp_path: Path):
    server.cut_after = 100_000
    folders = await asyncio.gather(*(fetch(tmp_path) for _ in range(4)))
    assert set(folders) == {tmp_path / "someone--ears"}
    assert [start for file, start in server.ranges if file == "model.bin"] == [0, 100_000, 200_000]


async def test_a_process_that_is_killed_leaves_what_the_next_one_goes_on_with(server: HubServer, tmp_path: Path):
    server.stall_after = 120_000
    program = (
        "import sys, pathlib; from core.models.fetching import fetch; fetch(sys.argv[1], pathlib.Path('.'), print)"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-c", program, EARS),
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join(sys.path), "HF_ENDPOINT": server.base},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    async with asyncio.timeout(60):
        while b"done=120" not in (line := await process.stdout.readline()):
            assert line
    process.send_signal(signal.SIGKILL)
    await process.wait()
    server.stall_after = None
    folder = await fetch(tmp_path)
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert [start for file, start in server.ranges if file == "model.bin"] == [0, 120_000]


async def test_no_word_about_this_machine_reaches_the_hub(server: HubServer, tmp_path: Path):
    await fetch(tmp_path)
    assert server.agents
    assert not any(word in agent for agent in server.agents for word in ("torch", "session", "transformers"))


async def test_what_is_here_comes_back_as_it_is(tmp_path: Path, repository: Path):
    assert await fetch(tmp_path / "models", str(repository)) == repository
    file = tmp_path / "mind.gguf"
    file.write_bytes(b"GGUF")
    assert await fetch(tmp_path / "models", str(file)) == file
    assert not (tmp_path / "models").exists()


async def test_a_folder_of_somebodys_own_is_not_touched(server: HubServer, tmp_path: Path):
    (tmp_path / "someone--ears").mkdir()
    (tmp_path / "someone--ears" / "mine.txt").write_text("mine")
    with pytest.raises(PermanentError, match="is in the way"):
        await fetch(tmp_path)
    assert (tmp_path / "someone--ears" / "mine.txt").read_text() == "mine"
