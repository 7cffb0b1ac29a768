"""The hash of a lane has one owner."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WRITES = re.compile(r"\.(hset|hsetnx|hdel|hincrby|hincrbyfloat|delete)\(\s*(lane\b|keys\.of_channel\(\s*\"lane\")")


@pytest.mark.parametrize(
    "file", sorted({*(ROOT / "core").rglob("*.py"), *(ROOT / "bots").rglob("*.py")}), ids=lambda file: file.name
)
def test_no_other_room_writes_how_a_lane_stands(file: Path):
    if file.parent.name != "lanes":
        assert not WRITES.search(file.read_text("utf-8"))
