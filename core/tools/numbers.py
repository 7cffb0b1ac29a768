"""Numbers as people write and say them, and exact ones as people read them."""

import re
from decimal import Context, Decimal
from fractions import Fraction

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS = {word: value for value, word in enumerate(_ONES)} | {word: 20 + 10 * at for at, word in enumerate(_TENS)}
_WORD = "|".join([*_WORDS, "hundred", "thousand"])
_SPOKEN = re.compile(rf"\b(?:{_WORD})(?:(?:[ -]| and )(?:{_WORD}))*\b")
_HAN_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_HAN = re.compile("[零〇一二两三四五六七八九十百千万]+")
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000}
_DIGITS = 12


def in_digits(text: str) -> str:
    """English and Chinese numbers in words, written in digits: "twelve plus seven" -> "12 plus 7"."""
    return _HAN.sub(lambda found: str(_han(found[0])), _SPOKEN.sub(lambda found: str(_spoken(found[0])), text))


def _spoken(words: str) -> int:
    total, part = 0, 0
    for word in re.split(r"[ -]", words.replace(" and ", " ")):
        if word == "thousand":
            total, part = total + max(part, 1) * 1000, 0
        elif word == "hundred":
            part = max(part, 1) * 100
        else:
            part += _WORDS[word]
    return total + part


def _han(text: str) -> int:
    if not set(text) & {"十", "百", "千", "万"}:
        return int("".join(str(_HAN_DIGITS[char]) for char in text))
    total, part, digit = 0, 0, 0
    for char in text:
        if char == "万":
            total, part, digit = (total + part + digit) * 10_000, 0, 0
        elif char in _HAN_UNITS:
            part, digit = part + (digit or 1) * _HAN_UNITS[char], 0
        else:
            digit = _HAN_DIGITS[char]
    return total + part + digit


def parsed(text: str) -> Fraction:
    """A number in digits, with or without commas between thousands, exactly."""
    return Fraction(text.replace(",", ""))


def is_exact(value: Fraction) -> bool:
    """Whether `written` shows all of it."""
    return Fraction(Decimal(written(value).replace("×10^", "E"))) == value


def written(value: Fraction, digits: int = _DIGITS) -> str:
    """In decimals, exactly where 12 significant digits suffice or it is whole, else rounded to `digits`."""
    if value.denominator == 1:
        return str(value.numerator)
    context = Context(prec=digits)
    decimal = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    if not -7 <= decimal.adjusted() < _DIGITS:
        mantissa, exponent = f"{decimal.normalize(context):E}".split("E")
        return f"{mantissa}×10^{int(exponent)}"
    plain = f"{decimal:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
