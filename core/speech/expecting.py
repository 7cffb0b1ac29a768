"""What a voice note of a chat may well hold: its languages, and who is named in it. Pure."""

from core.values.dialogue import Dialogue
from core.values.events import Message

_RECENT_TURNS = 6


def languages(message: Message, dialogue: Dialogue) -> tuple[str, ...]:
    """BCP 47 tags of the last turns, newest first, and of the sender's app; English where nothing tells."""
    recent = (turn.language for turn in reversed(dialogue.turns[-_RECENT_TURNS:]))
    return tuple(dict.fromkeys(filter(None, (*recent, message.sender.language)))) or ("en",)


def names(message: Message, dialogue: Dialogue) -> tuple[str, ...]:
    """The sender, those who spoke last, newest first, and Parley."""
    recent = (turn.speaker for turn in reversed(dialogue.turns[-_RECENT_TURNS:]))
    return tuple(dict.fromkeys((message.sender.name, *recent, *message.bot_names)))
