"""Words and characters as they count: without case and stops, numbers in words, one script of Chinese."""

import re
import unicodedata

from unicode_rbnf import RbnfEngine

from core.speech.scoring import word_errors

_SIMPLIFIED = str.maketrans(
    "樣麼氣號間幾點關門這見嗎時請幫訂張近沒飯鐘裡們單廳燈壞誰鑰鏈屜歲師說業簡話釋麼顏藍讀個題寫義講謝長書終於醫"
    "離還會議兩過經開聽學員電視應該買賣從車館煮蛋週雞",
    "样么气号间几点关门这见吗时请帮订张近没饭钟里们单厅灯坏谁钥链屉岁师说业简话释么颜蓝读个题写义讲谢长书终于医"
    "离还会议两过经开听学员电视应该买卖从车馆煮蛋周鸡",
)
"""The characters of the sentences that Whisper may write in the traditional script."""
_SPELLED = {
    "'s": " is", "'ve": " have", "'d": " would", "'m": " am", "n't": " not", "'re": " are", "percent": " per cent",
    "doctor": "dr", "professor": "prof", "okay": "ok", "neighbor": "neighbour", "kilometer": "kilometre",
}  # fmt: skip


def simplified(text: str) -> str:
    return text.translate(_SIMPLIFIED)


def units(text: str, language: str) -> list[str]:
    """Words of a language that parts them by blanks, characters of Chinese."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("$", "")
    text = re.sub(r"(\d+)%", r"百分之\1", text) if language == "zh" else text.replace("%", " percent ")
    engine = RbnfEngine.for_language(language)
    text = re.sub(r"(\d+):00", r"\1", re.sub(r"(?<=\d),(?=\d{3})", "", text))
    text = re.sub(r"\b(1[1-9])(?=\d\d\b)", r"\1 ", text)  # years are said in two halves
    text = re.sub(r"\d{1,12}", lambda number: f" {engine.format_number(number[0]).text} ", text.replace(":", " "))
    text = text.replace("hundred and ", "hundred ")
    for written, spelled in _SPELLED.items():
        text = text.replace(written, spelled)
    words = re.sub(r"[^\w\s]|_", " ", text).split()
    return words if language != "zh" else list(simplified("".join(words)))


def errors(said: str, heard: str, language: str) -> tuple[int, int]:
    """How many words or characters are wrong, and of how many."""
    meant = units(said, language)
    return word_errors(meant, units(heard, language)), len(meant)
