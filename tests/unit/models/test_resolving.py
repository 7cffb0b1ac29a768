import asyncio
from pathlib import Path

import pytest

from core.errors import SettingError
from core.models.resolving import resolve
from tests.platforms.hub_server import HubServer

EARS = "someone/ears"


async def resolved(value: str, models: Path, kind: str = "ears") -> Path | None:
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
