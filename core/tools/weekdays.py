"""Which date a named day of the week has, whether it is a weekday, and which time of the day it is."""

import re
from datetime import date, datetime, timedelta

from core.tools.dates import DAYS, DAYS_ZH, END, POLITE, told

_DAYTIMES = (
    (5, "night", "夜里"),
    (12, "morning", "上午"),
    (18, "afternoon", "下午"),
    (22, "evening", "晚上"),
    (24, "night", "夜里"),
)
"""Until which hour it is called what."""
_DAY = "|".join(name.lower() for name in DAYS)
_NAMED_DAY = re.compile(
    rf"{POLITE}(?:(?:what|which) (?:date|day) is (?:it )?(?:on )?"
    rf"(?P<next>(?:the )?(?:next|this|coming) )?(?P<day>{_DAY})"
    rf"|when is (?P<next_when>(?:the )?(?:next|this|coming) )(?P<day_when>{_DAY})"
    "|(?P<next_zh>下个?|这个?|本)?(?:周|星期|礼拜)(?P<day_zh>[一二三四五六日天])是?(?:几号|几月几号|几月几日|哪天|哪一天))"
)
_WEEKEND = re.compile(
    POLITE
    + r"(?:is (?:it|today) (?:a )?(?:weekday|weekend|the weekend)(?: day)?(?: or (?:a |the )?(?:weekday|weekend))?"
    r"(?: today)?|(?:今天|现在)是(?:工作日还是周末|周末还是工作日|周末吗|工作日吗))"
)
_DAYTIME = re.compile(
    POLITE
    + r"(?:is it (?:morning|afternoon|evening|night|day)(?: or (?:morning|afternoon|evening|night))?"
    + END
    + r"|现在是(?:早上|上午|下午|晚上|白天)还是(?:早上|上午|下午|晚上|白天))"
)


def answer(text: str, now: datetime, *, chinese: bool) -> str:
    """The answer to a message that asks for nothing but one of these; "" for every other."""
    plain = " ".join(text.lower().split()).strip(" ?？!！。.")
    if found := _NAMED_DAY.fullmatch(plain):
        return _named(found, now.date(), chinese=chinese)
    if _WEEKEND.fullmatch(plain):
        weekend, day = now.weekday() > 4, told(now, chinese=chinese)
        if chinese:
            return f"今天是{day}，是{'周末' if weekend else '工作日'}。"
        return f"Today is {'the weekend' if weekend else 'a weekday'}: {day}."
    if _DAYTIME.fullmatch(plain):
        en, zh = next(names for until, *names in _DAYTIMES if now.hour < until)
        return f"现在是{zh}，{now:%H:%M}。" if chinese else f"It is {en}, {now:%H:%M}."
    return ""


def _named(found: re.Match[str], today: date, *, chinese: bool) -> str:
    """The date of a day of the week; of "next Friday" both that people mean, of 下周五 the one of the next week."""
    if found["day_zh"]:
        place = DAYS_ZH.index(found["day_zh"].replace("天", "日"))
        monday = today - timedelta(days=today.weekday())
        this, week = monday + timedelta(days=place), timedelta(days=7)
        day = (
            this + week
            if (found["next_zh"] or "").startswith("下") or (not found["next_zh"] and this < today)
            else this
        )
        return f"{told(day, chinese=True)}。"
    name, which = found["day"] or found["day_when"], found["next"] or found["next_when"] or ""
    ahead = ([each.lower() for each in DAYS].index(name) - today.weekday()) % 7
    if "next" not in which:
        return f"{told(today + timedelta(days=ahead), chinese=False)}."
    first, second = (told(today + timedelta(days=days), chinese=False) for days in (ahead or 7, (ahead or 7) + 7))
    return f"{first}; the one after it is {second}."
