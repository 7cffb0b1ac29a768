"""`parley setup`: the few choices of an owner, one after the other, each tried before it is kept.

Each answer is written into `.env` as soon as it is given, so Ctrl-C loses none and writes no half.
"""

import os
import signal
from functools import partial
from pathlib import Path

from bots.cli.setup import accounts, models
from bots.cli.setup.asking import Setup, Terminal
from bots.locales import Phrases
from core.settings import ENV_FILE


def walk(path: Path = ENV_FILE) -> int:
    """Ask everything; the exit code: 0, 1 when the answers end before the questions, 130 after Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    language = os.environ.get("LANG", "").partition(".")[0]
    terminal = Terminal(partial(Phrases().setup, language))
    setup = Setup(terminal, path)
    try:
        terminal.tell("hello", file=path)
        for ask in (models.ask_mind, models.ask_ears, accounts.ask_telegram, accounts.ask_discord, accounts.ask_owner):
            terminal.skip_line()
            ask(setup)
    except EOFError:
        terminal.tell("ended", file=path)
        return 1
    except KeyboardInterrupt:
        terminal.skip_line()
        terminal.tell("stopped", file=path)
        return 130
    terminal.skip_line()
    terminal.tell("done")
    return 0
