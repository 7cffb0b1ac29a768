"""What the model is shown: system words, summary, recent turns, the new message. Pure; called by the engine.

Everything that changes from message to message stands at the end, so that the start stays the same byte for byte and
a model that kept what it computed for it can go on from there.
"""

from collections.abc import Sequence

from core.dialogue import Dialogue
from core.errors import UserError
from core.lm.base import LanguageModel, Utterance, words_within
from core.message import Turn
from core.profiles import Profile

_EARLIER = {"en": "Earlier in this chat: ", "zh-Hans": "此前聊过："}
_NOTES = {"en": "Notes:", "zh-Hans": "资料："}
# Turns leave in blocks of this share of the budget, so that the start of the prompt changes once in many turns.
_BLOCKS = 4


def build(
    profile: Profile,
    dialogue: Dialogue,
    said: str,
    *,
    language: str,
    speaker: str,
    group: bool,
    notes: Sequence[str],
    model: LanguageModel,
    max_new_tokens: int,
) -> tuple[Utterance, ...]:
    """The chat to be answered, within the model's context less room for `max_new_tokens` (a quarter of it at most).

    `notes` are sentences that may hold the answer; they give way when the message leaves no room for them. The newest
    turns are kept. The system words speak the language in which the kept dialogue began. Raises
    UserError("message_too_long", limit_words) when `said` alone does not fit.
    """
    budget = model.context_tokens - min(max_new_tokens, model.context_tokens // 4)
    said = _labelled(said, speaker) if group else said
    newest = Utterance("user", with_notes(said, notes, language))
    started = dialogue.turns[0].language if dialogue.turns else language
    system = Utterance("system", system_words(profile.words_in(started), dialogue.summary, started))
    alone = model.count_tokens((system, newest))
    if alone > budget and notes:
        newest = Utterance("user", said)
        alone = model.count_tokens((system, newest))
    if alone > budget:
        taken = model.count_tokens((newest,))
        raise UserError("message_too_long", limit_words=words_within(said, taken, budget - alone + taken))
    pairs = [_utterances(turn, group=group) for turn in dialogue.turns]
    kept = _newest(pairs, [model.count_tokens(pair) for pair in pairs], budget - alone, budget // _BLOCKS)
    return (system, *(utterance for pair in kept for utterance in pair), newest)


def size(dialogue: Dialogue, model: LanguageModel) -> int:
    """Tokens that a conversation takes when all of it is shown."""
    return sum(model.count_tokens(_utterances(turn, group=False)) for turn in dialogue.turns)


def system_words(words: str, summary: str, language: str) -> str:
    """System words, and after them what was said before the turns that are still shown."""
    if not summary:
        return words
    earlier = _EARLIER.get(language, _EARLIER["en"]) + summary
    return f"{words}\n\n{earlier}" if words else earlier


def with_notes(said: str, notes: Sequence[str], language: str) -> str:
    """A message after the notes that belong to it, one a line."""
    if not notes:
        return said
    lines = "".join(f"\n- {' '.join(note.split())}" for note in notes)
    return f"{_NOTES.get(language, _NOTES['en'])}{lines}\n\n{said}"


def _labelled(said: str, speaker: str) -> str:
    return f"{speaker}: {said}" if speaker else said


def _utterances(turn: Turn, *, group: bool) -> tuple[Utterance, Utterance]:
    said = _labelled(turn.said, turn.speaker) if group else turn.said
    return Utterance("user", said), Utterance("assistant", turn.reply)


def _newest(
    pairs: Sequence[tuple[Utterance, Utterance]], sizes: Sequence[int], room: int, block: int
) -> Sequence[tuple[Utterance, Utterance]]:
    """The pairs that fit into `room` tokens; the oldest go, in steps of about `block` tokens."""
    over = sum(sizes) - room
    if over <= 0:
        return pairs
    to_drop = -(-over // block) * block
    first = 0
    while first < len(pairs) and to_drop > 0:
        to_drop -= sizes[first]
        first += 1
    return pairs[first:]
