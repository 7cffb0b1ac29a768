"""The tasks, from the TOML files of this folder: a conversation so far, a message, and the rules for its answer."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from core.values.channel import ChannelKey, Person, Quote
from core.values.dialogue import Dialogue
from core.values.events import Message
from core.values.preferences import Preferences
from core.values.turn import Turn
from evals.models.checking import LANGUAGES, Rules

FOLDER = Path(__file__).parent / "tasks"
ZONE = ZoneInfo("Europe/Paris")
_NOW = "2026-03-11T14:30"
"""A Wednesday, for tasks that name no time."""
_RULES = {field.name for field in fields(Rules)}


@dataclass(frozen=True, slots=True)
class Task:
    """One message to Parley and what its answer must be.

    said: the message; before: turns, each who spoke ("" in a chat of two), what was said and the answer; small_talk:
    how many turns of small talk stand between those and the message; summary: what is told of earlier turns;
    speaker: who asks; group: whether others talk there; quoted: who said an earlier message that is answered, and
    what; forwarded: whose words the message is; heard: whether it is a voice note; told: the language of the app;
    answer_in: the channel's fixed language; notes: what the owner's notes say; now: local time; persona: the channel's.
    do: answer, translate (into `answer_in`) or summarise (the turns before).
    """

    id: str
    kind: str
    said: str
    rules: Rules
    before: tuple[tuple[str, str, str], ...] = ()
    small_talk: int = 0
    summary: str = ""
    speaker: str = "Ann"
    group: bool = False
    quoted: tuple[str, str] | None = None
    forwarded: str | None = None
    heard: bool = False
    told: str = "en"
    answer_in: str = ""
    notes: tuple[str, ...] = ()
    now: str = _NOW
    persona: str = ""
    profile: str = "plain"
    do: Literal["answer", "translate", "summarise"] = "answer"

    @property
    def at(self) -> datetime:
        """The time at which it is asked, in ZONE."""
        return datetime.fromisoformat(self.now).replace(tzinfo=ZONE)

    def message(self) -> Message:
        """What reaches the engine."""
        sender = Person(self.speaker, self.speaker, self.told)
        quote = Quote(*self.quoted) if self.quoted else None
        text = "" if self.heard else self.said
        key = ChannelKey("console", self.id)
        return Message(
            self.id, key, sender, self.at.timestamp(), text, group=self.group, quote=quote, forwarded=self.forwarded
        )

    def dialogue(self) -> Dialogue:
        """The channel's memory."""
        talk = [("" if not self.group else self.speaker, *each) for each in small_talk(self.told)[: self.small_talk]]
        before = self.at.timestamp() - 60.0
        turns = [
            Turn(
                f"{self.id}{at}", before, by or self.speaker, said, reply, self.told, "", "", person=by or self.speaker
            )
            for at, (by, said, reply) in enumerate((*self.before, *talk))
        ]
        return Dialogue(self.summary, tuple(turns))

    def preferences(self) -> Preferences:
        """What the channel chose."""
        return Preferences(language=self.answer_in, persona=self.persona)


def load(kinds: str = "") -> tuple[Task, ...]:
    """All tasks, or those of kinds that begin so (several parted by commas).

    ValueError names a file and what is wrong in it.
    """
    files = sorted(FOLDER.glob("*.toml"))
    found = tuple(task for file in files if file.stem != "small-talk" for task in _read(file))
    return tuple(task for task in found if task.kind.startswith(tuple(kinds.split(","))))


def small_talk(language: str) -> tuple[tuple[str, str], ...]:
    """Everyday exchanges that tell nothing, in a language or else in English."""
    table = tomllib.loads((FOLDER / "small-talk.toml").read_text("utf-8"))
    return tuple((said, reply) for said, reply in table.get(language.split("-")[0], table["en"]))


def _read(file: Path) -> Iterator[Task]:
    table: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    usual = {name: value for name, value in table.items() if name not in ("kind", "tasks")}
    for number, entry in enumerate(table["tasks"], 1):
        try:
            task = _task(f"{file.stem}-{number}", table["kind"], usual | entry)
        except (TypeError, ValueError, KeyError) as error:
            raise ValueError(f"{file.name}, task {number}: {error}") from error
        yield task
        if file.stem == "typed":
            yield replace(task, id=f"heard-{number}", kind="the same heard", heard=True)


def _task(id: str, kind: str, entry: dict[str, Any]) -> Task:
    rules = Rules(**{name: _frozen(value) for name, value in entry.items() if name in _RULES})
    if rules == Rules():
        raise ValueError("no rule")
    if rules.language and rules.language not in LANGUAGES:
        raise ValueError(f"language {rules.language!r}")
    rest = {name: _frozen(value) for name, value in entry.items() if name not in _RULES}
    before = tuple(("", *turn) if len(turn) == 2 else turn for turn in rest.pop("before", ()))
    return Task(id, kind, rules=rules, before=before, **rest)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
