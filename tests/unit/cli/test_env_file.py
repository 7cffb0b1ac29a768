import io
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from bots.cli import env_file

_LINE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\x85"))


def test_a_setting_changes_in_its_place_and_all_else_stays():
    text = "# mine\nWEB_PORT=8080\n\n# a model\nLM_MODEL=old # why\nOTHER=1\n"
    assert env_file.changed(text, {"LM_MODEL": "new"}) == "# mine\nWEB_PORT=8080\n\n# a model\nLM_MODEL=new\nOTHER=1\n"


def test_what_has_no_line_is_added_at_the_end():
    assert env_file.changed("A=1", {"B": "2"}) == "A=1\nB=2\n"


def test_of_two_lines_the_one_that_counts_is_changed():
    assert dotenv_values(stream=io.StringIO(env_file.changed("A=1\nA=2\n", {"A": "3"}))) == {"A": "3"}


@given(_LINE)
def test_any_value_is_read_as_it_was_given(value: str):
    text = env_file.changed("# a\nNAME=x\n", {"NAME": value})
    assert dotenv_values(stream=io.StringIO(text), interpolate=False)["NAME"] == value


def test_a_line_break_is_refused():
    with pytest.raises(ValueError, match="one line"):
        env_file.changed("", {"A": "1\nB=2"})


def test_the_file_keeps_its_mode_and_a_new_one_is_its_owners_alone(tmp_path: Path):
    path = tmp_path / ".env"
    env_file.change(path, {"TELEGRAM_TOKEN": "x"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    env_file.change(path, {"TELEGRAM_TOKEN": "y"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_text() == "TELEGRAM_TOKEN=y\n"
