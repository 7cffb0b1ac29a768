"""What the small model cannot answer: questions about the world, tasks, nonsense."""

from collections.abc import Sequence

from training.chat.invented import COMMON_THINGS, FAMILIAR, Inventor

_TOPICS = (
    "France the moon Python love time water gravity the internet physics money history Napoleon Shakespeare the sun "
    "DNA "
    "quantum mechanics politics football the weather Bitcoin electricity philosophy Japan Einstein an atom a black "
    "hole "
    "music democracy evolution the ocean cancer chess the economy climate change a neural network Rome the universe "
    "happiness"
).split()
_ASKS = (
    "What is the capital of {t}?", "What is {t}?", "Who is {t}?", "Who was {t}?", "What is {t} {t}?",
    "Why is {t} {w}?",
    "How does {t} work?", "Explain {t}", "Explain {t} to me", "What is the meaning of {w}?", "Where is {t}?",
    "How many {w} are there in {t}?", "When did {t} {w}?", "What is the difference between {w} and {w}?",
    "Who invented {w}?",
    "Write a poem about {w}", "Write a story about {t}", "Write me a {w} {w}", "Write some code that {w} {w}",
    "Translate {w} into {t}",
    "Write a Python function to {w} {w}", "What is {n} plus {n}?", "What is {n} times {n}?", "{n} + {n}",
    "{n} * {n} = ?", "Calculate {n} minus {n}",
    "Summarise {t}", "Give me a recipe for {w}", "Tell me a joke", "Tell me a story about {w}", "Sing a song",
    "What time is it?",
    "What is the weather in {t}?", "What day is it today?", "Who won the {w}?", "How do I {w} a {w}?",
    "How can I {w} my {w}?",
    "Should I {w} or {w}?", "What do you think about {t}?", "Is {t} {w}?", "Can you {w} the {w}?",
    "Do you like {w}?", "Have you seen {t}?",
    "Where can I buy {w}?", "Please {w} the {w}", "Open {t}", "Play {w}", "Remind me to {w}",
    "Set a timer for {n} minutes", "Send {w} to {t}",
    "Why?", "How?", "What?", "When?", "What is the best {w}?", "List {n} {w}", "Name {n} {w}", "Spell {w}",
    "How tall is {t}?", "Who are the {w}?",
    "What should I {w} today?", "Let us talk about {t}", "The {w} is {w}", "I think {t} is {w}",
    "They {w} the {w} {w}", "There is a {w} in {t}",
    "I need a {w}", "I want to {w}", "I bought a {w} yesterday", "We went to {t} and {w}", "It is {w} today",
    "Message {n} for you", "This is number {n}",
    "What is the square root of {n}?", "How far is {t} from {t}?", "Is it {w}?", "Are there {w} in {t}?",
    "Which is the {w} {w} in {t}?", "Does {t} {w}?",
    "What is your favourite {w}?", "What do you like?", "What did {t} do?", "Where does {t} live?",
    "When does the {w} open?", "How old is {t}?",
    "What is the {w} of the {w}?", "Where is the {w}?", "Who is {t} {t}?", "What is the password of the {w}?",
    "How much is the {w}?",
)  # fmt: skip
_WORDS = (
    "go run build think read buy grow open fast slow big small old new house car tree river phone computer game "
    "music film "
    "friend school work week year day night morning world people money food water light door window road city "
    "country "
    "why because after before under over every never always often really maybe the a of in with and or but so then"
).split()

_TOPICS_ZH = (
    "法国 月亮 爱情 时间 水 重力 互联网 物理 历史 太阳 政治 足球 天气 电 哲学 日本 原子 黑洞 音乐 经济 宇宙 幸福 "
    "股票 唐朝 李白 人生 编程 数学"
).split()
_ASKS_ZH = (
    "{t}是什么？", "{t}的首都是哪里？", "什么是{t}？", "为什么{t}？", "{t}怎么用？", "给我讲讲{t}", "解释一下{t}",
    "写一首关于{t}的诗", "写一个故事",
    "讲个笑话", "讲个关于{t}的故事", "{n}加{n}等于多少？", "{n}乘{n}是多少？", "现在几点了？", "今天天气怎么样？",
    "今天星期几？", "{t}和{t}有什么区别？", "把{t}翻译成英文",
    "写一段代码", "怎么学{t}？", "推荐一本书", "你觉得{t}怎么样？", "{t}在哪里？", "谁发明了{t}？", "帮我写一封信",
    "唱首歌", "做{t}要多久？", "{t}有多少人？", "我想去{t}",
    "我昨天去了{t}", "{t}很好看", "今天很热", "我觉得{t}不错", "提醒我{t}", "打开{t}", "播放{t}", "第{n}条消息",
    "为什么？", "怎么办？", "我该怎么办？", "{t}多少钱？", "谁是{t}？", "你喜欢{t}吗？",
    "{t}住在哪里？", "{t}几点开门？", "{t}的密码是什么？",
)  # fmt: skip


def _nonsense(inventor: Inventor) -> str:
    rng = inventor.rng
    roll = rng.random()
    if roll < 0.4:
        letters = rng.choice(("asdfghjklqwertyuiop", "abcdefghijklmnopqrstuvwxyz", "aaaahhhoooxyz1234567890"))
        return " ".join(
            "".join(rng.choice(letters) for _ in range(rng.randint(1, 8))) for _ in range(rng.randint(1, 5))
        )
    if roll < 0.6:
        return " ".join(inventor.word() for _ in range(rng.randint(1, 6)))
    if roll < 0.9:
        return " ".join(rng.choice(_WORDS) for _ in range(rng.randint(1, 14)))
    return rng.choice(
        ("?", "???", "!!!", "...", "1", "42", "😀", "👍", "🎉🎉", "❤", "- -", "{}", "<b>", "x = 1", "print(1)", "12345")
    )


def _filled(pattern: str, inventor: Inventor, topics: Sequence[str], words: Sequence[str]) -> str:
    rng = inventor.rng
    parts = pattern.replace("{t}", "\0t").replace("{w}", "\0w").replace("{n}", "\0n").split("\0")
    draw = {
        "t": lambda: (
            rng.choice(topics)
            if rng.random() < 0.6
            else inventor.name()
            if topics is not _TOPICS_ZH
            else inventor.place_zh()
        ),
        "w": lambda: rng.choice(words) if rng.random() < 0.7 else inventor.word(),
        "n": lambda: str(rng.randrange(10 ** rng.randint(1, 3))),
    }
    return parts[0] + "".join(draw[part[0]]() + part[1:] for part in parts[1:])


def draw_unknown(inventor: Inventor) -> str:
    """Something in English, or in no language, that the small model cannot answer."""
    if inventor.rng.random() < 0.3:
        return _nonsense(inventor)
    text = _filled(inventor.rng.choice(_ASKS), inventor, [*_TOPICS, *FAMILIAR], [*_WORDS, *COMMON_THINGS])
    if inventor.rng.random() < 0.12:
        text = f"{text} {_nonsense(inventor)}"
    return text


def draw_unknown_zh(inventor: Inventor) -> str:
    """Something in Chinese that the small model cannot answer."""
    if inventor.rng.random() < 0.2:
        return "".join(inventor.thing_zh() for _ in range(inventor.rng.randint(1, 5)))
    return _filled(inventor.rng.choice(_ASKS_ZH), inventor, _TOPICS_ZH, _TOPICS_ZH)
