"""The scripts of lanes.lua by their names."""

import re
from functools import cache
from pathlib import Path


@cache
def scripts() -> dict[str, str]:
    """Name -> Lua, each with the functions that all share before it."""
    text = (Path(__file__).parent / "lanes.lua").read_text("utf-8")
    _, *pairs = re.split(r"^--- (\w+)$", text, flags=re.MULTILINE)
    bodies = dict(zip(pairs[::2], pairs[1::2], strict=True))
    shared = bodies.pop("shared")
    return {name: shared + body for name, body in bodies.items()}
