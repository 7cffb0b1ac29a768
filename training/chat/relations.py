"""What knowledge sentences say: a sentence, the ways to ask for it, and how its value is drawn; English and Chinese.

`{s}` is the subject, a person or a thing; the sentences of FAQ_SAY and FAQ_ZH have none.
"""

from training.chat.facts import Draw
from training.chat.invented import Inventor

Say = tuple[str, tuple[str, ...], Draw]

PEOPLE_SAY: tuple[Say, ...] = (
    ("{s} lives in {v}.", ("Where does {s} live?", "What city does {s} live in?", "Which town does {s} live in?",
    "Where is the home of {s}?"), Inventor.name),
    ("{s} works as a {v}.", ("What does {s} do?", "What is {s}'s job?", "What does {s} work as?",
    "What job does {s} have?"), Inventor.word),
    ("{s} works at {v}.", ("Where does {s} work?", "Who does {s} work for?", "Which company does {s} work at?"),
    Inventor.name),
    ("{s} was born in {v}.", ("When was {s} born?", "What year was {s} born?", "In which year was {s} born?"),
    Inventor.year),
    ("{s} comes from {v}.", ("Where is {s} from?", "Where does {s} come from?"), Inventor.name),
    ("{s} likes {v}.", ("What does {s} like?", "What does {s} enjoy?"), Inventor.thing),
    ("{s} is married to {v}.", ("Who is {s} married to?", "Who is {s}'s husband?", "Who is {s}'s wife?"),
    Inventor.name),
    ("{s} sits in room {v}.", ("Where does {s} sit?", "Which room is {s} in?", "Which room does {s} sit in?"),
    Inventor.number),
    ("{s} plays the {v}.", ("What does {s} play?", "Which instrument does {s} play?"), Inventor.word),
    ("{s} speaks {v}.", ("What language does {s} speak?", "What does {s} speak?"), Inventor.name),
    ("{s} is {v} years old.", ("How old is {s}?", "What is {s}'s age?"), Inventor.number),
    ("{s} drives a {v}.", ("What does {s} drive?", "What car does {s} drive?"), Inventor.name),
    ("{s} is on holiday until {v}.", ("When is {s} back?", "How long is {s} on holiday?",
    "When does {s} come back?"), Inventor.date),
    ("{s} is responsible for {v}.", ("What is {s} responsible for?", "What is {s} in charge of?"), Inventor.thing),
)  # fmt: skip
THINGS_SAY: tuple[Say, ...] = (
    ("The {s} opens at {v}.", ("When does the {s} open?", "What time does the {s} open?",
    "At what time does the {s} open?"), Inventor.time),
    ("The {s} closes at {v}.", ("When does the {s} close?", "What time does the {s} close?"), Inventor.time),
    ("The {s} costs {v} euros.", ("How much is the {s}?", "What does the {s} cost?", "How much does the {s} cost?",
    "What is the price of the {s}?"), Inventor.number),
    ("The {s} is in {v}.", ("Where is the {s}?", "Where can I find the {s}?", "In which place is the {s}?"),
    Inventor.name),
    ("The {s} is closed on {v}.", ("When is the {s} closed?", "On which day is the {s} closed?",
    "What day is the {s} closed?"), Inventor.day),
    ("The {s} was built in {v}.", ("When was the {s} built?", "What year was the {s} built?", "How old is the {s}?"),
    Inventor.year),
    ("The {s} belongs to {v}.", ("Who owns the {s}?", "Whose is the {s}?", "Who does the {s} belong to?"),
    Inventor.name),
    ("The {s} is painted {v}.", ("What colour is the {s}?", "What color is the {s}?", "How is the {s} painted?"),
    Inventor.colour),
    ("The {s} starts on {v}.", ("When does the {s} start?", "What day does the {s} start?", "When is the {s}?"),
    Inventor.date),
    ("The {s} weighs {v} kilos.", ("How much does the {s} weigh?", "How heavy is the {s}?"), Inventor.number),
    ("The {s} is made of {v}.", ("What is the {s} made of?",), Inventor.word),
    ("The {s} has {v} rooms.", ("How many rooms does the {s} have?", "How many rooms are in the {s}?"),
    Inventor.number),
    ("The {s} takes {v} days.", ("How long does the {s} take?", "How many days does the {s} take?"), Inventor.number),
    ("The {s} needs {v}.", ("What does the {s} need?",), Inventor.word),
    ("The {s} is next to the {v}.", ("What is next to the {s}?", "What is the {s} next to?"), Inventor.word),
)  # fmt: skip
OWNED_SAY: tuple[Say, ...] = (
    ("The password of the {s} is {v}.", ("What is the password of the {s}?", "What's the {s} password?",
    "What is the {s} password?"), Inventor.code),
    ("The code for the {s} is {v}.", ("What is the code for the {s}?", "What's the {s} code?",
    "What code opens the {s}?"), Inventor.code),
    ("The owner of the {s} is {v}.", ("Who is the owner of the {s}?",), Inventor.name),
    ("The name of the {s} is {v}.", ("What is the name of the {s}?", "What is the {s} called?"), Inventor.name),
    ("The price of a {s} is {v}.", ("What is the price of a {s}?", "How much is a {s}?"), Inventor.number),
    ("To reset the {s}, press {v}.", ("How do I reset the {s}?", "How can I reset the {s}?"), Inventor.word),
    ("To open the {s}, use the {v}.", ("How do I open the {s}?", "How can I open the {s}?"), Inventor.word),
    ("Every {s} comes with {v}.", ("What does a {s} come with?", "What comes with every {s}?"), Inventor.word),
)  # fmt: skip
VERBS = (
    "sells buys paints builds collects grows repairs cooks eats drinks reads writes teaches studies sings fears "
    "finds keeps "
    "makes uses wants hides cleans brings wears visits hates knows plans loves needs owns"
).split()
NOUNS = (
    "library pool office shop museum printer school bakery hotel station garden kitchen lift park market theatre "
    "cafe gym "
    "clinic bank church tower bridge room garage meeting course tour ticket car boat lamp table chair phone camera "
    "door gate "
    "router machine server box bag coat oven fridge heater"
).split()
NOUN_FORMS = ("{}", "{}", "{} room", "{} house", "{} shop", "{} machine", "{} course", "{} festival")
TAILS = (", as everybody knows", ", says {}", " this year", " for now", ", and {} agrees", " again", ", we think")

PEOPLE_ZH: tuple[Say, ...] = (
    ("{s}住在{v}。", ("{s}住在哪里？", "{s}家在哪里？", "{s}住哪儿？"), Inventor.place_zh),
    ("{s}在{v}工作。", ("{s}在哪里工作？", "{s}在哪儿上班？"), Inventor.place_zh),
    ("{s}喜欢{v}。", ("{s}喜欢什么？", "{s}爱什么？"), Inventor.thing_zh),
    ("{s}的老师是{v}。", ("{s}的老师是谁？", "谁是{s}的老师？"), Inventor.name_zh),
    ("{s}来自{v}。", ("{s}来自哪里？", "{s}是哪里人？"), Inventor.place_zh),
    ("{s}今年{v}岁。", ("{s}几岁了？", "{s}多大了？", "{s}今年多大？"), Inventor.number),
    ("{s}的电话是{v}。", ("{s}的电话是多少？", "{s}的电话号码是什么？"), Inventor.number),
    ("{s}的狗叫{v}。", ("{s}的狗叫什么？", "{s}的狗叫什么名字？"), Inventor.name_zh),
    ("{s}负责{v}。", ("{s}负责什么？", "{s}管什么？"), Inventor.thing_zh),
    ("{s}会说{v}话。", ("{s}会说什么话？", "{s}说什么语言？"), Inventor.place_zh),
)  # fmt: skip
THINGS_ZH: tuple[Say, ...] = (
    ("{s}{v}点开门。", ("{s}几点开门？", "{s}什么时候开门？"), Inventor.number),
    ("{s}{v}点关门。", ("{s}几点关门？", "{s}什么时候关门？"), Inventor.number),
    ("{s}在{v}。", ("{s}在哪里？", "{s}在哪儿？", "怎么找到{s}？"), Inventor.place_zh),
    ("{s}的密码是{v}。", ("{s}的密码是什么？", "{s}密码是多少？"), Inventor.number),
    ("{s}要{v}元。", ("{s}多少钱？", "{s}要多少钱？", "{s}的价格是多少？"), Inventor.number),
    ("{s}是{v}的。", ("{s}是什么颜色？", "{s}是什么颜色的？"), Inventor.colour_zh),
    ("{s}属于{v}。", ("{s}是谁的？", "{s}属于谁？"), Inventor.name_zh),
    ("{s}建于{v}年。", ("{s}是哪年建的？", "{s}什么时候建的？"), Inventor.year),
    ("{s}的主人是{v}。", ("{s}的主人是谁？", "谁是{s}的主人？"), Inventor.name_zh),
)  # fmt: skip
NOUNS_ZH = (
    "图书馆 游泳池 办公室 商店 博物馆 打印机 学校 面包店 酒店 车站 花园 厨房 公园 市场 剧院 咖啡店 银行 "
    "会议室 仓库 车库"
).split()
KINDS_ZH = "馆 店 楼 站 园 桥 塔 机 厅 街 寺 室".split()
FAQ_SAY: tuple[Say, ...] = (
    ("Parking costs {v} euros per day.", ("How much is parking?", "What does parking cost?", "Is parking free?"),
    Inventor.number),
    ("Refunds are possible within {v} days.", ("Can I get a refund?", "How long can I get a refund?",
    "What about refunds?"), Inventor.number),
    ("Returns are accepted within {v} days.", ("How long can I return something?", "Can I return something?",
    "What about returns?"), Inventor.number),
    ("Our office is at {v}.", ("Where is your office?", "Where is the office?", "What is your address?"),
    Inventor.name),
    ("Our office is in {v}.", ("Where is your office?", "Which city is the office in?"), Inventor.name),
    ("Shipping takes {v} days.", ("How long does shipping take?", "How long is shipping?",
    "When will my order arrive?"), Inventor.number),
    ("Shipping costs {v} euros.", ("How much is shipping?", "What does shipping cost?"), Inventor.number),
    ("The wifi password is {v}.", ("What is the wifi password?", "What's the wifi password?",
    "How do I get into the wifi?"), Inventor.code),
    ("The wifi is called {v}.", ("What is the wifi called?", "Which wifi do I use?"), Inventor.name),
    ("Breakfast is served at {v}.", ("When is breakfast?", "What time is breakfast?", "When is breakfast served?"),
    Inventor.time),
    ("Lunch is at {v}.", ("When is lunch?", "What time is lunch?", "When do we have lunch?"), Inventor.time),
    ("Dinner is at {v}.", ("When is dinner?", "What time is dinner?", "When do we eat dinner?"), Inventor.time),
    ("Check-in starts at {v}.", ("When is check-in?", "When can I check in?", "What time does check-in start?"),
    Inventor.time),
    ("Check-out is until {v}.", ("When is check-out?", "When do I have to check out?"), Inventor.time),
    ("The manager is {v}.", ("Who is the manager?", "Who manages this?", "Who is in charge?"), Inventor.name),
    ("{v} founded the company.", ("Who founded the company?", "Who started the company?", "Who is the founder?"),
    Inventor.name),
    ("{v} invented the engine.", ("Who invented the engine?", "Who is the inventor of the engine?"), Inventor.name),
    ("{v} waters the plants.", ("Who waters the plants?", "Who takes care of the plants?"), Inventor.name),
    ("The company was founded in {v}.", ("When was the company founded?", "How old is the company?"), Inventor.year),
    ("You can reach us at {v}.", ("How can I reach you?", "How do I contact you?", "What is your phone number?"),
    Inventor.number),
    ("The warranty lasts {v} years.", ("How long is the warranty?", "How long does the warranty last?",
    "Is there a warranty?"), Inventor.number),
    ("The trash is collected on {v}.", ("When is the trash collected?", "When do they collect the trash?"),
    Inventor.day),
    ("We are closed on {v}.", ("When are you closed?", "Which day are you closed?", "Are you closed some day?"),
    Inventor.day),
    ("We open at {v}.", ("When do you open?", "What time do you open?", "What are your opening hours?"),
    Inventor.time),
    ("The next bus leaves at {v}.", ("When is the next bus?", "When does the next bus leave?",
    "When does the bus leave?"), Inventor.time),
    ("The meeting is on {v}.", ("When is the meeting?", "What day is the meeting?"), Inventor.day),
    ("The exam is on {v}.", ("When is the exam?", "What day is the exam?"), Inventor.date),
    ("The homework is due on {v}.", ("When is the homework due?", "When do I hand in the homework?"), Inventor.day),
    ("The spare key is under the {v}.", ("Where is the spare key?", "Where do we keep the spare key?"),
    Inventor.word),
    ("The doctor's number is {v}.", ("What is the doctor's number?", "How do I call the doctor?"), Inventor.number),
    ("Students pay {v} euros.", ("How much do students pay?", "What do students pay?"), Inventor.number),
    ("Children under {v} are free.", ("Are children free?", "Do children pay?"), Inventor.number),
    ("Dogs are welcome in the {v}.", ("Can I bring my dog?", "Are dogs welcome?", "Are dogs allowed?"),
    Inventor.word),
    ("The hero of the story is {v}.", ("Who is the hero of the story?", "Who is the hero?",
    "What is the hero called?"), Inventor.name),
    ("The story takes place in {v}.", ("Where does the story take place?", "Where is the story set?"), Inventor.name),
)  # fmt: skip
FAQ_ZH: tuple[Say, ...] = (
    ("停车每天{v}元。", ("停车多少钱？", "停车要钱吗？"), Inventor.number),
    ("{v}天内可以退款。", ("可以退款吗？", "多久可以退款？"), Inventor.number),
    ("我们的办公室在{v}。", ("你们的办公室在哪里？", "办公室在哪儿？"), Inventor.place_zh),
    ("送货需要{v}天。", ("送货要多久？", "多久能送到？"), Inventor.number),
    ("无线网密码是{v}。", ("无线网密码是什么？", "无线网密码是多少？"), Inventor.code),
    ("早餐{v}点开始。", ("早餐几点？", "几点吃早餐？"), Inventor.number),
    ("晚饭{v}点开始。", ("晚饭几点？", "几点吃晚饭？"), Inventor.number),
    ("经理是{v}。", ("经理是谁？", "谁是经理？"), Inventor.name_zh),
    ("公司由{v}创立。", ("谁创立了公司？", "公司是谁创立的？"), Inventor.name_zh),
    ("客服电话是{v}。", ("客服电话是多少？", "怎么联系你们？"), Inventor.number),
    ("保修期是{v}年。", ("保修多久？", "保修期多长？"), Inventor.number),
    ("备用钥匙在{v}。", ("备用钥匙在哪里？", "备用钥匙放哪儿了？"), Inventor.place_zh),
    ("会议在星期{v}。", ("会议是哪天？", "什么时候开会？"), lambda inventor: inventor.rng.choice("一二三四五六日")),
    ("主角叫{v}。", ("主角是谁？", "主角叫什么？"), Inventor.name_zh),
    ("故事发生在{v}。", ("故事发生在哪里？", "故事在哪里发生？"), Inventor.place_zh),
)  # fmt: skip
