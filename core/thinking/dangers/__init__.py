"""Dangers, recognised by words before any model is asked, and answered by one fixed text.

One TOML file a language: `sure` are expressions that count wherever they stand, `likely` those that do not count in a
`story` (homework, films, games); `harmless` ones are taken out first. They are regular expressions over folded words,
where " ... " stands for up to four words (in Chinese "..." for up to six characters) and {name} for one of `[sets]`.
A miss costs more than a false alarm, so a doubtful expression is in.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

from core.thinking.wording import any_of, folded

Kind = Literal["self_harm", "medical", "poison", "fire", "violence", "emergency"]
"""In the order in which they are looked for."""
_NUMBERS = ("ambulance", "fire", "police", "crisis", "poison")


@dataclass(frozen=True, slots=True)
class Danger:
    """A danger that somebody speaks of, and the language of the words that told."""

    kind: Kind
    language: str


@dataclass(frozen=True, slots=True)
class _Rules:
    harmless: re.Pattern[str]
    story: re.Pattern[str]
    sure: Mapping[Kind, re.Pattern[str]]
    likely: Mapping[Kind, re.Pattern[str]]
    texts: Mapping[str, str]


def languages() -> tuple[str, ...]:
    """The tags that have a file."""
    files = resources.files(__name__).iterdir()
    return tuple(
        sorted(
            file.name.removesuffix(".toml")
            for file in files
            if file.name.endswith(".toml") and file.name != "numbers.toml"
        )
    )


def recognised(text: str) -> Danger | None:
    """The danger that a text speaks of, in any of the languages; None when there is none."""
    plain = folded(text)
    for language in languages():
        rules = _rules(language)
        left = rules.harmless.sub(" ~ ", plain)
        in_story = rules.story.search(left) is not None
        for kind in get_args(Kind):
            if rules.sure[kind].search(left) or (not in_story and rules.likely[kind].search(left)):
                return Danger(kind, language)
    return None


def answer(danger: Danger, *, country: str, language: str = "") -> str:
    """What is said about a danger: in `language` where there are words for it, with the numbers of `country`.

    `country` has two letters (ISO 3166); where it is "" or not in the table, the numbers that work widely are named.
    """
    rules = _rules(language if language in languages() else danger.language)
    numbers, words = _numbers().get(country, {}), rules.texts
    everything: str | None = numbers.get("emergency")
    known = {name: numbers.get(name) or everything for name in ("ambulance", "fire", "police")}
    told = {name: number or words["any_number"] for name, number in known.items()}
    crisis, poison = (numbers.get(name) for name in ("crisis", "poison"))
    told["crisis"] = words["crisis_line"].format(number=crisis) if crisis else words["crisis_lines"]
    told["poison"] = words["poison_line"].format(number=poison) if poison else ""
    one = danger.kind == "emergency" and len({told[name] for name in ("ambulance", "fire", "police")}) == 1
    return words["emergency_one" if one else danger.kind].format(**told).strip()


@cache
def _numbers() -> Mapping[str, Mapping[str, str]]:
    table: Mapping[str, Mapping[str, str]] = _read("numbers")
    if unknown := {name for row in table.values() for name in row} - {*_NUMBERS, "emergency"}:
        raise ValueError(f"numbers.toml: {unknown}")
    return table


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files(__name__) / f"{name}.toml").read_text("utf-8"))


@cache
def _rules(language: str) -> _Rules:
    raw = _read(language)
    sets: dict[str, str] = raw.get("sets", {})
    spaced = not raw.get("unspaced", False)

    def expression(patterns: list[str]) -> re.Pattern[str]:
        return any_of(patterns, sets, spaced=spaced)

    def kinds(tier: str) -> Mapping[Kind, re.Pattern[str]]:
        table: dict[str, list[str]] = raw.get(tier, {})
        return {kind: expression(table.get(kind, [])) for kind in get_args(Kind)}

    return _Rules(expression(raw["harmless"]), expression(raw["story"]), kinds("sure"), kinds("likely"), raw["texts"])
