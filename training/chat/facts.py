"""Facts that people tell about themselves, how they are acknowledged, and how they are asked for later.

A fact draws its own value; every text is ready to be said. Answers restate the question's words before the value, so
that recalling is copying what followed the same words earlier.
"""

from collections.abc import Callable
from dataclasses import dataclass

from core.thinking.phrases_en import NOTED, Replies
from training.chat.invented import Inventor


@dataclass(frozen=True, slots=True)
class Fact:
    """What is told about a `topic`, the accepted acknowledgements, the ways to ask for it, the accepted answers."""

    topic: str
    told: str
    noted: Replies
    asked: tuple[str, ...]
    answers: Replies


Draw = Callable[[Inventor], str]

FAVOURITES: dict[str, Draw] = {
    "colour": Inventor.colour, "color": Inventor.colour, "food": Inventor.thing, "drink": Inventor.thing,
    "animal": Inventor.thing, "book": Inventor.name, "film": Inventor.name, "movie": Inventor.name,
    "song": Inventor.name, "game": Inventor.thing, "sport": Inventor.thing, "city": Inventor.name,
    "team": Inventor.name, "word": Inventor.word, "season": Inventor.word, "number": Inventor.number,
    "day": Inventor.day, "month": Inventor.word, "flower": Inventor.word, "fruit": Inventor.thing,
    "place": Inventor.name,
    "band": Inventor.name, "hobby": Inventor.thing, "country": Inventor.name, "subject": Inventor.thing,
    "dish": Inventor.thing, "singer": Inventor.name, "writer": Inventor.name, "tree": Inventor.word,
}  # fmt: skip
PETS = "dog cat horse rabbit parrot hamster fish bird turtle pony snake mouse".split()
PEOPLE = (
    "sister brother mother father wife husband son daughter friend boss teacher neighbour uncle aunt doctor partner "
    "cousin grandmother grandfather baby colleague mum dad girlfriend boyfriend"
).split()
SECRETS = "locker bike door gate safe office phone garage card alarm ticket order booking room".split()
BELONGINGS = (
    "street school class hobby email username nickname surname goal plan size hotel flight seat floor dream "
    "language level mood address company title degree project deadline budget wish salary major hotel bus train"
).split()
PLACED = "keys glasses phone wallet passport bag car bike umbrella camera book charger".split()


def _name(inventor: Inventor) -> Fact:
    value = inventor.name()
    told = (
        "My name is {v}", "My name is {v}", "I'm {v}", "I am {v}", "Call me {v}", "My name's {v}",
        "Please call me {v}",
        "Hi, I'm {v}", "Hello, my name is {v}", "Hi, my name is {v}", "You can call me {v}", "People call me {v}",
        "Hey, I am {v}", "I am called {v}", "The name is {v}",
    )  # fmt: skip
    asked = (
        "What is my name?", "What is my name?", "What's my name?", "Who am I?", "Do you know my name?",
        "Do you remember my name?", "Can you tell me my name?", "Tell me my name", "What did I say my name was?",
        "What am I called?", "Say my name", "Do you know who I am?", "And what is my name?",
    )  # fmt: skip
    noted = (f"Nice to meet you, {value}.", f"Hello {value}, it is lovely to meet you!")
    answers = (f"Your name is {value}.", f"Of course I remember: your name is {value}.")
    return Fact("name", inventor.rng.choice(told).format(v=value), noted, asked, answers)


def _simple(
    inventor: Inventor, topic: str, told: tuple[str, ...], asked: tuple[str, ...], answer: str, value: str
) -> Fact:
    own = f"You told me: {answer[0].lower()}{answer[1:]}"
    replies = tuple(text.format(v=value) for text in (answer, own))
    return Fact(topic, inventor.rng.choice(told).format(v=value), NOTED, asked, (replies[0], replies[1]))


def _home(inventor: Inventor) -> Fact:
    told = (
        "I live in {v}",
        "I live in {v}",
        "My home is in {v}",
        "I am living in {v}",
        "I moved to {v}",
        "We live in {v}",
    )
    asked = (
        "Where do I live?", "Where do I live?", "Do you know where I live?", "What city do I live in?",
        "Which city do I live in?", "Where is my home?", "Do you remember where I live?", "In which town do I live?",
    )  # fmt: skip
    return _simple(inventor, "home", told, asked, "You live in {v}.", inventor.name())


def _origin(inventor: Inventor) -> Fact:
    told = ("I am from {v}", "I come from {v}", "I'm from {v}", "I grew up in {v}")
    asked = ("Where am I from?", "Where do I come from?", "Do you know where I am from?", "Where did I grow up?")
    return _simple(inventor, "origin", told, asked, "You come from {v}.", inventor.name())


def _favourite(inventor: Inventor) -> Fact:
    topic = inventor.rng.choice(list(FAVOURITES)) if inventor.rng.random() < 0.7 else "colour"
    spelled = inventor.rng.choice(("favourite", "favorite"))
    told = (f"My {spelled} {topic} is {{v}}", f"My {spelled} {topic} is {{v}}", f"{{v}} is my {spelled} {topic}")
    if topic in ("colour", "color", "food", "drink", "animal", "sport", "game"):
        told = (*told, f"The {topic} I like most is {{v}}")
    asked = (
        f"What is my {spelled} {topic}?", f"What's my {spelled} {topic}?", f"Do you know my {spelled} {topic}?",
        f"Which {topic} do I like most?", f"What {topic} do I like best?", f"Do you remember my {spelled} {topic}?",
        f"Tell me my {spelled} {topic}",
    )  # fmt: skip
    value = FAVOURITES[topic](inventor)
    return _simple(inventor, f"favourite {topic}", told, asked, f"Your favourite {topic} is {{v}}.", value)


def _pet(inventor: Inventor) -> Fact:
    pet = inventor.rng.choice(PETS)
    told = (
        f"My {pet} is called {{v}}",
        f"I have a {pet} called {{v}}",
        f"My {pet}'s name is {{v}}",
        f"I have a {pet} named {{v}}",
    )
    asked = (
        f"What is my {pet} called?", f"What is my {pet}'s name?", f"What is the name of my {pet}?",
        f"Do you know my {pet}'s name?", f"How is my {pet} called?", f"Who is my {pet}?",
    )  # fmt: skip
    return _simple(inventor, pet, told, asked, f"Your {pet} is called {{v}}.", inventor.name())


def _person(inventor: Inventor) -> Fact:
    person = inventor.rng.choice(PEOPLE)
    told = (
        f"My {person} is called {{v}}",
        f"My {person}'s name is {{v}}",
        f"I have a {person} called {{v}}",
        f"The name of my {person} is {{v}}",
    )
    asked = (
        f"What is my {person} called?", f"What is my {person}'s name?", f"What is the name of my {person}?",
        f"Do you know my {person}'s name?", f"Who is my {person}?",
    )  # fmt: skip
    return _simple(inventor, person, told, asked, f"Your {person} is called {{v}}.", inventor.name())


def _code(inventor: Inventor) -> Fact:
    thing, kind = inventor.rng.choice(SECRETS), inventor.rng.choice(("code", "number"))
    told = (f"My {thing} {kind} is {{v}}", f"Remember that my {thing} {kind} is {{v}}", f"The {thing} {kind} is {{v}}")
    asked = (
        f"What is my {thing} {kind}?",
        f"What's my {thing} {kind}?",
        f"Tell me my {thing} {kind}",
        f"What is the {thing} {kind}?",
    )
    return _simple(inventor, f"{thing} {kind}", told, asked, f"Your {thing} {kind} is {{v}}.", inventor.code())


def _birthday(inventor: Inventor) -> Fact:
    told = ("My birthday is on {v}", "My birthday is {v}", "I was born on {v}")
    asked = ("When is my birthday?", "What is my birthday?", "Do you know my birthday?", "When was I born?")
    return _simple(inventor, "birthday", told, asked, "Your birthday is on {v}.", inventor.date())


def _work(inventor: Inventor) -> Fact:
    told = ("I work at {v}", "I work for {v}", "My job is at {v}")
    asked = ("Where do I work?", "Who do I work for?", "Do you know where I work?", "Where is my job?")
    return _simple(inventor, "work", told, asked, "You work at {v}.", inventor.name())


def _liking(inventor: Inventor) -> Fact:
    told = ("I like {v}", "I love {v}", "I really like {v}", "I enjoy {v}")
    asked = ("What do I like?", "What do I love?", "Do you know what I like?", "What do I enjoy?")
    return _simple(inventor, "liking", told, asked, "You like {v}.", inventor.thing())


def _place_of(inventor: Inventor) -> Fact:
    thing = inventor.rng.choice(PLACED)
    place = inventor.rng.choice(("in the {}", "on the {}", "under the {}", "behind the {}")).format(inventor.word())
    be = "are" if thing in ("keys", "glasses") else "is"
    told = (f"My {thing} {be} {{v}}", f"Remember that my {thing} {be} {{v}}", f"I put my {thing} {{v}}")
    asked = (
        f"Where {be} my {thing}?",
        f"Where {be} the {thing}?",
        f"Do you know where my {thing} {be}?",
        f"Where did I put my {thing}?",
    )
    return _simple(inventor, thing, told, asked, f"Your {thing} {be} {{v}}.", place)


def _age(inventor: Inventor) -> Fact:
    told = ("I am {v} years old", "I'm {v} years old", "My age is {v}", "I turned {v}")
    asked = ("How old am I?", "What is my age?", "Do you know how old I am?", "Do you know my age?")
    return _simple(inventor, "age", told, asked, "You are {v} years old.", str(inventor.rng.randint(5, 99)))


def _belonging(inventor: Inventor) -> Fact:
    thing = inventor.rng.choice(BELONGINGS) if inventor.rng.random() < 0.6 else inventor.word()
    told = (
        f"My {thing} is {{v}}",
        f"My {thing} is {{v}}",
        f"Remember that my {thing} is {{v}}",
        f"Note that my {thing} is {{v}}",
    )
    asked = (f"What is my {thing}?", f"What's my {thing}?", f"Do you know my {thing}?", f"Do you remember my {thing}?")
    value = inventor.rng.choice((Inventor.name, Inventor.thing, Inventor.code))(inventor)
    return _simple(inventor, thing, told, asked, f"Your {thing} is {{v}}.", value)


KINDS: tuple[tuple[Callable[[Inventor], Fact], int], ...] = (
    (_name, 6), (_home, 3), (_origin, 1), (_favourite, 6), (_pet, 4), (_person, 3), (_code, 2), (_birthday, 1),
    (_work, 1),
    (_liking, 1), (_place_of, 2), (_age, 1), (_belonging, 2),
)  # fmt: skip


def draw_fact(inventor: Inventor) -> Fact:
    """A new fact of any kind, in English."""
    kinds, weights = zip(*KINDS, strict=True)
    return inventor.rng.choices(kinds, weights)[0](inventor)


def draw_facts(inventor: Inventor, count: int, draw: Callable[[Inventor], Fact] = draw_fact) -> list[Fact]:
    """`count` facts about different topics."""
    facts: dict[str, Fact] = {}
    while len(facts) < count:
        fact = draw(inventor)
        facts.setdefault(fact.topic, fact)
    return list(facts.values())
