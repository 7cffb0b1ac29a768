"""Knowledge sentences and questions about them, in English and Chinese.

The answer restates the sentence word by word, so that finding it is matching the question's rare words and answering
is copying on from there. Relations with the same subject shape share subjects, so that a gap can be asked for: a
person who is in the notes, a relation that is not said of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from training.chat.facts import PEOPLE, PETS
from training.chat.invented import COMMON_THINGS, Inventor
from training.chat.relations import (
    FAQ_SAY,
    FAQ_ZH,
    KINDS_ZH,
    NOUN_FORMS,
    NOUNS,
    NOUNS_ZH,
    OWNED_SAY,
    PEOPLE_SAY,
    PEOPLE_ZH,
    TAILS,
    THINGS_SAY,
    THINGS_ZH,
    VERBS,
    Say,
)


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence, the ways to ask for it, and its subject."""

    subject: str
    sentence: str
    asked: tuple[str, ...]


def _fill(inventor: Inventor, say: Say, subject: str) -> Note:
    sentence = say[0].format(s=subject, v=say[2](inventor))
    return Note(subject, sentence, tuple(question.format(s=subject) for question in say[1]))


def _person_say(inventor: Inventor) -> Say:
    rng = inventor.rng
    roll = rng.random()
    if roll < 0.55:
        return rng.choice(PEOPLE_SAY)
    if roll < 0.75:
        verb = rng.choice(VERBS)
        plain = verb[:-2] if verb in ("teaches",) else "study" if verb == "studies" else verb[:-1]
        return (f"{{s}} {verb} {{v}}.", (f"What does {{s}} {plain}?",), Inventor.thing)
    if roll < 0.9:
        kin = rng.choice(PEOPLE + PETS)
        return (
            f"{{s}}'s {kin} is called {{v}}.",
            (f"What is {{s}}'s {kin} called?", f"Who is {{s}}'s {kin}?", f"What is the name of {{s}}'s {kin}?"),
            Inventor.name,
        )
    thing = rng.choice(("colour", "food", "animal", "book", "game", "drink", "song"))
    return (
        f"{{s}}'s favourite {thing} is {{v}}.",
        (f"What is {{s}}'s favourite {thing}?", f"Which {thing} does {{s}} like most?"),
        Inventor.word,
    )


def _thing_subject(inventor: Inventor) -> str:
    rng = inventor.rng
    if rng.random() < 0.4:
        return rng.choice(NOUNS)
    if rng.random() < 0.15:
        return f"{inventor.word()} {rng.choice(NOUNS)}"
    return rng.choice(NOUN_FORMS).format(inventor.word())


def _notes_en(inventor: Inventor) -> tuple[Callable[[], str], Callable[[], Say]]:
    rng = inventor.rng
    if rng.random() < 0.2:
        return str, lambda: rng.choice(FAQ_SAY)
    if rng.random() < 0.55:
        return inventor.name, lambda: _person_say(inventor)
    return lambda: _thing_subject(inventor), lambda: rng.choice(THINGS_SAY if rng.random() < 0.7 else OWNED_SAY)


def _thing_zh(inventor: Inventor) -> str:
    rng = inventor.rng
    return rng.choice(NOUNS_ZH) if rng.random() < 0.4 else inventor.place_zh() + rng.choice(KINDS_ZH)


def _notes_zh(inventor: Inventor) -> tuple[Callable[[], str], Callable[[], Say]]:
    rng = inventor.rng
    if rng.random() < 0.2:
        return str, lambda: rng.choice(FAQ_ZH)
    if rng.random() < 0.55:
        return inventor.name_zh, lambda: rng.choice(PEOPLE_ZH)
    return lambda: _thing_zh(inventor), lambda: rng.choice(THINGS_ZH)


def draw_notes(inventor: Inventor, count: int, *, chinese: bool = False) -> tuple[list[Note], list[Note]]:
    """`count` sentences, and two more, often about the same subjects or relations, that are not in the notes."""
    rng = inventor.rng
    notes: dict[tuple[str, str], Note] = {}
    said: list[Say] = []
    subjects: list[str] = []
    while len(notes) < count + 2:
        new_subject, new_say = (_notes_zh if chinese else _notes_en)(inventor)
        if subjects and rng.random() < 0.3:
            subject, say = rng.choice(subjects), None
        else:
            subject, say = new_subject(), None
            if said and rng.random() < 0.4:
                say = rng.choice(said)
        say = say or new_say()
        if not _fits(subject, say, chinese=chinese):
            continue
        note = _fill(inventor, say, subject)
        if (subject, say[0]) not in notes and not any(set(note.asked) & set(other.asked) for other in notes.values()):
            notes[subject, say[0]] = note
            said.append(say)
            subjects.append(subject)
    drawn = list(notes.values())
    rng.shuffle(drawn)
    kept = drawn[:count]
    if not chinese and rng.random() < 0.15:
        kept = [_lengthened(inventor, note) for note in kept]
    return kept, drawn[count:]


def _fits(subject: str, say: Say, *, chinese: bool) -> bool:
    """People are said what people do, things what things do, and some things are said of nobody."""
    if not subject or "{s}" not in say[0]:
        return not subject and "{s}" not in say[0]
    if chinese:
        is_thing = subject in NOUNS_ZH or subject[-1] in KINDS_ZH and len(subject) > 2
        return is_thing == (say in THINGS_ZH)
    return subject[0].isupper() == say[0].startswith("{s}")


def _lengthened(inventor: Inventor, note: Note) -> Note:
    tail = inventor.rng.choice(TAILS).format(inventor.name())
    return Note(note.subject, note.sentence[:-1] + tail + ".", note.asked)


def draw_loose_note(inventor: Inventor) -> Note:
    """A sentence of no known shape, asked for by its rare words alone."""
    rng = inventor.rng
    subject = inventor.word() if rng.random() < 0.7 else inventor.name()
    words = [
        inventor.word() if rng.random() < 0.5 else rng.choice(NOUNS + COMMON_THINGS) for _ in range(rng.randint(1, 4))
    ]
    verb, link = rng.choice(VERBS), rng.choice(("in", "with", "for", "near", "and", "of", "to"))
    start = subject if subject[0].isupper() else f"The {subject}"
    sentence = f"{start} {verb} {words[0]}" + (f" {link} {' '.join(words[1:])}" if words[1:] else "") + "."
    topic = subject if subject[0].isupper() else f"the {subject}"
    asked = (
        f"What about {topic}?",
        f"Tell me about {topic}",
        f"What do you know about {topic}?",
        f"What do the notes say about {topic}?",
        f"Do you know something about {topic}?",
    )
    return Note(subject, sentence, asked)
