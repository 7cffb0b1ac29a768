"""Invented names and values, new in every dialogue, so that a model must copy them and cannot learn them by heart.

A fixed eighth of all invented words (by a checksum) is kept for evaluation: training never meets it.
"""

import zlib
from random import Random

ONSETS = (
    "b c d f g h j k l m n p r s t v w y z b d g k l m n r s t v z br ch cl dr fl fr gl gr kr pl pr sh sl st th tr"
).split()
VOWELS = "a e i o u a e i o ai ea ee ia io oo ou".split()
CODAS = ["", "", "", "", "", "", "", "", "", "", "", "", *"n r l s m t d k x ck ll nd ng rn rt sh ss th st".split()]
ACCENTED = "éèüñöåøçßáíółšžжия"
FAMILIAR = (
    "Alice Anna Ben Carlos Chloe Daniel David Elena Emma Eva Felix Finn Grace Hannah Henry Ivan Jack James Julia "
    "Kate "
    "Laura Leo Liam Lily Lucas Maria Mark Max Mia Michael Nina Noah Oliver Olivia Oscar Paul Peter Priya Rosa Ruth "
    "Sam "
    "Sara Simon Sofia Thomas Tom Victor Yuki Zoe Ahmed Fatima Olga Pablo Aisha Berlin Paris London Madrid Rome Oslo "
    "Kyoto "
    "Boston Chicago Dublin Lisbon Vienna Prague Sydney Toronto Cairo Delhi Mumbai Lagos Nairobi Lima Quito Athens "
    "Warsaw "
    "Rex Luna Bella Max Coco Milo Daisy Rocky Buddy Simba Nala Felix Whiskers Shadow Pepper"
).split()
COLOURS = "red blue green yellow orange purple pink brown black white grey silver gold teal violet navy crimson".split()
COMMON_THINGS = (
    "pizza pasta sushi soup bread cheese apples rice curry salad coffee tea milk juice water chess tennis football "
    "golf "
    "swimming cats dogs horses birds foxes owls bears roses jazz rock opera poetry history physics music painting "
    "gardening cooking hiking trains bikes boats stamps coins maps"
).split()
MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
HOURS = "six seven eight nine ten eleven noon one two three four five".split()

SURNAMES_ZH = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹"
GIVEN_ZH = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅文辉建国志海波宁云峰龙飞鹏宇浩然子涵雨欣怡佳琪思远晨阳"
    "博睿泽轩嘉慧雪晴月星辰安康乐天小晓春秋冬夏青松竹兰菊莲荷露霜风雷山川江河湖石金银铜铁木林森花草叶果米豆"
)
PLACES_ZH = (
    "东西南北上下中长大新古安平宁永福清白青黄红石金银龙凤虎马牛羊山水江河湖海州城川阳阴岭门口桥溪泉港湾岛坪沙林木梅兰"
)
COLOURS_ZH = ["红色", "蓝色", "绿色", "黄色", "橙色", "紫色", "粉色", "黑色", "白色", "灰色", "金色", "银色", "棕色"]
THINGS_ZH = (
    "米饭 面条 饺子 包子 火锅 苹果 香蕉 西瓜 咖啡 茶 牛奶 果汁 足球 篮球 乒乓球 游泳 跑步 画画 唱歌 音乐 电影 历史 "
    "数学 "
    "小说 猫 狗 马 熊猫 兔子"
).split()


def is_kept_for_evaluation(word: str) -> bool:
    """True for the eighth of all words that training never meets."""
    return zlib.crc32(word.lower().encode()) % 8 == 0


class Inventor:
    """Draws values: words that training may meet or, with `unseen`, words that it never meets."""

    def __init__(self, rng: Random, *, unseen: bool = False) -> None:
        self.rng = rng
        self.unseen = unseen

    def word(self) -> str:
        """A lower-case word of one to three random syllables, as "zora" or "blenk"."""
        while True:
            rng = self.rng
            count = rng.choices((1, 2, 3), (2, 6, 2))[0]
            syllables = [rng.choice(ONSETS) + rng.choice(VOWELS) + (rng.choice(CODAS)) for _ in range(count)]
            word = "".join(syllables)
            if rng.random() < 0.15 and len(word) > 3:
                word = word[1:] if word[1] in "aeiou" else rng.choice("aeiou") + word
            if rng.random() < 0.1:
                word = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 7)))
            if rng.random() < 0.03:
                word += rng.choice(ACCENTED)
            if 3 <= len(word) <= 10 and is_kept_for_evaluation(word) == self.unseen:
                return word

    def name(self) -> str:
        """A capitalised name, now and then a familiar one (never with `unseen`) or one of two words."""
        if not self.unseen and self.rng.random() < 0.12:
            return self.rng.choice(FAMILIAR)
        first = self.word().capitalize()
        return f"{first} {self.word().capitalize()}" if self.rng.random() < 0.06 else first

    def thing(self) -> str:
        """Something one can like, eat, play or sell, in lower case."""
        if not self.unseen and self.rng.random() < 0.25:
            return self.rng.choice(COMMON_THINGS)
        return self.word()

    def colour(self) -> str:
        """A colour, mostly an invented one."""
        return self.rng.choice(COLOURS) if not self.unseen and self.rng.random() < 0.35 else self.word()

    def number(self) -> str:
        """One to five digits."""
        return str(self.rng.randrange(10 ** self.rng.randint(1, 5)))

    def code(self) -> str:
        """A code: digits, or a word and digits."""
        return self.number() if self.rng.random() < 0.5 else f"{self.word()}{self.rng.randrange(100)}"

    def date(self) -> str:
        """A day of the year, as "May 4"."""
        return f"{self.rng.choice(MONTHS)} {self.rng.randint(1, 30)}"

    def time(self) -> str:
        """An hour, as "nine" or "9:30"."""
        if self.rng.random() < 0.5:
            return self.rng.choice(HOURS)
        return f"{self.rng.randint(1, 12)}:{self.rng.choice(('00', '15', '30', '45'))}"

    def day(self) -> str:
        """A day of the week."""
        return self.rng.choice(DAYS)

    def year(self) -> str:
        """A year."""
        return str(self.rng.randint(1700, 2030))

    def _chinese(self, first: str, rest: str, shortest: int, longest: int) -> str:
        while True:
            count = self.rng.randint(shortest, longest)
            word = self.rng.choice(first) + "".join(self.rng.choice(rest) for _ in range(count - 1))
            if self.rng.random() < 0.06:
                word = word[:-1] + chr(self.rng.randint(0x4E00, 0x9FA5))
            if is_kept_for_evaluation(word) == self.unseen:
                return word

    def name_zh(self) -> str:
        """A Chinese name of two or three characters, now and then in Latin letters."""
        roll = self.rng.random()
        if roll < 0.1:
            return self.name()
        if roll < 0.4:
            return self._chinese("小大阿老" + GIVEN_ZH, GIVEN_ZH, 2, 2)
        return self._chinese(SURNAMES_ZH, GIVEN_ZH, 2, 3)

    def place_zh(self) -> str:
        """A place of two or three characters."""
        return self._chinese(PLACES_ZH, PLACES_ZH, 2, 3)

    def colour_zh(self) -> str:
        """A colour, mostly an invented one."""
        if not self.unseen and self.rng.random() < 0.4:
            return self.rng.choice(COLOURS_ZH)
        return self._chinese(GIVEN_ZH, GIVEN_ZH, 1, 2) + "色"

    def thing_zh(self) -> str:
        """Something one can like."""
        if not self.unseen and self.rng.random() < 0.4:
            return self.rng.choice(THINGS_ZH)
        return self._chinese(GIVEN_ZH + PLACES_ZH, GIVEN_ZH + PLACES_ZH, 2, 3)
