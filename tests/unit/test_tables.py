from hypothesis import given
from hypothesis import strategies as st

from core import tables

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
