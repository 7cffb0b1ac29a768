"""The walls of the house, read from the code's own imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OUTSIDE = {"bots", "discord", "telegram", "fastapi", "starlette", "uvicorn", "aiohttp", "typer"}
THINKING = {"hearing", "seeing", "reading", "prompt", "lm", "speaking", "voices", "aloud", "signs", "espeak", "engine"}
THINKING |= {"summarising", "audio", "profiles", "knowledge", "thinking", "tools", "models"}
KEEPING = {
    "access",
    "pairing",
    "belongings",
    "compacting",
    "sweeping",
    "exporting",
    "lanes",
    "store",
    "keys",
    "doorbell",
    "feedback",
    "channels",
    "consents",
    "invalidation",
    "personal",
    "privacy",
    "purging",
    "quotas",
}
MEETING = {"answering", "summaries", "turns", "delivery"}


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms(file: Path) -> set[str]:
    """The rooms of core that a file imports."""
    return {parts[1] for name in imports(file) if (parts := name.split("."))[0] == "core" and len(parts) > 1}


CORE = sorted((ROOT / "core").rglob("*.py"))


@pytest.mark.parametrize("file", CORE, ids=lambda file: str(file.relative_to(ROOT)))
def test_core_knows_no_platform_and_no_framework(file: Path):
    assert not {name.split(".")[0] for name in imports(file)} & OUTSIDE


@pytest.mark.parametrize("file", CORE, ids=lambda file: str(file.relative_to(ROOT)))
def test_thinking_and_keeping_meet_only_in_turns_and_delivery(file: Path):
    room = file.relative_to(ROOT / "core").parts[0].removesuffix(".py")
    if room in THINKING:
        assert not rooms(file) & (KEEPING | MEETING)
        assert "redis" not in {name.split(".")[0] for name in imports(file)}
    if room in KEEPING:
        assert not rooms(file) & (THINKING | MEETING)


def test_only_the_clock_reads_the_time():
    users = [file for file in CORE if "time" in {n.split(".")[0] for n in imports(file)}]
    assert [file.name for file in users] == ["clock.py"]


@pytest.mark.parametrize(
    "file", [*CORE, *sorted((ROOT / "bots").rglob("*.py"))], ids=lambda f: str(f.relative_to(ROOT))
)
def test_files_are_short_and_named_after_one_thing(file: Path):
    assert len(file.read_text("utf-8").splitlines()) <= 300
    assert file.stem not in {"utils", "helpers", "common", "manager", "misc"}
