import asyncio
import os
import signal
import tempfile
from pathlib import Path

import pytest

from core.errors import RetryableError, SettingError
from core.store.redis import Fsync, Store, open_store, server_binary, translated


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="parley-") as name:
        yield Path(name)


async def _pid(store: Store) -> int:
    return (await store.redis.info("server"))["process_id"]


@pytest.mark.slow
async def test_what_was_acknowledged_is_found_after_the_server_is_killed(folder: Path):
    async with open_store("", folder) as first:
        await first.redis.set("k", b"v")
        os.kill(await _pid(first), signal.SIGKILL)
        await asyncio.sleep(0.05)
        async with open_store("", folder) as second:
            assert await second.redis.get("k") == b"v"


async def test_a_server_that_is_alive_is_joined_and_the_last_one_out_stops_it(folder: Path):
    first, second = open_store("", folder), open_store("", folder)
    one = await first.__aenter__()
    two = await second.__aenter__()
    pid = await _pid(one)
    assert await _pid(two) == pid
    await one.redis.client_setname("parley-another-process")
    await first.__aexit__(None, None, None)
    await asyncio.sleep(0.05)
    os.kill(pid, 0)
    await second.__aexit__(None, None, None)
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(pid, 0)
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("fsync", ["everysec", "always"])
async def test_the_server_appends_every_write_to_a_file(folder: Path, fsync: Fsync):
    async with open_store("", folder, fsync) as store:
        kept = await store.redis.config_get("append*")
        assert (kept["appendonly"], kept["appendfsync"]) == ("yes", fsync)


async def test_redis_that_cannot_be_reached_names_the_setting_without_its_password():
    with pytest.raises(SettingError) as caught:
        async with open_store("redis://me:hunter2@127.0.0.1:1/0", Path()):
            pass
    assert str(caught.value).startswith("REDIS_URL: got redis://***@127.0.0.1:1/0, wants")
    assert "hunter2" not in str(caught.value)


async def test_a_folder_that_cannot_be_written_names_the_setting(folder: Path):
    (folder / "file").write_text("")
    with pytest.raises(SettingError, match="DATA_DIR"):
        async with open_store("", folder / "file" / "data"):
            pass


async def test_a_path_too_long_for_a_socket_names_the_setting(folder: Path):
    with pytest.raises(SettingError, match="DATA_DIR"):
        async with open_store("", folder / ("x" * 120)):
            pass


@pytest.mark.slow
async def test_redis_that_goes_away_is_a_retryable_error(folder: Path):
    async with open_store("", folder) as store:
        os.kill(await _pid(store), signal.SIGKILL)
        await asyncio.sleep(0.05)
        with pytest.raises(RetryableError, match="Redis cannot be reached"):
            await store.check()


async def test_redis_that_is_full_is_a_retryable_error_in_a_call_a_pipeline_and_a_script(store: Store):
    await store.redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(RetryableError), translated():
            await store.redis.set("k", b"v")
        with pytest.raises(RetryableError), translated():
            pipe = store.redis.pipeline()
            pipe.set("k", b"v")
            await pipe.execute()
        with pytest.raises(RetryableError), translated():
            await store.redis.register_script("return redis.call('SET', 'k', 'v')")()
        with pytest.raises(RetryableError):
            await store.check()
    finally:
        await store.redis.config_set("maxmemory", 0)


def test_the_newest_server_is_chosen():
    assert Path(server_binary()).exists()


@pytest.mark.slow
async def test_a_burst_waits_for_a_connection(folder: Path):
    async with open_store("", folder / "données 100%") as store:
        counted = await asyncio.gather(*(store.redis.incr("n") for _ in range(300)))
        assert sorted(counted) == list(range(1, 301))
