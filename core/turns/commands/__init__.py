"""Every command, one entry each: what it is called, what may follow, what holds for it, and what does it."""

from typing import get_args

from core.intake.commands import Command, CommandTable
from core.turns.commands import choosing, conversation, persons, quoting
from core.turns.commands.choosing import AUTO, OFF
from core.turns.commands.context import Table
from core.values.preferences import VoiceMode

_LANGUAGES = ("en", "zh-Hans")
"""Offered by name; any other BCP 47 tag can be typed."""

COMMANDS: Table = CommandTable(
    (
        Command("help", conversation.help),
        Command("new", conversation.new),
        Command("stop", conversation.stop, ("all",), stops=True, first=("all",)),
        Command("retry", conversation.retry, generates=True),
        Command("undo", conversation.undo),
        Command("voice", choosing.voice, get_args(VoiceMode)),
        Command("language", choosing.language, (AUTO, *_LANGUAGES), free=True),
        Command("translate", quoting.translate, _LANGUAGES, free=True, generates=True, quoting=True),
        Command("transcribe", quoting.transcribe, private=True, quoting=True),
        Command("status", choosing.status, private=True),
        Command("privacy", persons.privacy, ("allow", "refuse"), private=True, own_data=True),
        Command("forget", persons.forget, ("me", "channel"), own_data=True, first=("me", "channel")),
        Command("export", persons.export, private=True, own_data=True),
        Command("settings", choosing.settings, ("answer-everything", "answer-mentions", "thumbs-on", "thumbs-off")),
        Command("persona", choosing.persona, (OFF,), free=True),
        Command("pair", persons.pair, free=True, private=True, owners=True),
        Command("model", choosing.model, free=True, private=True, owners=True),
    ),
    # Telegram sends /start when a chat is opened.
    aliases={"start": "help"},
)
