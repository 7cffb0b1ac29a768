"""What an answer was drawn from, small enough to be kept with it, and the request again that it was drawn by."""

import secrets
from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b

from core.lm.base import LanguageModel, Request, Utterance
from core.thinking import prompt
from core.thinking.profiles import Profile
from core.thinking.prompt import Prompt, PromptInput
from core.values.channel import Quote
from core.values.dialogue import Dialogue
from core.values.passages import Passage
from core.values.sampling import Sampling
from core.values.turn import Basis, Turn

_SEED_BITS = 31


def seeded(sampling: Sampling, model: LanguageModel) -> Sampling:
    """The same with a seed, where the model takes one and chance plays a part, so that it can be drawn again."""
    if sampling.seed is not None or sampling.temperature == 0 or "seeds" not in model.capabilities:
        return sampling
    return replace(sampling, seed=secrets.randbits(_SEED_BITS))


def basis_of(made: Prompt, asked: PromptInput, summarised: str, request: Request, model: LanguageModel) -> Basis:
    """What to keep; `summarised` is the turn up to which the dialogue's summary tells."""
    return Basis(
        revision=model.revision,
        prompt=_digest(request.utterances),
        sampling=request.sampling,
        language=made.language,
        oldest=made.turns[0].id if made.turns else "",
        summarised=summarised,
        answer_in=asked.answer_in,
        group=asked.group,
        quoted=asked.quote.ref if asked.quote else "",
        now=made.now,
    )


def request_again(
    turn: Turn,
    dialogue: Dialogue,
    profile: Profile,
    *,
    instructable: bool,
    persona: str = "",
    quote: Quote | None = None,
    passages: Iterable[Passage] = (),
) -> Request | None:
    """What a turn of a dialogue was drawn by; None when no model made it or what it was drawn from is no more.

    `persona` is the channel's, `quote` the message that the turn's answered, both of which no turn keeps: a persona is
    long, and a quote may be of another person's words. `passages` are those of the turn's sources, or more.
    """
    basis = turn.basis
    if basis is None or basis.summarised != dialogue.covered:
        return None
    found = {passage.id: passage for passage in passages}
    asked = PromptInput(
        turn.said,
        turn.language,
        turn.speaker,
        basis.group,
        quote,
        basis.answer_in,
        turn.forwarded,
        basis.now,
        persona,
        [found[each] for each in turn.sources if each in found],
    )
    shown, language = _shown(turn, dialogue, basis.oldest), basis.language
    again = prompt.composed(profile, dialogue.summary, shown, asked, language=language, instructable=instructable)
    if _digest(again) != basis.prompt:
        return None
    return Request(again, profile.max_new_tokens, basis.sampling)


def _shown(turn: Turn, dialogue: Dialogue, oldest: str) -> tuple[Turn, ...]:
    """The turns before this one, from the oldest on that was shown."""
    ids = [each.id for each in dialogue.turns]
    end = ids.index(turn.id) if turn.id in ids else len(ids)
    return dialogue.turns[ids.index(oldest) : end] if oldest in ids[:end] else ()


def _digest(utterances: Iterable[Utterance]) -> str:
    """Tells one prompt from another. Of words alone; half of a surrogate pair has no UTF-8 of its own."""
    shown = "".join(f"{each.role}\0{each.text}\0" for each in utterances)
    return blake2b(shown.encode(errors="replace"), digest_size=8).hexdigest()
