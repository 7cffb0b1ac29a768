"""What no mind sees from here, so that small ones invent it: today's weather and news, prices, what a shop is asked.

Nothing is said where somebody told of it: in this chat, in an owner's persona, in the message that is answered.
"""

import re
from collections.abc import Iterator

from core.thinking import recalling, wording
from core.thinking.moment import Moment

_MOST_CHARS = 160
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_WHEN = r"(?: (?:on|at|until|till|before|after|today|tomorrow|tonight|now|this|next|every|late|early|for|right)\b.*)?"
_LIVE = re.compile(
    r"\bweather (?:forecast|report)\b|\bwhat (?:is|will) (?:the |today'?s |tomorrow'?s )?weather\b|"
    r"\bhow (?:is|will) the weather\b|"
    r"\b(?:is|will) it (?:going to |be |gonna )*(?:rain|snow|raining|snowing|sunny|windy|freezing|stormy)\b|"
    r"\bdo i need an? (?:umbrella|rain ?coat)\b|"
    r"\b(?:what is|what are|any|tell me|give me|show me) (?:the |today'?s |latest |new )*(?:news|headlines)\b|"
    r"\bwho won\b.*\b(?:yesterday|last night|today|tonight)\b|"
    r"\b(?:bitcoin|btc|ethereum|stock|share|gold|oil|petrol) prices?\b|"
    r"\bprice of (?:bitcoin|btc|ethereum|gold|oil|petrol)\b|\bexchange rate\b|"
    r"\bhow much is (?:a |one )?(?:bitcoin|ethereum|euro|dollar|pound|yen|yuan)(?: (?:in|worth|today|now)\b.*)?$|"
    r"\b(?:how|what) is (?:the )?traffic\b"
)
_LASTING = re.compile(
    rf"\b(?:usually|typically|normally|generally|often|climate|why|{_MONTHS}|winter|summer|spring|autumn|explain|poem|"
    r"write|story|translate|mean|means|say)\b|通常|一般|气候|为什么|写|翻译|解释|意思"
)
_LIVE_ZH = re.compile(
    "天气(?:怎么样|怎样|如何|预报|好吗|好不好|咋样)|(?:会|要)(?:不会)?下[雨雪]吗?|会不会下[雨雪]|"
    "(?:今天|明天|现在|外面).{0,6}(?:多少度|几度|冷不冷|热不热|冷吗|热吗|下雨吗)|"
    "(?:今天|今日|最新|最近).{0,4}(?:新闻|头条)|汇率|(?:比特币|黄金|油价|股价|金价|股票).{0,6}(?:多少|价格|怎么样|涨)|"
    "(?:昨天|昨晚|今天|今晚).{0,12}(?:谁赢|比分)|堵车吗|堵不堵|路况"
)
_SHOP = re.compile(
    rf"\b(?:are|will) you (?:guys |be )?(?:still )?(?:open|closed){_WHEN}$|\byour (?:opening|business|store) hours\b|"
    rf"\b(?:when|what time) do you (?:guys )?(?:open|close){_WHEN}$|\bdo you (?:guys )?(?:deliver|ship)\b(?! messages)|"
    r"\bis your (?:shop|store|restaurant|cafe|office|salon|bakery) (?:open|closed)\b|"
    r"\bdo you (?:guys )?(?:sell|stock)\b|\bdo you (?:guys )?have .*\b(?:in stock|on sale|in size|in my size)\b|"
    r"\bdo you (?:guys )?(?:take|accept) (?:cash|credit|cards?|reservations|bookings)\b|"
    r"\bhow much (?:is|are) (?:the |your )?(?:shipping|delivery)\b"
)
_SHOP_ZH = re.compile(
    "(?:你们?|你家|你们家|您们?|店里?|老板).{0,10}(?:开门|关门|营业|打烊|开到几点)|营业时间|"
    "(?:你们?|您|老板).{0,10}(?:送货|包邮|发货|外送|配送|送到)|(?:有没有|有).{0,6}(?:现货|库存|[smlx]+ ?码)|"
    "(?:你们|你家|老板).{0,4}(?:卖|有).{0,8}吗"
)
_OF_LIVE = re.compile(
    r"\b(?:weather|forecast|rain|snow|sun|sunny|news|price|rate|won|traffic|degrees)|天气|[雨雪度价赢]|新闻|路况|堵车"
)
_OF_SHOP = re.compile(
    r"\b(?:open|close|hour|deliver|ship|stock|sell|sale|price|shop|store)|开[门到]|关门|营业|[送卖价店货]"
)
_ANSWERS = {
    "live": (
        "I cannot look that up: I see no weather, news, prices or anything else of the moment.",
        "我查不到天气、新闻、价格这些实时的东西，所以回答不了。",
    ),
    "shop": (
        "I cannot tell: nobody has told me here about opening hours, goods, prices or delivery.",
        "这里没人告诉过我营业时间、商品、价格或送货的事，所以我回答不了。",
    ),
}


def answer(moment: Moment) -> str:
    """An honest answer to a question of that kind; "" to any other, and where somebody told of it."""
    kind = _kind(moment.text)
    if not kind or any((_OF_LIVE if kind == "live" else _OF_SHOP).search(told) for told in _told(moment)):
        return ""
    return _ANSWERS[kind][moment.chinese]


def _kind(text: str) -> str:
    plain = wording.folded(text)
    if len(text) > _MOST_CHARS or not wording.asks(text):
        return ""
    chinese = wording.has_han(plain)
    if (_LIVE_ZH if chinese else _LIVE).search(plain) and not _LASTING.search(plain):
        return "live"
    return "shop" if (_SHOP_ZH if chinese else _SHOP).search(plain) else ""


def _told(moment: Moment) -> Iterator[str]:
    yield moment.beside.lower()
    for text in (moment.dialogue.summary, *(turn.said for turn in moment.dialogue.turns)):
        yield from (told.lower() for told in recalling.statements(text))
