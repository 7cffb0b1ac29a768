"""Whatever the model writes arrives on both platforms: whole when it is long, harmless when it is hostile."""

from bots.locales import Phrases
from tests.fault.conftest import Note
from tests.fault.discord_world import Both
from tests.fault.shown import characters, code_lines, marked, pinging, units, words
from tests.fault.world import until
from tests.platforms.discord_payloads import ALICE, BOB, CROWD, DM, GENERAL, ROLE
from tests.platforms.telegram_server import BOB as BEN
from tests.platforms.telegram_server import GROUP

_LETTERS = 20_000
_FAMILY, _FLAG = "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f3f3\ufe0f\u200d\U0001f308"
_NOTHING = Phrases().say("no_answer", "en")


def _paragraph(number: int) -> str:
    sentence = (
        f"Part {number} of 中文{number} and {_FAMILY} {number} with **bold {number}**, `c_{number}` and {_FLAG}. "
    )
    return f"## Heading {number}\n\n{sentence * 4}\n\n- item {number}\n- another {number} of @name{number}\n"


def _code(number: int, lines: int) -> str:
    body = "\n".join(f"    row_{number}_{line} = call({line!r}, '😀|{line}')  # ünï" for line in range(lines))
    return f"```python\n@decorated_{number}\ndef block_{number}():\n{body}\n```\n"


def _table(number: int, rows: int) -> str:
    body = "\n".join(f"| row {number}.{row} | {row * 7} € | 値{row} 🍎 |" for row in range(rows))
    return f"| name {number} | price | 名 |\n|---|--:|---|\n{body}\n"


def _long_answer() -> str:
    text, number = "", 0
    while len(text) < _LETTERS:
        text += (
            f"{_paragraph(number)}\n{_code(number, 8 + 40 * (number % 3))}\n{_table(number, 3 + 25 * (number % 3))}\n"
        )
        number += 1
    return text


async def test_15_a_long_answer_arrives_whole(both: Both, note: Note):
    answer = _long_answer()
    both.model.answer = lambda said: answer
    both.say(7, "long")
    await both.discord.say("long", author=ALICE)
    await until(lambda: _arrived(both, answer), "the last words on both platforms")
    await both.discord.wait_quiet()
    await both.telegram.wait_quiet()
    shown, sent = both.shown(ALICE), both.telegram.sent
    note(
        f"{len(answer)} characters in {len(shown)} parts of at most {max(map(units, shown))} units on Discord, in "
        f"{len(sent)} of at most {max(units(each.text) for each in sent)} on Telegram"
    )
    code = [line for line in code_lines(answer) if line]
    assert characters(shown) == characters([answer])
    assert [line for text in shown for line in code_lines(text) if line in set(code)] == code
    assert max(map(units, shown)) <= 2000
    assert characters(each.text for each in sent) == characters([answer])
    pre = [line for each in sent for block in marked(each.text, each.marks, "pre") for line in block.split("\n")]
    assert [line for line in pre if line in set(code)] == code
    assert not [each.text for each in sent if "```" in each.text]
    assert max(units(each.text) for each in sent) <= 4096
    assert not [found for each in sent for found in pinging(each)]
    both.no_error()


def _arrived(both: Both, answer: str) -> bool:
    end = words([answer])[-200:]
    return words(both.shown(ALICE)).endswith(end) and words(each.text for each in both.telegram.sent).endswith(end)


_SPECIALS = "_*[]()~`>#+-=|{}.!\\"
_NAMES = (
    f"@everyone @here <@{BOB}> <@&{ROLE}> @ann (@ann) **@ann** `@code` [you](tg://user?id=7) <a href='tg://user?id=7'>"
)
HOSTILE = {
    "every special": f"a{_SPECIALS * 20}b",
    "each special alone": "\n\n".join(f"x {special * 30} y" for special in _SPECIALS),
    "specials around words": " ".join(f"{special}word{special}{special}" for special in _SPECIALS * 5),
    "an open fence": "look:\n```python\nprint(1)",
    "fences of all lengths": "```\na\n````\nb\n~~~\nc\n``\nd\n~~~~\ne",
    "500 fences": "".join(f"```\nline{number}\n" for number in range(500)),
    "500 fences in a line": "x" + "```" * 500 + "y",
    "names": _NAMES,
    "names in code": "```\n@everyone\n@ann\n```\n`@here`",
    "5,000 zero-width characters": "a" + "\u200b" * 5000 + "b",
    "zero-width characters everywhere": "".join(f"{number % 10}\u200b" for number in range(2500)),
    "right-to-left marks": "\u202eabc\u202c \u200fdef\u2067ghi\u2069 " * 50,
    "NUL": "before\0after\0",
    "control characters": "".join(map(chr, range(32))) + "\x7f\x85 end",
    "half an emoji": "broken \ud83d here",
    "5,000 combining marks": "e" + "\u0301" * 5000,
    "5,000 line breaks": "top" + "\n" * 5000 + "bottom",
    "10,000 letters in one word": "x" * 10_000,
    "a deep list": "\n".join(f"{'  ' * depth}- level{depth}" for depth in range(60)),
    "a deep quotation": "\n".join(f"{'>' * depth} level{depth}" for depth in range(1, 150)),
    "4,000 brackets": "start " + "[" * 4000 + " end",
    "2,000 bold marks": "start " + "**" * 2000 + " end",
    "bars": "start\n" + "|" * 1500 + "\n|-|\n" + "|" * 1500 + "\nend",
    "HTML": "<b>bold</b> <script>alert(1)</script>\n<div>\ninside\n</div>\n<!-- note -->",
    "a command": "/stop@parley_bot",
    "terminal codes": "\x1b[31mred\x1b[0m",
    "noncharacters": "one\ufdd0two\uffffthree\U0010ffffend",
}
EMPTY = {
    "nothing": "",
    "white space": " \n\t \n",
    "only zero-width characters": "\u200b" * 5000,
    "only NUL": "\0" * 10,
}


async def test_22_hostile_output_is_delivered_or_a_plain_sentence_and_pings_nobody(both: Both, note: Note):
    outputs = HOSTILE | EMPTY
    both.model.answer = lambda said: outputs[said.removeprefix("Bob: ").removeprefix("Bob Li: ")]
    people = dict(zip(outputs, CROWD, strict=False))
    chats = {what: 100 + number for number, what in enumerate(outputs)}
    for what in outputs:
        both.say(chats[what], what)
        await both.discord.say(what, author=people[what])
    await both.discord.say("names", author=BOB, channel=GENERAL, mention=True)
    both.telegram.say("@parley_bot names", chat=GROUP, user=BEN)
    await until(lambda: all(_seen(both, people[what], chats[what]) for what in outputs), "something for everybody")
    await both.discord.wait_quiet(3)
    await both.telegram.wait_quiet()
    wrong = [what for what in HOSTILE if not _whole(both, HOSTILE[what], people[what], chats[what])]
    sentences = {what: (both.shown(people[what]), _texts(both, chats[what])) for what in EMPTY}
    posts = [sent.allowed_mentions for sent in both.discord.sent]
    edits = [body.get("allowed_mentions") for _, body in both.discord.edited]
    note(
        f"{len(HOSTILE)} outputs, not whole: {wrong}; {len(EMPTY)} with nothing to see; {len(posts)} posts and "
        f"{len(edits)} edits on Discord, {len(both.telegram.sent)} messages on Telegram"
    )
    assert wrong == []
    assert sentences == dict.fromkeys(EMPTY, ([_NOTHING], [_NOTHING]))
    assert all(allowed is not None and allowed["parse"] == [] for allowed in (*posts, *edits))
    assert [each.text for each in both.telegram.sent if pinging(each)] == []
    assert len(both.discord.shown(GENERAL)) == 1
    assert len(_texts(both, GROUP["id"])) == 1
    assert not [line for line in both.product.log if " ERROR " in line]
    both.no_error()


def _seen(both: Both, person: str, chat: int) -> bool:
    return bool(both.discord.shown(DM[person]) and _texts(both, chat))


def _texts(both: Both, chat: int) -> list[str]:
    return [sent.text for sent in both.telegram.sent if sent.chat == chat]


def _whole(both: Both, output: str, person: str, chat: int) -> bool:
    return words([output]) == words(both.shown(person)) == words(_texts(both, chat))
