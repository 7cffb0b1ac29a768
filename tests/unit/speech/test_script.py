import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.speech.script import sentences, spoken

CODE, TABLE = "The code is in the text", "The table is in the text"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("**bold** and _it_ and `code` here", "bold and it and code here"),
        ("# Title\n- one\n- [x] two\n1. three", "Title. one. two. three"),
        ("One:\n\n1. first\n   - inner\n\n> quoted\n\n---\n\nlast", "One: first. inner. quoted. last"),
        ("see [the page](https://a.b/c?d=e) or https://www.example.com/x/y.", "see the page or example.com."),
        ("[https://a.b/c](https://a.b/c), www.x.org/y!", "a.b, x.org!"),
        ("<https://x.y/z> and http://ann:pw@h.com:80/x", "x.y and h.com"),
        ("![a cat](http://x/y.png) nice", "a cat nice"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nnext", f"{TABLE}. next"),
        ("||spoiler|| ~~gone~~ __under__ ***both***", "spoiler gone under both"),
        ("use `pip install x`:\n```\nlong code\n```\nthen run it", f"use pip install x: {CODE}. then run it"),
        ("```\nnever closed", CODE),
        ("~~~py\n# not a title\n~~~", CODE),
        ("    indented words", "indented words"),
        ("a **bold\nand `open", "a bold. and open"),
        ("\\*not\\* bold, snake_case", "not bold, snake case"),
        ("<b>bold</b><br>x &amp; y", "bold. x & y"),
        ("<div>\ninside\n</div>", "inside"),
        ("One. Two 3.5 apples? Three!", "One. Two 3.5 apples? Three!"),
        ("***", ""),
    ],
)
def test_markdown_is_read_as_a_person_would(written: str, read: str):
    assert spoken(written, "en") == read


@pytest.mark.parametrize(
    ("written", "language", "read"),
    [
        ("看这里：\n```py\nx\n```\n好了", "zh-Hans", "看这里： 代码在文字里。 好了"),
        ("看[这里](http://a.b)或https://www.a.com/x，好吗", "zh", "看这里或a.com，好吗"),
        ("| a |\n|---|\n| 1 |", "zh-Hans", "表格在文字里"),
        ("So:\n```\nx\n```\nfertig", "de-AT", "So: Der Code steht im Text. fertig"),
        ("```\nx\n```\nhotovo", "cs", "hotovo"),
        ("```\nx\n```", "cs", ""),
    ],
)
def test_code_and_tables_are_said_to_be_in_the_text_in_its_language(written: str, language: str, read: str):
    assert spoken(written, language) == read


MARKDOWN = (
    st.lists(
        st.sampled_from(
            "* ** _ __ ` ``` ~~~ # ## | |-| - 1. > [ ] ( ) ![ ](x) http://a.b/c_d # \n \n\n \\ <b> <!-- <div> "
            "& &#42; &#x60; "
            "😀 👍🏽 👍 #️⃣ 1️⃣ $5 5 km 2024-05-01 2*3 a_b 你好 。 word".split(" ")
        )
        | st.text(max_size=4),
        max_size=40,
    ).map(" ".join)
    | st.text()
)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(MARKDOWN, st.sampled_from(["en", "zh-Hans", "de", "xx", ""]))
def test_no_markdown_leaves_a_mark_or_raises(written: str, language: str):
    said = spoken(written, language)
    assert not set(said) & set("*_#`|~<>[]{}\\\n\x00\x01")
    assert "http://" not in said
    assert said == said.strip()
    assert not said or any(char.isalnum() for char in said)
    said.encode()


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(MARKDOWN, st.integers(1, 200))
def test_however_long_about_a_minute_is_said(written: str, times: int):
    assert sum(len(sentence) for sentence in sentences(written * times, "en")) <= 900


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "1234567890" * 2000,
        "1,2," * 5000,
        "*" * 20_000,
        "[" * 20_000,
        "[](" * 6000,
        "<a " * 6000,
        "> " * 10_000,
        "👍" * 10_000,
        "http://" * 3000,
        "$1" * 9000,
        " - " * 7000,
    ],
)
async def test_texts_that_grow_work_are_read_in_a_moment(text: str):
    assert await asyncio.wait_for(asyncio.to_thread(sentences, text, "en"), 20) is not None


def test_a_long_text_ends_with_a_sentence():
    read = sentences("This is number 3.5 of many. " * 100, "en")
    assert 800 < len(" ".join(read)) <= 900
    assert set(read) == {"This is number 3.5 of many."}


def test_chinese_says_more_with_fewer_characters():
    read = "".join(sentences("今天天气很好，我们一起去公园散步吧。" * 60, "zh-Hans"))
    assert 250 < len(read) <= 300
    assert read.endswith("散步吧。")


def test_an_endless_sentence_ends_with_a_word():
    (read,) = sentences("word " * 1000, "en")
    assert 890 < len(read) <= 900
    assert read.endswith("word")
