"""The tree in the docs is the disk's, and both languages say the same in code and figures."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("README", *(f"docs/{name}" for name in ("connect", "features", "house", "measured", "models", "promises")))
TWINS = [(f"{page}.md", f"{page}.zh-Hans.md") for page in PAGES]
ALL = [name for twins in TWINS for name in twins]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def _house(page: str) -> list[str]:
    """Paths of the tree, a file or folder each."""
    block = next(block for _, block in FENCED.findall(page) if block.startswith("core/"))
    paths: list[str] = []
    top = ""
    for line in block.splitlines():
        names = re.split(r"\s{2,}", line.strip())[0].split()
        if not line.startswith(" "):
            top = names[0]
            paths.append(top)
        else:
            paths += [top + name for name in names]
    return paths


@pytest.mark.parametrize("name", ["docs/house.md", "docs/house.zh-Hans.md"])
def test_the_tree_is_the_disks(name: str):
    shown = {path.rstrip("/") for path in _house((ROOT / name).read_text("utf-8"))}
    for path in shown:
        assert (ROOT / path).exists(), path
    for room in ("core", "bots"):
        for entry in (ROOT / room).iterdir():
            sources = [file for file in (entry, *entry.rglob("*")) if file.is_file() and file.suffix != ".pyc"]
            if sources and entry.name != "__init__.py":
                assert f"{room}/{entry.name}" in shown


@pytest.mark.parametrize("name", ["docs/house.md", "docs/house.zh-Hans.md"])
def test_the_way_of_one_message_goes_through_files_that_exist(name: str):
    way = FENCED.findall((ROOT / name).read_text("utf-8"))[0][1]
    steps = re.findall(r"(?:core|bots)/[\w./]+", way)
    assert len(steps) > 10
    for path in steps:
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("twins", TWINS, ids=PAGES)
def test_both_languages_show_the_same_commands_and_figures(twins: tuple[str, str]):
    english, chinese = ((ROOT / name).read_text("utf-8") for name in twins)

    def code(text: str) -> list[str]:
        return [re.sub(r"\s*#.*", "", block) for language, block in FENCED.findall(text) if language == "sh"]

    assert code(english) == code(chinese)
    numbers = re.compile(r"\d+(?:\.\d+)? ?(?:%|ms|MB|s\b)")
    assert sorted(numbers.findall(english)) == sorted(numbers.findall(chinese))


def test_every_feature_names_the_test_that_proves_it():
    rows = re.compile(r"^\| [^|]+ \| (?:\[(test_\w+)\]\(\.\./([\w/]+\.py)\)) \|$", re.MULTILINE)
    english, chinese = (rows.findall((ROOT / f"docs/features{end}.md").read_text("utf-8")) for end in ("", ".zh-Hans"))
    assert english == chinese
    assert len(english) > 10
    for test, file in english:
        assert re.search(rf"^(?:async )?def {test}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), test


def test_the_first_hour_takes_five_hundred_words():
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 500


@pytest.mark.parametrize("name", [*ALL, "CONTRIBUTING.md"])
def test_every_link_and_target_exists(name: str):
    text = (ROOT / name).read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (ROOT / name).parent.joinpath(target).exists(), target
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for command in re.findall(r"`make ([a-z-]+)", text):
        assert re.search(rf"^[a-z -]*\b{command}\b[a-z -]*:", makefile, re.MULTILINE), command
