"""Short questions that go on from an exact one: "And of 120?" after "What is 15% of 80?", "and 10 km?"."""

import re
from collections.abc import Iterator

_MORE = re.compile(
    r"(?:(?:ok|okay|so|and|or|but|then) )*(?:(?<=and )|(?<=or )|(?:what|how) about )(?:of |for )?(?P<more>\S.{0,30})"
    "|(?:那么?|还有|然后)(?P<more_zh>.{1,12}?)的?呢?",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"(?P<number>\d[\d.,]*)\s*(?P<unit>[^\W\d].*)?")
_NUMBER = re.compile(r"(?<![\d.,-])\d[\d.,]*(?![\d.,-])(?!\s*(?:%|percent|per cent))")
_PLACE = re.compile(r"(?:in|to|into) .+", re.IGNORECASE)
_DAY = re.compile(r"today|tomorrow|yesterday|今天|明天|昨天", re.IGNORECASE)


def wholes(text: str, before: str) -> Iterator[str]:
    """The questions that a short one may stand for after the one `before` it; none where it is not short for one."""
    found = _MORE.fullmatch(text.strip().rstrip("?？!！.。 "))
    if not found:
        return
    before, more = before.strip().rstrip("?？!！.。 "), (found["more"] or found["more_zh"]).strip()
    if amount := _AMOUNT.fullmatch(more):
        yield from _with_amount(before, amount["number"], amount["unit"] or "")
    elif _PLACE.fullmatch(more):
        yield re.sub(r" (?:in|to|into) [^\d]+$", "", before) + f" {more}"
    elif _DAY.fullmatch(more):
        yield _DAY.sub(more, before, count=1) if _DAY.search(before) else f"{before} {more}"


def _with_amount(before: str, number: str, unit: str) -> Iterator[str]:
    """The question of another amount, where only one can be meant."""
    if unit:
        pattern = re.compile(rf"{_NUMBER.pattern}\s*{re.escape(unit)}(?![^\W\d])", re.IGNORECASE)
        if len(pattern.findall(before)) == 1:
            yield pattern.sub(lambda _: f"{number} {unit}", before)
    elif len(_NUMBER.findall(before)) == 1:
        yield _NUMBER.sub(lambda _: number, before)
