"""Sums, exactly: a message that is nothing but one is parsed and worked out in fractions. Nothing is evaluated as code.

Bounded: 40 operations, whole exponents up to 999, results up to 60 digits.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from core.tools.numbers import in_digits, is_exact, parsed, written

_ASKED = re.compile(
    r"(?:(?:hey |hi |hello |ok |please |parley[ ,:]*)*(?:can you |could you )?(?:please )?(?:tell me )?"
    r"(?:what is|what's|whats|what are|how much is|how much are|calculate|compute|work out|solve|add up|evaluate)|"
    r"请?(?:问|帮我)?(?:算一?下|计算一?下?|算算))[ :：]*(.+)",
    re.DOTALL,
)
_ENDS = re.compile(
    r"(?:\s*(?:=|equals?|is how much|等于几|等于多少|等于|是多少|得多少|得几|是几|多少|几))?\s*(?:please|"
    r"thanks|thank you|呢|啊)?"
    r"\s*[?？!！。.]*\s*$"
)
_WORDS = (
    (re.compile(r"\bthe\b"), " "),
    (re.compile(r"\b(?:plus|and then add)\b|加上?"), "+"),
    (re.compile(r"\bminus\b|减去?|[−–]"), "-"),
    (re.compile(r"\b(?:times|multiplied by)\b|乘以?|[×·✕]|(?<=\d) x (?=\d)"), "*"),
    (re.compile(r"\bdivided by\b|除以|[÷]"), "/"),
    (re.compile(r"\b(?:raised )?to\s+power of\b|\braised to\b|\*\*"), "^"),
    (re.compile(r"\bsquared\b"), "^2"),
    (re.compile(r"\bcubed\b"), "^3"),
    (re.compile(r"\bsquare root of\b|根号|√"), "r"),
    (re.compile(r"(\d[\d.]*)的平方根"), r"r\1"),
    (re.compile(r"的平方"), "^2"),
    (re.compile(r"的立方"), "^3"),
    (re.compile(r"\bper ?cent\b|％"), "%"),
    (re.compile(r"%\s*(?:of\b|的)|(\d)的(?=\d+(?:\.\d+)?%)"), r"\1%*"),
    (re.compile(r"（"), "("),
    (re.compile(r"）"), ")"),
)
_PERCENT_ZH = re.compile(r"百分之([\d.]+|[零一二两三四五六七八九十百]+)")
_OF_FIRST = re.compile(r"(\d+(?:\.\d+)?)%\*\s*(\d+(?:\.\d+)?)%")
_TOKEN = re.compile(r"\s*(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+|[-+*/^()%r])")
_LOOKS_OTHER = re.compile(r"[\d.]+(?:[-/][\d.]+)+")
"""Bare: a date, a number of a phone or a score, not a sum."""
_MOST_EXPONENT, _MOST_DIGITS, _MOST_TOKENS = 999, 60, 80


class _Unsuitable(Exception):
    """No sum, or none that is answered here."""


def answer(text: str) -> str:
    """A sum and its value ("12 + 7 = 19") for a message that asks for nothing else; "" for every other."""
    lowered = " ".join(text.lower().replace("’", "'").split())
    asked = _ASKED.fullmatch(lowered)
    body = asked[1] if asked else lowered
    stripped = _ENDS.sub("", body)
    explicit = asked is not None or stripped != body.rstrip("?？!！。. ")
    if stripped == "24/7" or (not explicit and _LOOKS_OTHER.fullmatch(stripped)):
        return ""
    try:
        tokens = _tokens(stripped)
        value = worked_out(tokens)
    except (_Unsuitable, ZeroDivisionError):
        return ""
    return f"{_shown(tokens)} {'=' if is_exact(value) else '≈'} {written(value)}"


def _tokens(text: str) -> tuple[str, ...]:
    text = in_digits(_PERCENT_ZH.sub(r"\1%", text))
    for pattern, sign in _WORDS:
        text = pattern.sub(sign, text)
    text = _OF_FIRST.sub(r"\1*\2%", text)
    tokens: list[str] = []
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None or len(tokens) >= _MOST_TOKENS:
            raise _Unsuitable
        if tokens and tokens[-1][-1].isdigit() and found[1][0].isdigit():
            raise _Unsuitable
        tokens.append(found[1])
        at = found.end()
    operations = [token for at, token in enumerate(tokens) if token in "*/^%r" or (token in "+-" and at)]
    if not operations or tokens[-1:] == ["%"] and len(tokens) == 2:
        raise _Unsuitable
    return tuple(tokens)


def _shown(tokens: tuple[str, ...]) -> str:
    text = ""
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else "("
        sign = {"*": "×", "/": "÷", "-": "−", "r": "√"}.get(token, token)
        binary = token in "+-*/" and before not in "(+-*/^r"
        text += f" {sign} " if binary else sign
    return text


@dataclass(slots=True)
class _Reading:
    """Where in the tokens the parser is."""

    tokens: tuple[str, ...]
    at: int = 0
    depth: int = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token


def worked_out(tokens: tuple[str, ...]) -> Fraction:
    """The value of a sum in tokens; raises where it is none, too large, or divides by zero."""
    reading = _Reading(tokens)
    value = _terms(reading)
    if reading.peek():
        raise _Unsuitable
    return value


def _bounded(value: Fraction) -> Fraction:
    if max(abs(value.numerator), value.denominator) >= 10**_MOST_DIGITS:
        raise _Unsuitable
    return value


def _terms(reading: _Reading) -> Fraction:
    value = _factors(reading)
    while reading.peek() in ("+", "-"):
        value = _bounded(value + (1 if reading.take() == "+" else -1) * _factors(reading))
    return value


def _factors(reading: _Reading) -> Fraction:
    value = _signed(reading)
    while reading.peek() in ("*", "/"):
        times = reading.take() == "*"
        factor = _signed(reading)
        value = _bounded(value * factor if times else value / factor)
    return value


def _signed(reading: _Reading) -> Fraction:
    reading.depth += 1
    if reading.depth > 40:
        raise _Unsuitable
    negative = reading.peek() == "-"
    if negative:
        reading.take()
    value = -_signed(reading) if negative else _power(reading)
    reading.depth -= 1
    return value


def _power(reading: _Reading) -> Fraction:
    base = _percent(reading)
    if reading.peek() != "^":
        return base
    reading.take()
    exponent = _signed(reading)
    size = max(len(str(abs(base.numerator))), len(str(base.denominator)))
    if exponent.denominator != 1 or abs(exponent) > _MOST_EXPONENT or size * abs(exponent) > 4 * _MOST_DIGITS:
        raise _Unsuitable
    return _bounded(base**exponent.numerator)


def _percent(reading: _Reading) -> Fraction:
    value = _atom(reading)
    while reading.peek() == "%":
        reading.take()
        value /= 100
    return value


def _atom(reading: _Reading) -> Fraction:
    token = reading.take()
    if token == "(":
        value = _terms(reading)
        if reading.take() != ")":
            raise _Unsuitable
        return value
    if token == "r":
        return _root(_signed(reading))
    if not token or not (token[0].isdigit() or token[0] == "."):
        raise _Unsuitable
    return _bounded(parsed(token))


def _root(value: Fraction) -> Fraction:
    """The square root: exact where there is one, else to 30 digits."""
    if value < 0:
        raise _Unsuitable
    scale = 10**30
    whole = Fraction(isqrt(value.numerator), isqrt(value.denominator) or 1)
    return whole if whole * whole == value else Fraction(isqrt(value.numerator * scale**2 // value.denominator), scale)
