"""Facts that people tell about themselves in Chinese; see facts.py."""

from collections.abc import Callable

from core.thinking.phrases_zh import NOTED
from training.chat.facts import Draw, Fact
from training.chat.invented import Inventor

FAVOURITES: dict[str, Draw] = {
    "颜色": Inventor.colour_zh, "食物": Inventor.thing_zh, "动物": Inventor.thing_zh, "水果": Inventor.thing_zh,
    "城市": Inventor.place_zh, "书": Inventor.thing_zh, "电影": Inventor.thing_zh, "歌": Inventor.thing_zh,
    "运动": Inventor.thing_zh, "数字": Inventor.number, "花": Inventor.thing_zh, "地方": Inventor.place_zh,
    "菜": Inventor.thing_zh, "歌手": Inventor.name_zh, "饮料": Inventor.thing_zh, "作家": Inventor.name_zh,
}  # fmt: skip
PETS = {
    "狗": "一只狗",
    "猫": "一只猫",
    "兔子": "一只兔子",
    "马": "一匹马",
    "鸟": "一只鸟",
    "鱼": "一条鱼",
    "乌龟": "一只乌龟",
    "仓鼠": "一只仓鼠",
}
PEOPLE = "姐姐 妹妹 哥哥 弟弟 妈妈 爸爸 老师 朋友 同事 老板 女儿 儿子 妻子 丈夫 奶奶 爷爷 同学 邻居 医生".split()
SECRETS = "门 柜子 手机 车库 房间 保险箱 自行车 银行卡".split()


def _fact(
    inventor: Inventor, topic: str, told: tuple[str, ...], asked: tuple[str, ...], answer: str, value: str
) -> Fact:
    replies = (answer.format(v=value), f"我记得，{answer.format(v=value)}")
    return Fact(topic, inventor.rng.choice(told).format(v=value), NOTED, asked, replies)


def _name(inventor: Inventor) -> Fact:
    value = inventor.name_zh()
    told = (
        "我叫{v}",
        "我叫{v}",
        "我的名字是{v}",
        "你可以叫我{v}",
        "你好，我叫{v}",
        "我是{v}",
        "叫我{v}吧",
        "大家叫我{v}",
        "我的名字叫{v}",
    )
    asked = (
        "我叫什么名字？", "我叫什么？", "我是谁？", "你记得我的名字吗？", "你知道我叫什么吗？", "我的名字是什么？",
        "你还记得我叫什么吗？", "说说我的名字", "你知道我是谁吗？",
    )  # fmt: skip
    noted = (f"很高兴认识你，{value}。", f"你好，{value}！认识你真高兴。")
    return Fact(
        "name",
        inventor.rng.choice(told).format(v=value),
        noted,
        asked,
        (f"你叫{value}。", f"我当然记得，你叫{value}。"),
    )


def _home(inventor: Inventor) -> Fact:
    told = ("我住在{v}", "我住在{v}", "我家在{v}", "我现在住在{v}", "我搬到了{v}")
    asked = (
        "我住在哪里？",
        "我住在哪儿？",
        "我家在哪里？",
        "你知道我住在哪里吗？",
        "我住哪个城市？",
        "你记得我住在哪里吗？",
    )
    return _fact(inventor, "home", told, asked, "你住在{v}。", inventor.place_zh())


def _origin(inventor: Inventor) -> Fact:
    told = ("我来自{v}", "我是{v}人", "我的老家是{v}")
    asked = ("我来自哪里？", "我是哪里人？", "我的老家是哪里？", "你知道我来自哪里吗？")
    return _fact(inventor, "origin", told, asked, "你来自{v}。", inventor.place_zh())


def _favourite(inventor: Inventor) -> Fact:
    topic = inventor.rng.choice(list(FAVOURITES)) if inventor.rng.random() < 0.7 else "颜色"
    told = (
        f"我最喜欢的{topic}是{{v}}",
        f"我最喜欢的{topic}是{{v}}",
        f"我最爱的{topic}是{{v}}",
        f"{{v}}是我最喜欢的{topic}",
    )
    asked = (
        f"我最喜欢的{topic}是什么？",
        f"我最喜欢什么{topic}？",
        f"你记得我最喜欢的{topic}吗？",
        f"我最爱的{topic}是什么？",
        f"你知道我最喜欢什么{topic}吗？",
    )
    return _fact(
        inventor, f"favourite {topic}", told, asked, f"你最喜欢的{topic}是{{v}}。", FAVOURITES[topic](inventor)
    )


def _pet(inventor: Inventor) -> Fact:
    pet = inventor.rng.choice(list(PETS))
    told = (f"我的{pet}叫{{v}}", f"我有{PETS[pet]}叫{{v}}", f"我家的{pet}叫{{v}}", f"我有{PETS[pet]}，名字叫{{v}}")
    asked = (f"我的{pet}叫什么？", f"我的{pet}叫什么名字？", f"你记得我的{pet}叫什么吗？", f"我家的{pet}叫什么？")
    return _fact(inventor, pet, told, asked, f"你的{pet}叫{{v}}。", inventor.name_zh())


def _person(inventor: Inventor) -> Fact:
    person = inventor.rng.choice(PEOPLE)
    told = (f"我{person}叫{{v}}", f"我的{person}叫{{v}}", f"我{person}的名字是{{v}}")
    asked = (
        f"我{person}叫什么？",
        f"我的{person}叫什么名字？",
        f"你知道我{person}叫什么吗？",
        f"我{person}的名字是什么？",
    )
    return _fact(inventor, person, told, asked, f"你{person}叫{{v}}。", inventor.name_zh())


def _code(inventor: Inventor) -> Fact:
    thing = inventor.rng.choice(SECRETS)
    told = (f"我的{thing}密码是{{v}}", f"{thing}密码是{{v}}", f"请记住我的{thing}密码是{{v}}")
    asked = (f"我的{thing}密码是什么？", f"{thing}密码是多少？", f"你记得我的{thing}密码吗？")
    return _fact(inventor, f"{thing}密码", told, asked, f"你的{thing}密码是{{v}}。", inventor.number())


def _liking(inventor: Inventor) -> Fact:
    told = ("我喜欢{v}", "我很喜欢{v}", "我爱{v}")
    asked = ("我喜欢什么？", "你知道我喜欢什么吗？", "我爱什么？")
    return _fact(inventor, "liking", told, asked, "你喜欢{v}。", inventor.thing_zh())


def _age(inventor: Inventor) -> Fact:
    told = ("我今年{v}岁", "我{v}岁了", "我{v}岁")
    asked = ("我几岁了？", "我多大了？", "我今年多大？", "你知道我几岁吗？")
    return _fact(inventor, "age", told, asked, "你今年{v}岁。", str(inventor.rng.randint(5, 99)))


KINDS: tuple[tuple[Callable[[Inventor], Fact], int], ...] = (
    (_name, 6), (_home, 3), (_origin, 1), (_favourite, 5), (_pet, 3), (_person, 3), (_code, 1), (_liking, 1), (_age, 1),
)  # fmt: skip


def draw_fact_zh(inventor: Inventor) -> Fact:
    """A new fact of any kind, in Chinese."""
    kinds, weights = zip(*KINDS, strict=True)
    return inventor.rng.choices(kinds, weights)[0](inventor)
