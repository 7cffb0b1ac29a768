"""What day and time it is, the day of the week of a date, days until, since and between dates."""

import re
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from core.tools.numbers import in_digits

_MONTHS = "january february march april may june july august september october november december".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
DAYS_ZH = "一二三四五六日"
_FEASTS = {
    "christmas": (12, 25),
    "christmas day": (12, 25),
    "christmas eve": (12, 24),
    "new year": (1, 1),
    "new years": (1, 1),
    "new year's": (1, 1),
    "new year's day": (1, 1),
    "new year's eve": (12, 31),
    "halloween": (10, 31),
    "valentine's day": (2, 14),
    "valentines day": (2, 14),
    "圣诞节": (12, 25),
    "圣诞": (12, 25),
    "平安夜": (12, 24),
    "元旦": (1, 1),
    "新年": (1, 1),
    "国庆节": (10, 1),
    "国庆": (10, 1),
    "情人节": (2, 14),
    "儿童节": (6, 1),
    "劳动节": (5, 1),
    "万圣节": (10, 31),
}
_MONTH = "|".join(f"{name}|{name[:3]}" for name in _MONTHS) + "|sept"
_FEAST = "|".join(sorted(_FEASTS, key=len, reverse=True))
_DATE = (
    r"(?:\d{4}-\d{1,2}-\d{1,2}"
    rf"|(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTH})\.?(?:,? \d{{4}})?"
    rf"|(?:{_MONTH})\.? (?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?"
    rf"|(?:\d{{4}}年)?\d{{1,2}}月\d{{1,2}}[日号]|today|tomorrow|yesterday|今天|明天|昨天|{_FEAST})"
)
POLITE = (
    r"(?:(?:hey|hi|hello|ok|so|please|parley|can you|could you|do you know|tell me|"
    r"请问|你知道|帮我看看)[ ,，]*)*"
)
END = r"(?:[ ,]*(?:right )?now|[ ,]*please|[ ,]*today|[ ,]*at the moment|[ ,]*currently)*"


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("DATE", _DATE))


_TIME = _form(
    POLITE
    + r"(?:(?:what time is it|what is the (?:current )?time|what's the (?:current )?time|what time it is|the time|"
    r"what time do you "
    r"have)" + END + r"|(?:现在|当前)?(?:是)?(?:几点|什么时间|什么时候|时间是多少|几点钟)(?:了|啦)?)"
)
_TIME_IN = _form(
    POLITE + r"(?:what time is it|what is the time|what's the time)(?: now)? in (?P<place>[a-z .'-]+?)" + END
)
_TODAY = _form(
    POLITE
    + r"(?:(?:what is|what's|whats)(?: the)? (?:date|today's date|day|todays date|day of the week)(?: is it)?"
    + END
    + r"|what (?:date|day|day of the week|weekday) (?:is it|is today|it is|today is)"
    + END
    + r"|which day is (?:it|today)"
    + END
    + r"|what is today|(?:今天)(?:是)?(?:几号|几月几号|几月几日|星期几|周几|礼拜几|什么日期|哪天|多少号|日期)|"
    r"今天的日期(?:是什么)?|今天几号星期几|今天是几月几号星期几)(?:了|啊|呢)?"
)
_YEAR = _form(
    POLITE + r"(?:what year is (?:it|this)|which year is it|what is the year|今年是(?:哪[一1]?年|几几年|多少年)|"
    r"现在是(?:哪[一1]?年|几几年))" + END
)
_MONTH_NOW = _form(
    POLITE
    + r"(?:(?:what|which) month is (?:it|this)|(?:what|which) month are we in|(?:现在|这个月)是?几月(?:份)?(?:了)?)"
    + END
)
_WEEKDAY = _form(
    POLITE + r"(?:(?:what|which) (?:day|day of the week|weekday|date) (?:is|was|will be|is it|was it|will it be)(?: "
    r"on)? (?P<date>DATE)(?: be)?|"
    r"(?P<date_zh>DATE)(?:是|会是)?(?:星期几|周几|礼拜几|几号|几月几号))"
)
_UNTIL = _form(
    POLITE + r"(?:how (?:many days|long)(?: is it| are there| is left| are left| left| do we have| to go)? (?:until|"
    r"till|til|to|before) (?P<date>DATE)|"
    r"(?:距离|离|到|距)?(?P<date_zh>DATE)(?:还有|还剩|还差)(?:多少天|几天|多久))"
)
_SINCE = _form(
    POLITE
    + r"(?:how (?:many days|long)(?: is it| has it been| have passed| ago was| since)* (?:since )?(?P<date>DATE)|"
    r"(?:从|自)?(?P<date_zh>DATE)(?:到现在|到今天|已经过去|过去了?)(?:有|过了|已经)?(?:多少天|几天|多久)(?:了)?)"
)
_BETWEEN = _form(
    POLITE + r"(?:how many days (?:are |are there |is it |lie )?(?:between|from) (?P<first>DATE) (?:and|to|until|"
    r"till) (?P<second>DATE)|"
    r"(?:从)?(?P<first_zh>DATE)(?:到|和|至|与)(?P<second_zh>DATE)(?:之间)?(?:有|相差|差|是|共)?(?:多少天|几天))"
)


def answer(text: str, now: datetime, *, chinese: bool) -> str:
    """The answer to a message that asks for nothing but a date, a time or days; "" for every other."""
    plain = " ".join(text.lower().replace("’", "'").split()).strip(" ?？!！。.")
    if re.search("[\u4e00-\u9fff]", plain):
        plain = re.sub(r"(?<=\d) +|(?<=[年月日号天到离]) +| +(?=\d)", "", in_digits_of_dates(plain))
    found = _now(plain, now, chinese=chinese) or _about_dates(plain, now.date(), chinese=chinese)
    return found


def in_digits_of_dates(text: str) -> str:
    """Chinese dates in digits: 十二月二十五日 -> 12月25日; other numerals stay as they are."""
    return re.sub("[〇零一二三四五六七八九十]+(?=[年月日号])", lambda found: in_digits(found[0]), text)


def _now(plain: str, now: datetime, *, chinese: bool) -> str:
    if _TIME.fullmatch(plain):
        return _clock(now, chinese=chinese)
    if found := _TIME_IN.fullmatch(plain):
        zone = _zones().get(found["place"].strip())
        return f"{found['place'].title()}: {_clock(now.astimezone(ZoneInfo(zone)), chinese=chinese)}" if zone else ""
    if _TODAY.fullmatch(plain):
        return f"今天是{told(now, chinese=True)}。" if chinese else f"Today is {told(now, chinese=False)}."
    if _YEAR.fullmatch(plain):
        return f"今年是 {now.year} 年。" if chinese else f"It is {now.year}."
    if _MONTH_NOW.fullmatch(plain):
        return f"现在是 {now.month} 月。" if chinese else f"It is {_MONTHS[now.month - 1].title()} {now.year}."
    return ""


def _clock(now: datetime, *, chinese: bool) -> str:
    day = told(now, chinese=chinese)
    return f"现在是 {now:%H:%M}，{day}。" if chinese else f"It is {now:%H:%M} on {day}."


def told(day: date, *, chinese: bool) -> str:
    """A date with its day of the week."""
    if chinese:
        return f"{day.year}年{day.month}月{day.day}日，星期{DAYS_ZH[day.weekday()]}"
    return f"{DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1].title()} {day.year}"


def _about_dates(plain: str, today: date, *, chinese: bool) -> str:
    if found := _WEEKDAY.fullmatch(plain):
        day = _read(found["date"] or found["date_zh"], today, before=False)
        return (f"{told(day, chinese=True)}。" if chinese else f"{told(day, chinese=False)}.") if day else ""
    if found := _BETWEEN.fullmatch(plain):
        first = _read(found["first"] or found["first_zh"], today, before=False)
        second = _read(found["second"] or found["second_zh"], first or today, before=False)
        return _counted(first, second, chinese=chinese) if first and second else ""
    if found := _UNTIL.fullmatch(plain):
        day = _read(found["date"] or found["date_zh"], today, before=False)
        return _counted(today, day, chinese=chinese) if day and day >= today else ""
    if found := _SINCE.fullmatch(plain):
        day = _read(found["date"] or found["date_zh"], today, before=True)
        return _counted(day, today, chinese=chinese) if day and day <= today else ""
    return ""


def _counted(first: date, second: date, *, chinese: bool) -> str:
    days = abs((second - first).days)
    if chinese:
        return f"从{told(first, chinese=True)}到{told(second, chinese=True)}，共 {days} 天。"
    unit = "day" if days == 1 else "days"
    return f"{days} {unit}: from {told(first, chinese=False)} to {told(second, chinese=False)}."


def _read(text: str, today: date, *, before: bool) -> date | None:
    """A date; without a year the next one from `today` on, or with `before` the last one. None where there is none."""
    near = {"today": 0, "今天": 0, "tomorrow": 1, "明天": 1, "yesterday": -1, "昨天": -1}
    if text in near:
        return today + timedelta(days=near[text])
    month, day = _FEASTS.get(text, (0, 0))
    year = int(found[0]) if (found := re.search(r"\d{4}", text)) else 0
    if not month:
        numbers = [int(number) for number in re.findall(r"\d+", text.replace(str(year), "", 1) if year else text)]
        named = re.search(rf"\b(?:{_MONTH})\b", text)
        month = _month_of(named[0]) if named else numbers.pop(0)
        day = numbers[0]
    if year:
        return _date(year, month, day)
    years = range(today.year, today.year - 9, -1) if before else range(today.year, today.year + 9)
    days = (_date(each, month, day) for each in years)
    return next((each for each in days if each and (each <= today if before else each >= today)), None)


def _month_of(name: str) -> int:
    return next(at for at, month in enumerate(_MONTHS, 1) if month.startswith(name[:3]))


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


@cache
def _zones() -> dict[str, str]:
    """Cities by which zones of the IANA database are named, lower case."""
    zones = sorted(
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix", "right"))
    )
    return {zone.rsplit("/", 1)[1].replace("_", " ").lower(): zone for zone in zones}
