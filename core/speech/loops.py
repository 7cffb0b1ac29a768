"""Words in a circle: what a decoder says that lost its way, "天天天天天天天". Pure."""

import re

_MOST, _KEPT = 5, 3
"""People say "no, no, no, no, no" and 对对对对对."""
_LOOP = re.compile(rf"(?P<part>\D{{1,80}}?)(?P=part){{{_MOST},}}")
"""Without digits: a million is no loop."""


def shortened(text: str) -> str:
    """The text, in which no words come more than five times in a row: they stand there three times.

    Unchanged when there is no such loop.
    """
    while (short := _LOOP.sub(_few, text)) != text:
        text = short
    return text


def _few(loop: re.Match[str]) -> str:
    part = loop["part"]
    return part * _KEPT if any(char.isalpha() for char in part) else loop[0]
