"""Measures from one unit into another, exactly by their definitions (the international yard and pound of 1959)."""

import re
from dataclasses import dataclass
from fractions import Fraction

from core.tools.numbers import in_digits, is_exact, parsed, written


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: what it measures, its size in the base unit and where its zero lies there, how it is written."""

    kind: str
    factor: Fraction
    english: str
    chinese: str
    zero: Fraction = Fraction(0)


def _table() -> dict[str, Unit]:
    """Each name that people use, lower case, and its unit."""
    rows: tuple[tuple[str, str, str, str, str], ...] = (
        ("length", "1/1000", "mm", "毫米", "mm millimeter millimeters millimetre millimetres 毫米"),
        ("length", "1/100", "cm", "厘米", "cm centimeter centimeters centimetre centimetres 厘米 公分"),
        ("length", "1", "m", "米", "m meter meters metre metres 米 公尺"),
        ("length", "1000", "km", "公里", "km kms kilometer kilometers kilometre kilometres 公里 千米"),
        ("length", "0.0254", "inches", "英寸", "inch inches 英寸 寸"),
        ("length", "0.3048", "feet", "英尺", "ft foot feet 英尺"),
        ("length", "0.9144", "yards", "码", "yd yard yards 码"),
        ("length", "1609.344", "miles", "英里", "mi mile miles 英里"),
        ("length", "1852", "nautical miles", "海里", "nautical_mile nautical_miles 海里"),
        ("length", "500", "li", "里", "里"),
        ("mass", "1/1000000", "mg", "毫克", "mg milligram milligrams 毫克"),
        ("mass", "1/1000", "g", "克", "g gram grams gramme grammes 克"),
        ("mass", "1", "kg", "公斤", "kg kgs kilo kilos kilogram kilograms 公斤 千克"),
        ("mass", "1000", "tonnes", "吨", "t tonne tonnes 吨"),
        ("mass", "0.5", "jin", "斤", "jin 斤"),
        ("mass", "0.05", "liang", "两", "liang"),
        ("mass", "0.45359237", "pounds", "磅", "lb lbs pound pounds 磅"),
        ("mass", "0.028349523125", "ounces", "盎司", "oz ounce ounces 盎司"),
        ("mass", "6.35029318", "stone", "英石", "stone stones 英石"),
        ("volume", "1/1000", "ml", "毫升", "ml milliliter milliliters millilitre millilitres 毫升"),
        ("volume", "1", "l", "升", "l liter liters litre litres 升 公升"),
        ("volume", "3.785411784", "gallons (US)", "加仑（美）", "gal gallon gallons 加仑"),
        ("volume", "0.946352946", "quarts (US)", "夸脱（美）", "quart quarts 夸脱"),
        ("volume", "0.473176473", "pints (US)", "品脱（美）", "pint pints 品脱"),
        ("volume", "0.2365882365", "cups (US)", "杯（美）", "cup cups"),
        ("speed", "1", "km/h", "公里/小时", "km/h kmh kph 公里/小时 公里每小时"),
        ("speed", "1.609344", "mph", "英里/小时", "mph 英里/小时 英里每小时"),
        ("speed", "3.6", "m/s", "米/秒", "m/s 米/秒 米每秒"),
        ("area", "1", "m²", "平方米", "m2 m² sqm square_meters square_metres square_meter square_metre 平方米 平米"),
        ("area", "0.09290304", "square feet", "平方英尺", "sqft square_feet square_foot 平方英尺"),
        ("area", "10000", "hectares", "公顷", "hectare hectares 公顷"),
        ("area", "4046.8564224", "acres", "英亩", "acre acres 英亩"),
        ("area", "2000/3", "mu", "亩", "亩"),
        ("time", "1", "seconds", "秒", "second seconds 秒 秒钟"),
        ("time", "60", "minutes", "分钟", "minute minutes 分钟"),
        ("time", "3600", "hours", "小时", "hour hours 小时 个小时"),
        ("time", "86400", "days", "天", "day days 天"),
        ("time", "604800", "weeks", "周", "week weeks 周 星期 个星期"),
    )
    units: dict[str, Unit] = {}
    for kind, factor, english, chinese, names in rows:
        unit = Unit(kind, Fraction(factor), english, chinese)
        units |= {name.replace("_", " "): unit for name in names.split()}
    celsius = Unit("temperature", Fraction(1), "°C", "°C", Fraction(0))
    fahrenheit = Unit("temperature", Fraction(5, 9), "°F", "°F", Fraction(-160, 9))
    kelvin = Unit("temperature", Fraction(1), "K", "K", Fraction("-273.15"))
    units |= dict.fromkeys(("c", "°c", "celsius", "degrees celsius", "degrees c", "℃", "摄氏度", "摄氏"), celsius)
    units |= dict.fromkeys(
        ("f", "°f", "fahrenheit", "degrees fahrenheit", "degrees f", "℉", "华氏度", "华氏"), fahrenheit
    )
    return units | dict.fromkeys(("kelvin", "degrees kelvin", "开尔文"), kelvin)


_UNITS = _table()
_NAMES = "|".join(re.escape(name) for name in sorted(_UNITS, key=len, reverse=True))
_NUMBER = r"(?P<amount>-?\d[\d,]*(?:\.\d+)?|an?(?= ))"
_FROM, _TO = rf"(?P<source>{_NAMES})", rf"(?P<target>{_NAMES})"
_POLITE = r"(?:(?:hey|hi|ok|please|parley|can you|could you|tell me)[ ,]+)*"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"{_POLITE}(?:(?:what is|what's|whats|how much is|convert) )?{_NUMBER} ?{_FROM} (?:in|to|into|as) {_TO}",
        rf"{_POLITE}how (?:many|much) {_TO} (?:are in|is in|is|are|in|are there in|make|does it take to make) "
        rf"{_NUMBER} ?{_FROM}",
        rf"{_POLITE}(?:what is|what's) {_NUMBER} ?{_FROM} (?:converted (?:in)?to) {_TO}",
        rf"(?:请问)?(?:把|将)?{_NUMBER} ?{_FROM}(?:等于|是|合|换(?:算)?成|转(?:换)?(?:成|为)|有|=)(?:多少|"
        rf"几)?个?{_TO}",
    )
)


def answer(text: str, *, chinese: bool) -> str:
    """A measure in both units ("5 km ≈ 3.10686 miles") for a message that asks for nothing else, else ""."""
    plain = in_digits(" ".join(text.lower().replace("’", "'").split()))
    plain = re.sub(r"[\s?？!！。.]+$|(?<=.)(?:呢|啊)[?？]?$", "", plain)
    found = next((match for form in _FORMS if (match := form.fullmatch(plain))), None)
    if found is None:
        return ""
    source, target = _UNITS[found["source"]], _UNITS[found["target"]]
    if source.kind != target.kind or source == target:
        return ""
    amount = Fraction(1) if found["amount"] in ("a", "an") else parsed(found["amount"])
    value = converted(amount, source, target)
    shown = f"= {written(value)}" if is_exact(value) else f"≈ {written(value, 6)}"
    names = (source.chinese, target.chinese) if chinese else (source.english, target.english)
    return f"{written(amount)} {names[0]} {shown} {names[1]}"


def converted(amount: Fraction, source: Unit, target: Unit) -> Fraction:
    """An amount of one unit in another of its kind, exactly."""
    return (amount * source.factor + source.zero - target.zero) / target.factor
