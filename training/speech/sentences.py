"""The sentences that people say to an assistant, written by a grammar.

`sentence(random)` is a training sentence, `held_out(random)` one that training never sees: the two split what the
grammar can say by a hash of the sentence. Lower case, no punctuation, numbers in words.
"""

import random as randomness
import re
from binascii import crc32

NAMES = """zora alice bob mia leo nina omar sara tom anna max lily ben emma noah ada ivan yuki chen maria jack kate liam
olivia lucas sophia henry grace oscar ruby hugo clara felix stella simon laura peter julia martin helen david eva paul
rosa sam tina victor wendy carlos elena amir fatima priya raj kenji hana pablo ingrid lars zoe milo luna theo iris
jonas freya marco bella""".split()
COLORS = "red blue green yellow purple orange pink black white brown gray silver gold violet turquoise".split()
CITIES = """paris london berlin madrid rome tokyo beijing shanghai sydney boston chicago toronto dublin vienna prague
oslo cairo delhi moscow lisbon athens seattle austin denver geneva hamburg munich milan""".split()
PETS = "dog cat rabbit parrot hamster turtle goldfish horse pony mouse".split()
PET_NAMES = "rex bella max luna charlie lucy buddy daisy milo coco rocky molly toby lola oscar ruby simba nala".split()
FOODS = """pizza pasta rice bread soup salad cake pancakes cookies chicken fish eggs noodles curry tacos sushi apples
bananas tomatoes potatoes cheese chocolate coffee tea milk honey mushrooms carrots onions lemons butter""".split()
THINGS = """book phone table lamp window door garden kitchen car bicycle computer camera guitar piano umbrella jacket
shoes ticket letter package printer keyboard screen battery bottle chair blanket mirror clock wallet""".split()
SUBJECTS = """math history science biology chemistry physics geography music art english grammar spelling algebra
geometry literature programming""".split()
LANGUAGES = "english french german spanish italian chinese japanese russian arabic portuguese".split()
WEATHER = "sunny rainy cloudy windy cold warm hot snowy stormy foggy".split()
DAYS = """today tomorrow tonight monday tuesday wednesday thursday friday saturday sunday
this_morning this_evening next_week next_month on_the_weekend""".split()
ROOMS = ["living room", "bedroom", "kitchen", "bathroom", "hallway", "garage", "office", "garden"]
ANIMALS = "elephant tiger lion whale dolphin eagle penguin spider snake wolf bear fox owl shark butterfly".split()
JOBS = "teacher doctor nurse engineer artist writer lawyer farmer pilot cook student gardener carpenter singer".split()
PLACES = [
    "the airport",
    "the station",
    "the library",
    "the museum",
    "the market",
    "the beach",
    "the hospital",
    "the school",
    "the bank",
    "the pharmacy",
    "the post office",
    "the restaurant",
    "the park",
    "the hotel",
]
NUMBERS = (
    """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen twenty""".split()
    + [
        "twenty five",
        "thirty",
        "forty",
        "fifty",
        "sixty",
        "seventy",
        "eighty",
        "ninety",
        "one hundred",
        "two hundred",
        "one thousand",
    ]
)
HOURS = NUMBERS[:12]
RELATIVES = (
    "mother father sister brother grandmother grandfather son daughter uncle aunt cousin friend boss neighbor".split()
)
WORDS = {
    "name": NAMES,
    "color": COLORS,
    "city": CITIES,
    "pet": PETS,
    "petname": PET_NAMES,
    "food": FOODS,
    "thing": THINGS,
    "subject": SUBJECTS,
    "language": LANGUAGES,
    "weather": WEATHER,
    "day": DAYS,
    "room": ROOMS,
    "animal": ANIMALS,
    "job": JOBS,
    "place": PLACES,
    "number": NUMBERS,
    "hour": HOURS,
    "relative": RELATIVES,
}

FIXED = """hello|hi|hi there|hello there|hey|good morning|good evening|good afternoon|good night|how are you
how are you today|who are you|what are you|what can you do|what can you do for me|what is your name|who made you
are you a robot|are you human|how do you work|can you hear me|what is my name|do you remember my name
do you know my name|do you know who i am|who am i|tell me my name|what is my favorite color|what color do i like
where do i live|which city do i live in|do you know where i live|what is my dog called|what is my cat called
what is the name of my pet|what is my pet called|what is my job|thank you|thank you very much|thanks|thanks a lot
goodbye|bye|see you later|see you tomorrow|have a nice day|yes|no|yes please|no thank you|okay|sorry|please|help
help me please|i need help|stop|start again|say that again please|i did not understand that|tell me a joke
tell me a story|sing me a song|what time is it|what day is it today|what is the weather|what is the weather like today
is it raining|that was great|that was wrong|very good|that is not what i asked|tell me more|tell me more about that
let us talk about something else|i am happy|i am sad|i am tired|i am hungry|i am bored|what should i eat
what should i do today|can you help me|do you speak english|do you speak chinese|do you understand me|are you there
nice to meet you|how old are you|where are you from|what do you like"""

TEMPLATES = """my name is {name}|i am {name}|i'm {name}|call me {name}|you can call me {name}|please call me {name}
hello my name is {name}|hi i am {name}|hello i am {name}|hi my name is {name} nice to meet you|this is {name}
people call me {name}|hello my name is {name} and i live in {city}|my name is {name} and my favorite color is {color}
my favorite color is {color}|i like {color}|my favorite colour is {color}|i live in {city}|i am from {city}
my home is in {city}|i live in {city} with my {relative}|i have a {pet} called {petname}|my {pet} is called {petname}
i have a {pet} named {petname}|the name of my {pet} is {petname}|what is my {pet} called|what is the name of my {pet}
do you remember my {pet}|what is the weather in {city}|what is the weather like in {city} {day}
will it be {weather} {day}|is it {weather} in {city}|it is {weather} {day}|how do i get to {place}|where is {place}
how far is {place}|when does {place} open|is {place} open {day}|remind me to call {name} {day}
remind me to buy {food} {day}|set a timer for {number} minutes|wake me up at {hour} o'clock
set an alarm for {hour} {day}|call {name} please|send a message to {name}|tell {name} that i am late
what is {number} plus {number}|what is {number} times {number}|what is {number} minus {number}
how many {food} do i need for {number} people|how do i cook {food}|how do i make {food}
what can i cook with {food} and {food}|give me a recipe for {food}|i do not like {food}
i would like some {food} please|add {food} to my shopping list|we need {food} and {food}|how much is the {thing}
where is my {thing}|i lost my {thing}|my {thing} is broken|how do i fix my {thing}|can i return the {thing}
when will my {thing} arrive|i want to buy a {thing}|i would like to order a {thing}|what does the {thing} cost
turn on the light in the {room}|turn off the light in the {room}|is the {thing} in the {room}
it is too {weather} in the {room}|help me with my {subject} homework|i have a {subject} test {day}
can you explain {subject} to me|i do not understand {subject}|teach me some {language}
how do you say {food} in {language}|how do you say hello in {language}|translate this into {language}
translate {thing} into {language}|do you speak {language}|can you speak {language}|i am learning {language}
what does {thing} mean in {language}|write a poem about the {animal}|write a letter to my {relative}
write a story about a {animal} and a {animal}|write an email to my {relative}|tell me about the {animal}
what does a {animal} eat|how big is a {animal}|tell me a joke about a {animal}|i am a {job}|my {relative} is a {job}
my {relative} lives in {city}|my {relative} is called {name}|it is my birthday {day}|what should i give my {relative}
book a table for {number} {day}|i need a ticket to {city}|when is the next train to {city}|i am going to {city} {day}
what should i wear {day}|play some music in the {room}|what happened {day}|what are my plans for {day}
i am {number} years old|there are {number} people in the {room}|my number is {number} {number} {number}
i have {number} {thing} in my {room}|the {thing} is {color}|i want a {color} {thing}|do you have it in {color}
my {thing} is {color} and my {thing} is {color}|could you please call {name} {day}|{name} lives in {city}
{name} is my {relative}|do you know {name}|who is {name}|good morning {name}|good evening my name is {name}
thank you {name}|i met {name} in {city}|what does {name} like|{name} and {name} are here|is {name} at {place}
i will be at {place} at {hour}|meet me at {place} at {hour} o'clock"""

FIXED_SENTENCES = tuple(re.split(r"[|\n]", FIXED))
"""What the built-in chat model answers best; training always has all of them."""
_TEMPLATES = re.split(r"[|\n]", TEMPLATES)


def _any(random: randomness.Random) -> str:
    if random.random() < 0.18:
        return random.choice(FIXED_SENTENCES)
    template = random.choice(_TEMPLATES)
    return re.sub(r"\{(\w+)\}", lambda slot: random.choice(WORDS[slot[1]]), template).replace("_", " ")


def _is_held_out(text: str) -> bool:
    return text not in FIXED_SENTENCES and crc32(text.encode()) % 10 == 0


def sentence(random: randomness.Random) -> str:
    """A sentence for training."""
    while _is_held_out(text := _any(random)):
        pass
    return text


def held_out(random: randomness.Random) -> str:
    """A sentence that training never sees."""
    while not _is_held_out(text := _any(random)):
        pass
    return text
