"""What a turn keeps of how it came about is enough to make its prompt again, and its answer."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime

import pytest

from core.lm.base import Piece, Request, Text, whole_text
from core.lm.local.loading import LoadedModel, load
from core.lm.local.model import LocalModel
from core.text import cleaning
from core.thinking import about, profiles, provenance
from core.thinking.context import Context
from core.thinking.engine import Engine
from core.thinking.guards import Guards
from core.values import dialogue as dialogues
from core.values.channel import ChannelKey, Person, Quote
from core.values.dialogue import Dialogue
from core.values.events import Message
from core.values.passages import Passage
from core.values.preferences import Preferences
from core.values.sampling import Sampling
from core.values.turn import Reply, Turn
from tests.fakes.thinking import FakeHearing, FakeModel, FakeSpeaking

NOON = datetime.fromisoformat("2026-03-11T12:05:33+00:00").timestamp()
PLAIN = profiles.load("plain")
PERSONA = Preferences(persona="You are Luna.", language="de")
VELM = Passage("doc/7", "zora.pdf", "Zora lives in Velm.")
QUOTE = Quote("Eve", "The pool is open.", ref="77", person="2")


def engine(model: FakeModel | LocalModel) -> Engine:
    return Engine(model, FakeHearing(), FakeSpeaking(), PLAIN, Guards(zone="Europe/Berlin"), lambda: NOON)


def message(text: str, number: int = 0, **more: object) -> Message:
    asked = Message(str(number), ChannelKey("telegram", "42:1"), Person("1", "Ann", "en"), 1.0, text)
    return replace(asked, **more)


async def answered(model: FakeModel | LocalModel, asked: Message, context: Context) -> Dialogue:
    """The dialogue as it is kept after one more turn."""
    steps = [step async for step in engine(model).answer(asked, context)]
    assert isinstance(steps[-1], Reply)
    return dialogues.decode(dialogues.encode(dialogues.append(context.dialogue, steps[-1].turn)))


async def talked(model: FakeModel | LocalModel, *said: str) -> Dialogue:
    dialogue = Dialogue()
    for number, text in enumerate(said, 100):
        dialogue = await answered(model, message(text, number), Context(dialogue))
    return dialogue


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "preferences", "more", "passages"),
    [
        ("hello", Preferences(), {}, ()),
        ("Was ist heute für ein Tag, und was folgt daraus?", PERSONA, {}, ()),
        ("Which day of the week is in a fortnight?", Preferences(), {}, ()),
        ("where does zora live", Preferences(), {}, (VELM,)),
        ("and this?", Preferences(), {"quote": QUOTE, "group": True}, ()),
        ("you all won", PERSONA, {"group": True, "forwarded": "Eve"}, (VELM,)),
    ],
)
@pytest.mark.parametrize("told", [0, 3, 40])
async def test_the_prompt_is_made_again_from_what_is_kept(
    text: str, preferences: Preferences, more: dict[str, object], passages: tuple[Passage, ...], told: int
):
    model = FakeModel()
    model.context_tokens = 700
    dialogue = await talked(model, *(f"tell me of place {number}" for number in range(told)))
    if told == 3:
        dialogue = dialogues.summarised(dialogue, "Ann asked of a place.", "100", since=1.0)
    dialogue = await answered(model, message(text, 1, **more), Context(dialogue, preferences, passages=passages))
    later = await answered(model, message("and then?", 2), Context(dialogue, preferences))
    turn = next(turn for turn in later.turns if turn.id == "1")
    quote = replace(QUOTE, text=cleaning.clean(QUOTE.text)) if "quote" in more else None
    again = provenance.request_again(
        turn, later, PLAIN, instructable=True, persona=preferences.persona, quote=quote, passages=passages
    )
    shown = model.requests[told]
    assert again == replace(shown, channel="")
    assert turn.sources == tuple(passage.id for passage in passages)
    assert turn.basis
    assert (turn.basis.revision, turn.basis.quoted) == ("fake-1", "77" if quote else "")
    assert bool(turn.basis.now) == ("day" in text or "Tag" in text)
    assert (told == 40) == (turn.basis.oldest not in ("", "100", "101"))


async def test_what_is_no_more_as_it_was_is_not_made_again():
    model = FakeModel()
    dialogue = await talked(model, "one", "two", "three")
    last = dialogue.turns[-1]

    def again(dialogue: Dialogue, turn: Turn = last, persona: str = "") -> object:
        return provenance.request_again(turn, dialogue, PLAIN, instructable=True, persona=persona)

    assert again(dialogue)
    assert again(dialogues.without(replace(dialogue, turns=(*dialogue.turns[:1], *dialogue.turns[2:])), ["x"])) is None
    assert again(dialogues.summarised(dialogue, "They counted.", "100")) is None
    assert again(dialogue, persona="You are Luna.") is None
    assert again(dialogue, replace(last, basis=None)) is None


async def test_an_answer_without_a_model_has_no_basis():
    dialogue = await talked(FakeModel(), "What is 7 times 8?")
    assert (dialogue.turns[0].model, dialogue.turns[0].basis, dialogue.turns[0].sources) == ("parley", None, ())


async def test_parleys_own_page_is_a_source_where_a_model_was_shown_it():
    model = FakeModel()
    context = Context(preferences=Preferences(language="de"))
    dialogue = await answered(model, message("How do I delete my data?"), context)
    turn = dialogue.turns[0]
    assert turn.sources == ("about/en/how-do-i-delete-my-data",)
    passages = about.passages("en").values()
    assert provenance.request_again(turn, dialogue, PLAIN, instructable=True, passages=passages) == replace(
        model.requests[0], channel=""
    )


async def test_the_basis_takes_little_room():
    dialogue = await talked(FakeModel(), "hello")
    bare = replace(dialogue, turns=(replace(dialogue.turns[0], basis=None),))
    assert len(dialogues.encode(dialogue)) - len(dialogues.encode(bare)) < 240


class Overheard(LocalModel):
    """The shipped model; keeps what it says, of which a guard may show another thing."""

    def __init__(self, loaded: LoadedModel) -> None:
        super().__init__(loaded)
        self.said: list[str] = []

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        self.said.append("")
        async with aclosing(super().stream(request)) as pieces:
            async for piece in pieces:
                self.said[-1] += piece.text if isinstance(piece, Text) else ""
                yield piece


@pytest.mark.slow
async def test_the_shipped_model_draws_the_same_tokens_again():
    model = Overheard(load(None))
    for text in ("I like the sea.", "hmm, so what do you think", "why though", "let us talk about trains"):
        dialogue = Dialogue(turns=(Turn("9", 0.0, "Ann", "hi there", "Hello!", "en", "parley-small", "plain"),))
        dialogue = await answered(model, message(text, 3), Context(dialogue, resample=True))
        turn = dialogue.turns[-1]
        if turn.basis is not None:  # no rule answered
            assert turn.basis.sampling.seed is not None
            request = provenance.request_again(turn, dialogue, PLAIN, instructable=False)
            assert request
            model.forget("")
            assert await whole_text(model, request) == model.said[-2] == model.said[-1]
    assert len(set(model.said)) > 1
    await model.close()


async def test_a_seed_is_drawn_only_where_it_is_of_use():
    seeds = FakeModel()
    seeds.capabilities = frozenset(("instructions", "seeds"))
    assert provenance.seeded(Sampling(temperature=0), seeds) == Sampling(temperature=0)
    assert provenance.seeded(Sampling(seed=4), seeds) == Sampling(seed=4)
    assert provenance.seeded(Sampling(), FakeModel()) == Sampling()
    drawn = {provenance.seeded(Sampling(top_p=0.9), seeds).seed for _ in range(8)}
    assert len(drawn) == 8
    assert all(seed is not None and 0 <= seed < 2**31 for seed in drawn)
