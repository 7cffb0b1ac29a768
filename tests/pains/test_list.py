"""The list and the tests name the same lines."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_line_has_a_test_and_every_test_a_line():
    lines = set(re.findall(r"^\| (\d+) \|", (HERE / "README.md").read_text("utf-8"), re.MULTILINE))
    sources = (path.read_text("utf-8") for path in HERE.parent.rglob("test_*.py"))
    tests = {found for source in sources for found in re.findall(r"def test_pain_(\d\d)_", source)}
    assert {f"{int(line):02d}" for line in lines} == tests
