"""The walls of the house, read from the folders and from the code's own imports."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OUTSIDE = {"bots", "training", "discord", "telegram", "fastapi", "starlette", "uvicorn", "aiohttp", "typer"}
BESIDE = {"__init__.py", "platform.py", "settings.py", "telemetry.py", "errors.py", "clock.py"}
"""The files of core that lie in no room, because every room may know them."""
CORE = sorted((ROOT / "core").rglob("*.py"))
KEEPING = {"store", "lanes", "privacy", "intake", "feedback"}
MEETING = {"turns", "delivery"}
THINKING = (
    {file.relative_to(ROOT / "core").parts[0] for file in CORE if file.parent != ROOT / "core"} - KEEPING - MEETING
)
"""Every other room, a new one too."""
SPOKEN = {"text", "values"}
"""Of the thinking half what both halves speak in."""


def imports(file: Path) -> Iterator[str]:
    """Also those within functions and for types alone."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(file: Path) -> str:
    """The folder of core in which a file lies, or its own name beside them."""
    return file.relative_to(ROOT / "core").parts[0].removesuffix(".py")


def rooms(file: Path) -> set[str]:
    """The rooms of core that a file imports."""
    return {parts[1] for name in imports(file) if (parts := name.split("."))[0] == "core" and len(parts) > 1}


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """What is reached from itself: the strongly connected components of more than one."""
    reached = {room: set(arrows[room]) for room in arrows}
    for between in arrows:
        for room in arrows:
            if between in reached[room]:
                reached[room] |= reached[between]
    found = [{other for other in arrows if other in reached[room] and room in reached[other]} for room in arrows]
    return [each for number, each in enumerate(found) if len(each) > 1 and each not in found[:number]]


@pytest.mark.slow
@pytest.mark.parametrize("file", CORE, ids=named)
def test_core_knows_no_platform_and_no_framework(file: Path):
    assert not {name.split(".")[0] for name in imports(file)} & OUTSIDE


@pytest.mark.slow
@pytest.mark.parametrize("file", [*CORE, *sorted((ROOT / "bots").rglob("*.py"))], ids=named)
def test_nothing_imports_the_http_library_that_only_telegram_s_client_brings(file: Path):
    assert "telegram_bot" in file.parts or "httpx" not in {name.split(".")[0] for name in imports(file)}


def test_every_file_of_core_lies_in_a_room():
    assert {entry.name for entry in (ROOT / "core").glob("*.py")} == BESIDE


@pytest.mark.slow
@pytest.mark.parametrize("file", CORE, ids=named)
def test_thinking_and_keeping_meet_only_in_turns_and_delivery(file: Path):
    if room_of(file) not in KEEPING | MEETING:
        assert not rooms(file) & (KEEPING | MEETING)
        assert "redis" not in {name.split(".")[0] for name in imports(file)}
    elif room_of(file) in KEEPING:
        assert not rooms(file) & (THINKING - SPOKEN | {"turns"})


HOUSE = [*CORE, *sorted((ROOT / "bots").rglob("*.py"))]
WRITERS = {"json", "pickle", "marshal", "pydantic.TypeAdapter", "core.values.codec"}
"""What makes bytes of values, beside the JSON that values know of themselves."""


def sees_redis(file: Path) -> bool:
    return any(name.startswith(("redis.", "core.store.redis.")) or name == "redis" for name in imports(file))


@pytest.mark.parametrize("file", [file for file in HOUSE if sees_redis(file)], ids=named)
def test_only_the_codec_makes_bytes_of_what_redis_keeps(file: Path):
    """Who sees Redis neither makes JSON nor reads it; and nobody else asks values for theirs."""
    used = {name for name in imports(file) if name in WRITERS or name.rpartition(".")[0] in WRITERS}
    assert used == set()


@pytest.mark.slow
@pytest.mark.parametrize("file", HOUSE, ids=named)
def test_only_the_codec_asks_values_for_their_json(file: Path):
    if room_of_values(file) or file == ROOT / "core/store/codec.py":
        return
    asked = {name for name in imports(file) if name.startswith("core.values.") and is_json(name.rpartition(".")[2])}
    called = {
        ast.unparse(node) for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Attribute)
    }
    assert asked == set()
    assert not called & {f"{module}.{verb}" for module in ("dialogues", "preferences") for verb in ("encode", "decode")}


def room_of_values(file: Path) -> bool:
    return file.is_relative_to(ROOT / "core/values")


def is_json(name: str) -> bool:
    return name.startswith(("encode_", "decode_"))


CLIENTS = {"Redis", "StrictRedis", "RedisCluster", "Sentinel", "BlockingRedis", "from_url", "from_pool", "RedisStorage"}


@pytest.mark.parametrize("file", [file for file in HOUSE if sees_redis(file)], ids=named)
def test_only_the_store_opens_redis(file: Path):
    if file.is_relative_to(ROOT / "core/store"):
        return
    calls = [node.func for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
    assert not {ast.unparse(call).rpartition(".")[2] for call in calls} & CLIENTS


def scripts() -> Iterator[tuple[str, str]]:
    """Each script that Redis runs, in files of their own and in those of Python."""
    for file in sorted((ROOT / "core").rglob("*.lua")):
        for section in file.read_text("utf-8").split("\n--- ")[1:]:
            yield f"{file.name}: {section.splitlines()[0]}", section
    for file in HOUSE:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "redis.call(" in node.value:
                yield f"{named(file)}:{node.lineno}", node.value


@pytest.mark.parametrize("script", [text for _, text in scripts()], ids=[name for name, _ in scripts()])
def test_a_script_names_its_arguments_at_its_beginning_and_looks_into_no_value(script: str):
    code = [line.partition("--")[0] for line in script.splitlines()]
    assert "cjson" not in script
    assert "cmsgpack" not in script
    for line in code:
        assert not re.search(r"\b(KEYS|ARGV)\b", re.sub(r"unpack\((KEYS|ARGV)\)", "", line)), line


def test_there_is_no_circle_between_rooms():
    arrows: dict[str, set[str]] = {room_of(file): set() for file in CORE if file.parent != ROOT / "core"}
    arrows |= {name.removesuffix(".py"): set() for name in BESIDE}
    for file in CORE:
        arrows[room_of(file)] |= rooms(file) & set(arrows) - {room_of(file)}
    assert circles(arrows) == []


def test_a_circle_is_seen_however_long():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}) == [{"a", "b", "c"}]


def test_only_the_clock_reads_the_time():
    users = [file for file in CORE if "time" in {name.split(".")[0] for name in imports(file)}]
    assert [file.name for file in users] == ["clock.py"]


@pytest.mark.slow
@pytest.mark.parametrize("file", [*CORE, *sorted((ROOT / "bots").rglob("*.py"))], ids=named)
def test_files_are_short_and_named_after_one_thing(file: Path):
    assert len(file.read_text("utf-8").splitlines()) <= 300
    assert file.stem not in {"utils", "helpers", "common", "manager", "misc"}
