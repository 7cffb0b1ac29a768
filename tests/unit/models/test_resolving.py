import asyncio
from pathlib import Path

import pytest

from core.errors import SettingError
from core.models.catalogue import Kind
from core.models.resolving import found, resolve
from tests.platforms.hub_server import HubServer

EARS = "someone/ears"


async def resolved(value: str, models: Path, kind: Kind = "ears") -> Path | None:
    return await asyncio.to_thread(resolve, kind, value, models)


async def test_a_hub_id_is_fetched_once_and_then_found(server: HubServer, tmp_path: Path):
    models = tmp_path / "models"
    folder = await resolved(EARS, models)
    assert folder == models / "someone--ears"
    asked = len(server.asked)
    server.silent = True
    assert await resolved(EARS, models) == folder
    assert await resolved("someone--ears", models) == folder
    assert len(server.asked) == asked


async def test_a_gguf_file_of_the_hub_is_given_as_the_file(server: HubServer, repository: Path, tmp_path: Path):
    (repository / "mind-q8_0.gguf").write_bytes(b"GGUF" + bytes(2000))
    models = tmp_path / "models"
    assert await resolved(f"{EARS}:mind-q8_0.gguf", models, "mind") == (
        models / "someone--ears--mind-q8_0" / "mind-q8_0.gguf"
    )


async def test_nothing_is_the_built_in_one_and_a_folder_is_itself(repository: Path, tmp_path: Path):
    assert await resolved("", tmp_path / "models") is None
    assert await resolved(str(repository), tmp_path / "models") == repository


@pytest.mark.parametrize("value", ["/no/such/folder", "./none", "~/none"])
async def test_a_folder_that_is_not_there_is_not_looked_for_at_the_hub(value: str, tmp_path: Path):
    with pytest.raises(SettingError, match="ASR_MODEL: got .* wants a folder that exists"):
        await resolved(value, tmp_path)


async def test_a_model_of_another_kind_is_one_sentence(tmp_path: Path):
    with pytest.raises(SettingError, match="LM_MODEL: got 'whisper-base', wants .* whisper-base is for ASR_MODEL"):
        await resolved("whisper-base", tmp_path, "mind")


async def test_what_cannot_be_fetched_names_the_setting(no_hub: None, tmp_path: Path):
    with pytest.raises(SettingError, match="ASR_MODEL: got 'someone/ears', wants .*hub.invalid does not answer"):
        await resolved(EARS, tmp_path)


@pytest.mark.parametrize("value", ["smal", "too/many/parts", "bad name/x"])
async def test_a_name_that_is_no_model_names_the_setting(server: HubServer, value: str, tmp_path: Path):
    with pytest.raises(SettingError, match="ASR_MODEL"):
        await resolved(value, tmp_path)


@pytest.mark.parametrize("whole", [True, False])
def test_what_the_hubs_own_cache_holds_is_used_and_a_download_that_broke_off_is_not(whole: bool, tmp_path: Path):
    cached = tmp_path / "models--Systran--faster-whisper-tiny"
    snapshot = cached / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", *(["model.bin"] if whole else [])):
        (snapshot / name).write_text("{}")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("a" * 40)
    assert found("ears", "tiny", tmp_path) == (snapshot if whole else None)
