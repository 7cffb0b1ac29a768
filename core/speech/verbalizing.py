"""Signs in words, where a voice would read them wrongly: money, units, ranges, sums, dates, emoji. Pure; for `script`.

Listened to with espeak-ng's English and Mandarin: "$5" was "dollar five", "5 - 3" was "five three", and in Mandarin
most signs were left out or said in English. Digits stay digits, which it reads well; so do signs of other languages.
"""

import re
from collections.abc import Callable

import emoji

_NUMBER = r"(?<![\d.,])\d+(?:[.,]\d+)*"
_SCALES = {"k": "thousand", "K": "thousand", "M": "million", "m": "million", "bn": "billion", "B": "billion"}
_SCALE = "(?: ?(?:thousand|million|billion|trillion)|k|K|M|m|bn|B)"
_MONEY_EN = {"$": "dollars", "€": "euros", "£": "pounds", "¥": "yen"}
_MONEY_ZH = {"$": "美元", "€": "欧元", "£": "英镑", "¥": "元", "￥": "元"}
_UNITS_EN = {
    "km/h": "kilometers per hour",
    "km²": "square kilometers",
    "m²": "square meters",
    "m³": "cubic meters",
    "m/s": "meters per second",
    "km": "kilometers",
    "cm": "centimeters",
    "mm": "millimeters",
    "m": "meters",
    "ft": "feet",
    "mph": "miles per hour",
    "kg": "kilograms",
    "mg": "milligrams",
    "g": "grams",
    "lb": "pounds",
    "lbs": "pounds",
    "oz": "ounces",
    "ml": "milliliters",
    "mL": "milliliters",
    "l": "liters",
    "L": "liters",
    "°C": "degrees Celsius",
    "°F": "degrees Fahrenheit",
    "kWh": "kilowatt hours",
    "kW": "kilowatts",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
}
_UNITS_ZH = {
    "km/h": "公里每小时",
    "km²": "平方公里",
    "m²": "平方米",
    "m³": "立方米",
    "m/s": "米每秒",
    "km": "公里",
    "cm": "厘米",
    "mm": "毫米",
    "m": "米",
    "kg": "公斤",
    "mg": "毫克",
    "g": "克",
    "ml": "毫升",
    "mL": "毫升",
    "l": "升",
    "L": "升",
    "°C": "摄氏度",
    "℃": "摄氏度",
    "°F": "华氏度",
    "°": "度",
    "kWh": "度",
    "kW": "千瓦",
    "h": "小时",
    "min": "分钟",
    "s": "秒",
    "ms": "毫秒",
}
_ONE = {"feet": "foot", "inches": "inch", "degrees": "degree"}
_MONTHS = """January February March April May June July August September October November December""".split()
_TONES = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f]")
_COMMA, _STOPS = "\ue000", ".!?:;。！？：；"
"""The comma beside an emoji's name, which goes where a stop is."""
_KEYCAP = "\u20e3"

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def in_words(text: str, language: str) -> str:
    """The text with its signs in words of the language (its first subtag), and each run of an emoji once by name."""
    text = re.sub(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}\b)", "", text).replace("\u2212", "-")
    for pattern, words in _RULES.get(language, ()):
        text = pattern.sub(words, text)
    return _emoji_named(text, language)


def _emoji_named(text: str, language: str) -> str:
    """`Great 👍🏽👍🏽!` as `Great, thumbs up!`; without names in the language they go."""
    found = emoji.emoji_list(text)
    if not found:
        return text
    named, at, before = "", 0, ""
    for one in found:
        between, name = text[at : one["match_start"]], _emoji_name(str(one["emoji"]), language)
        at = one["match_end"]
        if name and (between.strip() or name != before):
            named += f"{between}{name}" if name.isdigit() else f"{between}{_COMMA}{name}{_COMMA}"
        elif not name:
            named += f"{between} "
        before = name
    named = re.sub(f"[\\s,，]*{_COMMA}[\\s,，{_COMMA}]*", _COMMA, named + text[at:]).strip(_COMMA)
    named = re.sub(f"{_COMMA}(?=[{_STOPS}])", "", re.sub(f"(?<=[{_STOPS}]){_COMMA}", " ", named))
    return re.sub(" +", " ", named).replace(_COMMA, "，" if language in ("zh", "ja") else ", ")


def _emoji_name(one: str, language: str) -> str:
    if one.endswith(_KEYCAP) and one[0].isdigit():
        return one[0]
    if language not in emoji.LANGUAGES:
        return ""
    name = emoji.demojize(_TONES.sub("", one), delimiters=("", ""), language=language)
    return "" if emoji.emoji_count(name) else name.replace("_", " ")


def _units(units: dict[str, str]) -> str:
    """Longest first; a single letter only after a space, for "5m" may be millions and "1990s" years."""
    alone = [rf"(?<=\s){re.escape(unit)}" if len(unit) == 1 and unit.isalpha() else re.escape(unit) for unit in units]
    return "|".join(sorted(alone, key=len, reverse=True))


def _counted(number: str, unit: str) -> str:
    if number != "1":
        return f"{number} {unit}"
    first, _, rest = unit.partition(" ")
    if first in ("square", "cubic"):
        return f"{number} {first} {rest.removesuffix('s')}"
    if unit == "kilowatt hours":
        return f"{number} kilowatt hour"
    return f"{number} {_ONE.get(first, first.removesuffix('s'))} {rest}".rstrip()


def _money_en(found: re.Match[str]) -> str:
    scale = (found["scale"] or "").strip()
    amount = f"{found['number']} {_SCALES.get(scale, scale)}".strip()
    return _counted(amount, _MONEY_EN[found["sign"]])


def _date_en(found: re.Match[str]) -> str:
    return f"{_MONTHS[int(found[2]) - 1]} {int(found[3])}, {found[1]}"


def _date_zh(found: re.Match[str]) -> str:
    return f"{found[1]}年{int(found[2])}月{int(found[3])}日"


def _range(word: str) -> Callable[[re.Match[str]], str]:
    """`10-20`, not the number of a telephone."""

    def said(found: re.Match[str]) -> str:
        low, high = found[1], found[2]
        alike = len(high) <= 2 or len(low) == len(high)
        return f"{low}{word}{high}" if alike and int(low) < int(high) else found[0]

    return said


def _rules(*rules: tuple[str, str | Callable[[re.Match[str]], str]]) -> tuple[Rule, ...]:
    return tuple((re.compile(pattern), words) for pattern, words in rules)


_DATE = r"(?<![\w-])(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?![\w-])"
_A_RANGE = r"(?<![\w.,-])(\d{1,4})[-–](\d{1,4})(?![\d-]|[.,]\d)"
_RULES: dict[str, tuple[Rule, ...]] = {
    "en": _rules(
        (_DATE, _date_en),
        (rf"(?P<sign>[$€£¥]) ?(?P<number>{_NUMBER})(?P<scale>{_SCALE}\b)?", _money_en),
        (rf"(?P<number>{_NUMBER})(?P<scale>) ?(?P<sign>[€£$¥])", _money_en),
        (rf"({_NUMBER})\s?({_units(_UNITS_EN)})(?![\w/²³])", lambda found: _counted(found[1], _UNITS_EN[found[2]])),
        (_A_RANGE, _range(" to ")),
        (r"(?<=\d)\s+[-–]\s+(?=\d)", " minus "),
        (r"(?<=\d)\s*[*×]\s*(?=\d)", " times "),
        (r"(?<=\w)\s+<\s+(?=\w)", " is less than "),
        (r"(?<=\w)\s+>\s+(?=\w)", " is greater than "),
        (r"(?<=\d)½", ".5"),
        (r"²", " squared"),
        (r"³", " cubed"),
        (r"\s*(?:→|->|=>)\s*", " to "),
        (r"~(?=\d)", "about "),
        (r"#(?=\d)|\b[Nn]o\. (?=\d)", "number "),
        (r"(?<=\b[A-G])#", " sharp"),
    ),
    "zh": _rules(
        (_DATE, _date_zh),
        (
            r"(?<![\d:])([01]?\d|2[0-3]):([0-5]\d)(?![\d:])",
            lambda t: f"{int(t[1])}点" + (f"{t[2]}分" if int(t[2]) else ""),
        ),
        (rf"([$€£¥￥]) ?({_NUMBER})([万亿]?)元?", lambda found: f"{found[2]}{found[3]}{_MONEY_ZH[found[1]]}"),
        (rf"({_NUMBER}) ?([€£$¥￥])", lambda found: f"{found[1]}{_MONEY_ZH[found[2]]}"),
        (_A_RANGE, _range("到")),
        (r"(?<![\w.)])-(?=\d)", "负"),
        (rf"({_NUMBER})\s?[%％]", r"百分之\1"),
        (rf"({_NUMBER})\s?({_units(_UNITS_ZH)})(?![A-Za-z0-9/²³])", lambda found: found[1] + _UNITS_ZH[found[2]]),
        (r"(?<![\d/])(\d+)/(\d+)(?![\d/])", r"\2分之\1"),
        (r"½", "二分之一"),
        (r"(?<=\d)\s*[-–]\s*(?=\d)", "减"),
        (r"(?<=\d)\s*\+\s*(?=\d)", "加"),
        (r"(?<=\d)\s*[*×]\s*(?=\d)", "乘以"),
        (r"(?<=\d)\s*÷\s*(?=\d)", "除以"),
        (r"\s*=\s*", "等于"),
        (r"\s*<\s+", "小于"),
        (r"\s+>\s*", "大于"),
        (r"\s*≤\s*", "小于等于"),
        (r"\s*≥\s*", "大于等于"),
        (r"\s*≈\s*", "约等于"),
        (r"±", "正负"),
        (r"²", "平方"),
        (r"³", "立方"),
        (r"\s*(?:→|->|=>)\s*", "到"),
        (r"[~～](?=\d)", "约"),
        (r"\s*&\s*", "和"),
        (r"#(?=\d)", "第"),
    ),
}
