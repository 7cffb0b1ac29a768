"""Writes the dialogues that the shipped chat model is trained and measured on: new ones at every call, from a seed.

A dialogue is a system message and exchanges; every exchange knows all replies that count as right.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

from core.thinking import phrases_en, phrases_zh, profiles, prompt
from core.thinking.phrases_en import Replies
from training.chat.facts import Fact, draw_fact, draw_facts
from training.chat.facts_zh import draw_fact_zh
from training.chat.invented import Inventor
from training.chat.notes import Note, draw_loose_note, draw_notes
from training.chat.saying import as_said, with_typo
from training.chat.unknowns import draw_unknown, draw_unknown_zh

Skill = Literal["talk", "told", "recall", "not told", "notes", "not in notes", "unknown"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the user says, the replies that are right, and what it exercises."""

    said: str
    accepted: tuple[str, ...]
    skill: Skill


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A system message ("" for none) and exchanges, oldest first."""

    system: str
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a dialogue should hold; None leaves the choice to chance."""

    chinese: bool | None = None
    profile: str | None = None
    spoken: bool | None = None
    labelled: bool | None = None
    note_count: int | None = None
    unseen: bool = False


_SYSTEM_WORDS = {name: profiles.load(name).words for name in profiles.names()}
_OTHER_SYSTEMS = (
    "You are a helpful assistant.",
    "You are a helpful AI assistant.",
    "You are Parley.",
    "",
    "",
    "Be brief.",
)


LONG_SHARE = 0.02


class Writer:
    """Writes dialogues. `most_notes` bounds the knowledge sentences of one question: training starts with one."""

    def __init__(self, rng: Random, plan: Plan = Plan(), most_notes: int = 4) -> None:
        self.rng = rng
        self.plan = plan
        self.most_notes = most_notes
        self.inventor = Inventor(rng, unseen=plan.unseen)
        self.chinese = rng.random() < 0.3 if plan.chinese is None else plan.chinese
        self.spoken = rng.random() < 0.35 if plan.spoken is None else plan.spoken
        labelled = rng.random() < 0.08 if plan.labelled is None else plan.labelled
        self.label = (self.inventor.name_zh() if self.chinese else self.inventor.name()) if labelled else ""
        self.profile = rng.choice(profiles.names()) if plan.profile is None else plan.profile
        self.phrases = phrases_zh if self.chinese else phrases_en
        # Some dialogues are long, so that facts are recalled over many exchanges.
        self.chattiness = 0.8 if rng.random() < LONG_SHARE else 0.2

    def system(self) -> str:
        """System words: those of the profile, mostly in the user's language; now and then others, for plain."""
        if self.profile == "plain" and self.plan.profile is None and self.rng.random() < 0.3:
            return self.rng.choice(_OTHER_SYSTEMS)
        crossed = self.plan.profile is None and self.rng.random() < 0.3
        return _SYSTEM_WORDS[self.profile]["zh-Hans" if self.chinese != crossed else "en"]

    def say(self, text: str, *, mangle: bool = False) -> str:
        """`text` as somebody types it or as a speech model hears it, with the speaker's label in a group."""
        text = as_said(self.rng, text, spoken=self.spoken, chinese=self.chinese)
        if mangle and self.rng.random() < 0.04:
            text = with_typo(self.rng, text)
        return f"{self.label}: {text}" if self.label else text

    def small_talk(self) -> Exchange:
        """A greeting, a question about the assistant, thanks and the like."""
        rng, phrases = self.rng, self.phrases
        if rng.random() < 0.45:
            intent = rng.choice(list(phrases.ASKED_BY_INTENT))
            asked, replies = phrases.ASKED_BY_INTENT[intent], phrases.BY_PROFILE[self.profile][intent]
        else:
            asked, replies = rng.choice(phrases.SMALL_TALK)
        said = rng.choice(asked).replace("{n}", str(rng.randrange(1000)))
        return Exchange(self.say(said, mangle=True), replies, "talk")

    def unknown(self) -> Exchange:
        """Something that the small model cannot answer."""
        said = (draw_unknown_zh if self.chinese else draw_unknown)(self.inventor)
        return Exchange(self.say(said, mangle=True), self.phrases.FALLBACK, "unknown")

    def chatter(self) -> Exchange:
        """Small talk, or something unknown."""
        return self.small_talk() if self.rng.random() < 0.7 else self.unknown()

    def ask(self, fact: Fact, *, told: bool) -> Exchange:
        """A question about a fact, told before or not."""
        replies: Replies = fact.answers if told else self.phrases.NOT_TOLD
        if not told and fact.topic == "name" and self.label:
            name = self.label
            replies = (
                (f"你叫{name}。", f"我当然记得，你叫{name}。")
                if self.chinese
                else (f"Your name is {name}.", f"Of course I remember: your name is {name}.")
            )
        return Exchange(self.say(self.rng.choice(fact.asked)), replies, "recall" if told else "not told")

    def facts(self) -> list[Exchange]:
        """Some facts told, with chatter between, and questions about them and about others."""
        rng = self.rng
        count = rng.choices((0, 1, 2, 3, 4), (2, 3, 4, 4, 2))[0]
        draw = draw_fact_zh if self.chinese else draw_fact
        drawn = draw_facts(self.inventor, count + 2, draw)
        known, unknown = drawn[:count], drawn[count : count + rng.choices((0, 1, 2), (3 if count else 0, 5, 4))[0]]
        exchanges: list[Exchange] = []
        joined = count > 1 and rng.random() < 0.12
        for index, fact in enumerate(known):
            if joined and index < 2:
                exchanges = [self.tell_both(known[0], known[1])]
            else:
                exchanges.append(Exchange(self.say(fact.told), fact.noted, "told"))
            while rng.random() < self.chattiness:
                exchanges.append(self.chatter())
            if index and rng.random() < 0.3:
                exchanges.append(self.ask(rng.choice(known[:index]), told=True))
        if known and rng.random() < 0.05:
            known = self.correct(known, exchanges)
        asks = [(fact, True) for fact in known] + [(fact, False) for fact in unknown]
        rng.shuffle(asks)
        for fact, told in asks:
            exchanges.append(self.ask(fact, told=told))
            if rng.random() < 0.1:
                exchanges.append(self.chatter())
        return exchanges

    def tell_both(self, first: Fact, second: Fact) -> Exchange:
        """Two facts in one message."""
        if self.chinese:
            said, noted = f"{first.told}，{second.told}", phrases_zh.NOTED
        else:
            told = second.told if second.told[:2] in ("I ", "I'") else second.told[0].lower() + second.told[1:]
            said, noted = f"{first.told} and {told}", phrases_en.NOTED
        return Exchange(self.say(said), noted, "told")

    def correct(self, known: list[Fact], exchanges: list[Exchange]) -> list[Fact]:
        """One fact is told again with another value, which counts from then on."""
        draw = draw_fact_zh if self.chinese else draw_fact
        for _ in range(20):
            again = draw(self.inventor)
            if any(fact.topic == again.topic for fact in known):
                exchanges.append(Exchange(self.say(again.told), again.noted, "told"))
                return [again if fact.topic == again.topic else fact for fact in known]
        return known

    def summarised(self, system: str) -> tuple[str, list[Exchange]]:
        """System words that end in a summary of what was told long ago, and questions about that."""
        told = draw_facts(self.inventor, self.rng.randint(1, 4), draw_fact_zh if self.chinese else draw_fact)
        stop = "。" if self.chinese else ". "
        summary = "".join(fact.told + stop for fact in told).strip()
        exchanges = [self.chatter() for _ in range(self.rng.randint(0, 2))]
        exchanges += [self.ask(fact, told=True) for fact in self.rng.sample(told, len(told))]
        return prompt.system_words(system, summary, "zh-Hans" if self.chinese else "en"), exchanges

    def with_notes(self, notes: list[Note], said: str) -> str:
        """A user message that carries notes before what is said."""
        return prompt.with_notes(said, [note.sentence for note in notes], "zh-Hans" if self.chinese else "en")

    def knowledge(self, *, single: bool = False) -> list[Exchange]:
        """Notes with a first question, then more questions about the same notes unless `single`."""
        rng = self.rng
        count = self.plan.note_count or rng.randint(1, self.most_notes)
        notes, others = draw_notes(self.inventor, count, chinese=self.chinese)
        if not self.chinese and rng.random() < 0.2:
            notes[rng.randrange(count)] = draw_loose_note(self.inventor)
        questions = [(note, True) for note in notes] + [
            (note, False) for note in rng.sample(others, 1 + (rng.random() < 0.4))
        ]
        rng.shuffle(questions)
        exchanges: list[Exchange] = []
        for note, found in questions[: 1 if single else None]:
            said = self.say(rng.choice(note.asked))
            replies = self.found(note) if found else self.phrases.NOT_IN_NOTES
            message = said if exchanges else self.with_notes(notes, said)
            exchanges.append(Exchange(message, replies, "notes" if found else "not in notes"))
        return exchanges

    def found(self, note: Note) -> Replies:
        """The two ways to answer from a note."""
        warm = f"资料里说：{note.sentence}" if self.chinese else f"I found this in the notes: {note.sentence}"
        return note.sentence, warm

    def noted_chatter(self, exchanges: list[Exchange]) -> list[Exchange]:
        """`exchanges` with notes put before the last message, where they do not matter."""
        notes, _ = draw_notes(self.inventor, self.rng.randint(1, self.most_notes), chinese=self.chinese)
        last = exchanges[-1]
        if last.skill in ("unknown", "not told", "told"):
            return exchanges
        return [*exchanges[:-1], Exchange(self.with_notes(notes, last.said), last.accepted, last.skill)]

    def dialogue(self, notes_share: float = 0.5) -> Dialogue:
        """A dialogue; `notes_share` of them are about notes."""
        rng = self.rng
        system = self.system()
        if rng.random() < notes_share:
            before = (
                self.facts() if rng.random() < 0.15 else [self.chatter() for _ in range(rng.choice((0, 0, 0, 1, 2)))]
            )
            single = bool(before) or rng.random() < 0.1
            return Dialogue(system, (*before, *self.knowledge(single=single)))
        if rng.random() < 0.25:
            exchanges = [self.chatter() for _ in range(rng.randint(2, 7))]
        elif rng.random() < 0.08:
            system, exchanges = self.summarised(system)
        else:
            exchanges = [*([self.chatter()] if rng.random() < 0.3 else []), *self.facts()]
        if rng.random() < 0.08:
            exchanges = self.noted_chatter(exchanges)
        return Dialogue(system, tuple(exchanges))


def write_dialogues(rng: Random, *, most_notes: int, notes_share: float) -> Iterator[Dialogue]:
    """Endless dialogues for training."""
    while True:
        yield Writer(rng, most_notes=most_notes).dialogue(notes_share)
