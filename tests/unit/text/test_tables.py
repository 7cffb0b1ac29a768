import re
import time
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from core.text import tables
from core.text.tables import fence_after

ROWS = st.lists(st.lists(st.sampled_from(["a", "1|2", "你好", "", "x y", "`c`"]), min_size=2, max_size=4), min_size=1)


def test_a_table_becomes_code_with_straight_columns():
    shown = tables.as_code("See\n\n| a | bb |\n|---|:-:|\n| 你 | 2 |")
    assert shown == "See\n\n```\na   bb\n--  --\n你  2\n```"


def test_what_stands_in_code_stays_as_it_is():
    code = "```\n~~~\n| a | b |\n|---|---|\n```"
    assert tables.as_code(code) == code


def test_a_cell_cannot_end_the_code():
    assert tables.as_code("| ``` | b |\n|---|---|").startswith("````\n")


@given(ROWS, st.sampled_from(["", "before\n\n", "```\n| a | b |\n|---|---|\n```\n"]))
def test_no_cell_of_a_table_is_lost(rows: list[list[str]], before: str):
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    shown = tables.as_code(before + "\n".join([lines[0], "|---|---|", *lines[1:]]))
    assert shown.startswith(before)
    assert shown.count("```") == before.count("```") + 2
    for cell in {cell for row in rows for cell in row if cell}:
        assert shown.count(cell) >= sum(row.count(cell) for row in rows)


PIECES = ["a", "你好", "😀", "|", "| a | b |\n", "|---|---|\n", "|:-:|\n", "---\n", "1|2\n", "\\|", "`c`", "- ", "> ",
          "    ", "```\n", "````\n", "```q\n", "~~~\n", "\n", "\n\n"]  # fmt: skip


def left_open(markdown: str) -> bool:
    return reduce(lambda fence, line: fence_after(line, fence), markdown.split("\n"), ("", ""))[0] != ""


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_text_keeps_all_that_is_no_table_and_a_second_time_changes_nothing(markdown: str):
    shown = tables.as_code(markdown)
    words = [re.sub(r"[\s|:\-`~\\]", "", text) for text in (shown, markdown)]
    assert words[0] == words[1]
    assert tables.as_code(shown) == shown
    assert left_open(shown) == left_open(markdown)
    assert shown == markdown or "|" in markdown


def test_a_long_cell_does_not_blow_up_the_table():
    rows = "\n".join(f"| {number} | x |" for number in range(100))
    assert len(tables.as_code(f"| {'word ' * 400} | b |\n|---|---|\n{rows}")) < 10_000


def test_a_line_of_spaces_takes_no_time():
    """Seconds by an expression that tries every way to share them out."""
    began = time.process_time()
    for line in ("a|b\n" + " " * 50_000 + "|x", "a|b\n|-" + " " * 50_000 + "x"):
        tables.as_code(line)
    assert time.process_time() - began < 1
