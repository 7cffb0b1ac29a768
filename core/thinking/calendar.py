"""The date and time in the words of a language, and whether a message speaks of them. Pure."""

import re
from datetime import datetime, timedelta

_DAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "zh-Hans": "星期一 星期二 星期三 星期四 星期五 星期六 星期日".split(),
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag".split(),
    "es": "lunes martes miércoles jueves viernes sábado domingo".split(),
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche".split(),
}
_MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "zh-Hans": [f"{month}月" for month in range(1, 13)],
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split(),
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
}
_DATE = {
    "en": "{day}, {number} {month}",
    "zh-Hans": "{month}{number}日{day}",
    "de": "{day}, {number}. {month}",
    "es": "{day}, {number} de {month}",
    "fr": "{day} {number} {month}",
}
_YEAR = {"en": "{date} {year}", "zh-Hans": "{year}年{date}", "es": "{date} de {year}"}
_NOW = {
    "en": "(Today is {today}, and it is {time}. Yesterday was {yesterday}. The days after today: {next}.)",
    "zh-Hans": "（今天是{today}，现在是{time}。昨天是{yesterday}。今天以后的日子：{next}。）",
    "de": "(Heute ist {today}, und es ist {time} Uhr. Gestern war {yesterday}. Die Tage nach heute: {next}.)",
    "es": "(Hoy es {today} y son las {time}. Ayer fue {yesterday}. Los días después de hoy: {next}.)",
    "fr": "(Aujourd'hui, c'est {today} et il est {time}. Hier, c'était {yesterday}. Les jours suivants : {next}.)",
}
_AHEAD_DAYS = 9
"""A week, and the day that some call next Friday on a Wednesday."""
_SPEAKS = re.compile(
    r"""\b(?:
    today|tonight|tomorrow|yesterday|date|dates|days?|weeks?|weekday|weekend|months?|years?|time|clock|o'clock|hour
    |hours|morning|afternoon|evening|birthday|christmas|easter|holidays?|until|ago|schedule|deadline|season
    |(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|june|july|august|september|october
    |november|december
    |heute|morgen|gestern|übermorgen|datum|tage?n?|wochen?|wochenende|monate?n?|jahre?n?|uhr|uhrzeit|spät|stunden?
    |abend|nacht|geburtstag|weihnachten|ostern|(?:mon|diens|donners|frei|sams|sonn)tags?|mittwochs?|januar|februar|märz
    |mai|juni|juli|oktober|dezember
    |hoy|mañana|ayer|fecha|días?|semanas?|mes|meses|años?|horas?|tarde|noche|cumpleaños|navidad|lunes|martes
    |miércoles|jueves|viernes|sábado|domingo|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre
    |noviembre|diciembre
    |aujourd'hui|demain|hier|jours?|semaines?|mois|ans|années?|heures?|matin|soir|anniversaire|noël
    |pâques|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|janvier|février|mars|avril|juin|juillet|août|septembre
    |octobre|novembre|décembre
    )\b
    |[今明昨前后]天|今年|明年|去年|现在几点|日期|几[号点日月]|星期|周[一二三四五六日末几]|礼拜|[上下本这]个?[周月]|生日|节日|时间|小时|多少天|几天
    """,
    re.VERBOSE | re.IGNORECASE,
)

_ASKED = {
    "de": r"(?:welche[rsn]? (?:wochen)?tag|welches datum|was f[üu]r ein (?:wochen)?tag|den wievielten|der wievielte|"
    r"wie sp[äa]t|wie ?viel uhr)(?: ist| haben wir)?(?: (?:es|heute|jetzt|gerade))*",
    "es": r"(?:a )?(?:qu[ée] (?:d[íi]a|fecha) (?:es|estamos|tenemos)(?: hoy)?|qu[ée] hora es(?: ahora)?)",
    "fr": r"(?:quel jour (?:sommes-nous|on est|est-on|est-ce)|(?:on est )?quel jour(?: on est)?|quelle (?:est la )?date"
    r"(?: sommes-nous)?|quelle heure est-il|il est quelle heure)(?: (?:aujourd'hui|maintenant))*",
}
_IS = {
    "de": "Heute ist {today}, und es ist {time} Uhr.",
    "es": "Hoy es {today} y son las {time}.",
    "fr": "Aujourd'hui, c'est {today} et il est {time}.",
}


def answer(text: str, now: datetime) -> str:
    """The day and the time to a message in German, Spanish or French that asks for nothing else; "" to any other."""
    plain = " ".join(text.lower().replace("’", "'").split()).strip(" ?!.¿¡")
    spoken = next((language for language, asked in _ASKED.items() if re.fullmatch(asked, plain)), "")
    if not spoken:
        return ""
    today = _YEAR.get(spoken, _YEAR["en"]).format(date=_date(now, spoken), year=now.year)
    return _IS[spoken].format(today=today, time=f"{now:%H:%M}")


def speaks_of_time(text: str) -> bool:
    """Whether a message in one of the languages above may need the date or the time."""
    return _SPEAKS.search(text.replace("’", "'")) is not None


def told(now: datetime, language: str) -> str:
    """The day, the time, and the days around it, in a language or else in English."""
    days = [now + timedelta(days=ahead) for ahead in (-1, *range(1, _AHEAD_DAYS + 1))]
    yesterday, *ahead = (_date(day, language) for day in days)
    today = _YEAR.get(language, _YEAR["en"]).format(date=_date(now, language), year=now.year)
    between = "、" if language == "zh-Hans" else "; "
    frame = _NOW.get(language, _NOW["en"])
    return frame.format(today=today, time=f"{now:%H:%M}", yesterday=yesterday, next=between.join(ahead))


def _date(day: datetime, language: str) -> str:
    spoken = language if language in _DATE else "en"
    name, month = _DAYS[spoken][day.weekday()], _MONTHS[spoken][day.month - 1]
    return _DATE[spoken].format(day=name, number=day.day, month=month)
