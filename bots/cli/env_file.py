"""The owner's `.env`, changed line by line: what they wrote beside it stays as it is."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

_PLAIN = re.compile(r"[\w@%+=:,./~-]*")
"""What dotenv reads as it stands; anything else is quoted."""


def changed(text: str, values: Mapping[str, str]) -> str:
    """The text of an `.env` with these settings (NAME -> value): the last line of each is changed, or one is added.

    ValueError for a value with a line break, which no setting has.
    """
    lines = text.splitlines()
    for name, value in values.items():
        line = f"{name}={_quoted(value)}"
        own = re.compile(rf"\s*(?:export\s+)?{name}\s*=", re.IGNORECASE)
        places = [place for place, before in enumerate(lines) if own.match(before)]
        if places:
            lines[places[-1]] = line
        else:
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def change(path: Path, values: Mapping[str, str]) -> None:
    """Write these settings into the file, all or nothing; a new one is readable by its owner alone."""
    before = path.read_text("utf-8") if path.exists() else ""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    beside = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(changed(before, values))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _quoted(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError("a setting has one line")
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
