"""Who speaks: each browser is a person of its own, a program may say for whom it speaks, and else it is one person.

A browser keeps a random number and sends it in a header, which no other site can do: it would first have to ask, and is
refused. What is kept under a person is named after a digest of that number, so that nobody who reads a file of it can
speak as its person. The names of the three kinds never meet, so a program cannot name a browser's person.
"""

from hashlib import sha256
from typing import Annotated

from fastapi import Header, Query
from pydantic import BaseModel, Field

from core.values.channel import Person

HEADER = "Parley-Visitor"
PROGRAM = "web"
"""Whoever sends neither a visitor nor a person. Until browsers were told apart, everybody was this one."""
_ID = r"^[A-Za-z0-9_.@-]{1,64}$"

Visitor = Annotated[
    str,
    Header(
        alias=HEADER,
        pattern=r"^([0-9a-f]{32})?$",
        description="What a browser keeps to stay the same person: 16 random bytes in hex. The page sends it.",
    ),
]
Named = Annotated[
    str,
    Query(
        alias="person",
        pattern=r"^([A-Za-z0-9_.@-]{1,64})?$",
        description="For whom a program does this: the id of a `person` that it named when it said something.",
    ),
]


class PersonIn(BaseModel):
    """For whom a program speaks that speaks for several people."""

    id: str = Field(pattern=_ID, description="1 to 64 letters, digits or any of _ . @ -; you choose it.")
    name: str = Field("", max_length=64, description="What to call them; the id when it is left out.")


def person_of(visitor: str, named: PersonIn | None = None, language: str = "") -> Person:
    """The person of a request; `language` is a BCP 47 tag, "" when it tells none."""
    if named is not None:
        return Person(f"named:{named.id}", named.name.strip() or named.id, language)
    if visitor:
        return Person(f"browser:{sha256(visitor.encode()).hexdigest()[:32]}", PROGRAM, language)
    return Person(PROGRAM, PROGRAM, language)
