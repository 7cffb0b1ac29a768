import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bots.cli import models
from bots.cli.bars import Bars
from bots.web.models import Held
from core.errors import PermanentError
from core.models import catalogue, kept
from core.models.kept import Receipt
from core.models.progress import Progress
from core.settings import Settings
from tests.support.settings import settings_of


def settings_in(folder: Path, **values: str) -> Settings:
    return settings_of(data_dir=folder / "data", web_port=1, **values)


def fetched(folder: Path, name: str, file: str = "model.bin") -> Path:
    """A model as a fetch leaves it."""
    part, own = folder / "data" / "models" / "part", folder / "data" / "models" / name
    part.mkdir(parents=True)
    (part / file).write_bytes(b"weights")
    kept.seal(part, own, Receipt(name, "a test", "MIT", {file: 7}, {}))
    return own


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for setting in catalogue.SETTINGS.values():
        monkeypatch.delenv(setting, raising=False)


async def test_everything_can_be_read_at_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    fetched(tmp_path, "whisper-large-v3-turbo")
    await models.show_models(settings_in(tmp_path))
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    for entry in catalogue.entries():
        assert f"{entry.name} " in printed
        assert f"{entry.licence}: {entry.purpose}" in printed
    assert "On this disk" in printed


def test_the_name_of_what_is_held_is_never_cut(capsys: pytest.CaptureFixture[str]):
    name = "/srv/models/a-very-long-name-of-a-model-that-somebody-keeps-in-a-folder-of-their-own-making"
    cache: dict[str, Any] = {"context_tokens": 4096, "cache_bytes": 9_000_000, "cache_limit_bytes": 99_000_000}
    counts: dict[str, Any] = {"slots_in_use": 1, "waiting": 20, "kept_channels": 300}
    held = Held(kind="language", name=name, weight_bytes=630_000_000, bits=8, **cache, **counts)
    models._say("Parley holds:", models._held([held]))
    printed = capsys.readouterr().out.splitlines()
    assert f"  {name}" in printed
    assert max(map(len, [line for line in printed if name not in line])) <= 80
    assert all(word in "".join(printed) for word in ("630.0 MB", "8 bits", "4096", "9.0 MB of 99.0 MB", "20", "300"))


async def test_a_model_is_used_from_the_next_start_on(tmp_path: Path):
    (tmp_path / ".env").write_text("# mine\nASR_MODEL=small\nWEB_PORT=1\n")
    fetched(tmp_path, "whisper-base")
    said: list[str] = []
    await models.use_model(settings_in(tmp_path), "whisper-base", said.append)
    assert (tmp_path / ".env").read_text() == "# mine\nASR_MODEL=whisper-base\nWEB_PORT=1\n"
    assert "next start" in said[0]


async def test_a_folder_is_used_where_it_is(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.gguf").write_bytes(b"GGUF")
    await models.use_model(settings_in(tmp_path), "mine/a.gguf", print)
    assert (tmp_path / ".env").read_text() == f"LM_MODEL={tmp_path}/mine/a.gguf\n"
    (tmp_path / "mine" / "a.gguf").unlink()
    with pytest.raises(PermanentError, match="holds no model"):
        await models.use_model(settings_in(tmp_path), "mine", print)


async def test_what_a_server_serves_is_not_chosen_here(tmp_path: Path):
    fetched(tmp_path, "smollm2-135m", "a.gguf")
    with pytest.raises(PermanentError, match="LM_MODEL names a model of the server"):
        await models.use_model(settings_in(tmp_path, lm_url="http://lm.test/v1"), "smollm2-135m", print)
    assert not (tmp_path / ".env").exists()


@pytest.mark.parametrize("value", ["whisper-base", "base", "{folder}"])
def test_a_model_that_a_setting_names_is_not_erased(value: str, tmp_path: Path):
    folder = fetched(tmp_path, "whisper-base")
    settings = settings_in(tmp_path, asr_model=value.format(folder=folder))
    with pytest.raises(PermanentError, match="ASR_MODEL names whisper-base"):
        models.remove_model(settings, "whisper-base", lambda _: True, print)
    assert folder.exists()


def test_a_model_is_erased_after_a_yes(tmp_path: Path):
    folder = fetched(tmp_path, "whisper-base")
    models.remove_model(settings_in(tmp_path), "whisper-base", lambda _: False, print)
    assert folder.exists()
    models.remove_model(settings_in(tmp_path), "whisper-base", lambda _: True, print)
    assert not folder.exists()
    with pytest.raises(PermanentError, match="there is no model whisper-base"):
        models.remove_model(settings_in(tmp_path), "whisper-base", lambda _: True, print)


async def test_where_there_is_no_terminal_each_tenth_is_a_line():
    out = io.StringIO()
    with Bars(Console(file=out)) as bars:
        for done in range(0, 1001):
            await asyncio.to_thread(bars.show, Progress("ears", "model.bin", done, 1000))
    assert out.getvalue().splitlines() == [f"ears: {10 * tenth} %" for tenth in range(11)]
