"""Questions in a terminal, or to lines from a pipe, and where the answers go."""

import getpass
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bots.cli import env_file
from core import settings as configuring
from core.settings import Settings

Words = Callable[..., str]
"""A key of the locales and its blanks -> the sentence."""
REMOVE = "-"
"""Typed where something is set, it empties it."""


class Terminal:
    """Asks on standard output and reads standard input; EOFError where that ends, KeyboardInterrupt on Ctrl-C."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def tell(self, key: str, **params: object) -> None:
        """One sentence."""
        print(self.words(key, **params), flush=True)  # noqa: T201

    def skip_line(self) -> None:
        """Between two questions."""
        print(flush=True)  # noqa: T201

    def ask(self, key: str, **params: object) -> str:
        """A line, blanks around it left out."""
        line = input(f"{self.words(key, **params)} ").strip()
        self._end_line()
        return line

    def ask_secret(self, key: str, **params: object) -> str:
        """A line that a terminal does not show."""
        prompt = f"{self.words(key, **params)} "
        if sys.stdin.isatty():
            return getpass.getpass(prompt).strip()
        line = input(prompt).strip()
        self._end_line()
        return line

    def agree(self, key: str, *, usually: bool, **params: object) -> bool:
        """Yes or no; Enter is what is `usually` wanted."""
        question = f"{self.words(key, **params)} {self.words('yes_or_no' if usually else 'no_or_yes')} "
        while True:
            answer = input(question).strip().lower()
            self._end_line()
            if not answer:
                return usually
            if answer in self.words("yes").split():
                return True
            if answer in self.words("no").split():
                return False

    def choose(self, options: Sequence[str], recommended: int) -> int:
        """Which of some numbered lines; Enter is the recommended one."""
        for number, option in enumerate(options, 1):
            mark = "*" if number - 1 == recommended else " "
            print(f" {mark}{number}. {option}", flush=True)  # noqa: T201
        while True:
            answer = self.ask("which", number=recommended + 1)
            if not answer:
                return recommended
            if answer.isascii() and answer.isdecimal() and 1 <= int(answer) <= len(options):
                return int(answer) - 1
            self.tell("out_of_range", count=len(options))

    def _end_line(self) -> None:
        if not sys.stdin.isatty():  # nobody pressed Enter here
            self.skip_line()


class Setup:
    """What the questions share: the terminal, the settings as they are now, and where they are written."""

    def __init__(self, terminal: Terminal, path: Path) -> None:
        self.terminal = terminal
        self._path = path

    @property
    def settings(self) -> Settings:
        """As the next start would read them."""
        return configuring.read(self._path)[0]

    def ending(self, secret: str) -> str:
        """A secret's last four characters, for its owner to know it by."""
        return f"...{secret[-4:]}" if len(secret) > 8 else self.terminal.words("set_already" if secret else "none")

    def keep(self, **values: str) -> None:
        """Write settings down; those that the environment also names are told, for it goes before the file."""
        named = {name.upper(): value for name, value in values.items()}
        env_file.change(self._path, named)
        for name in named:
            if os.environ.get(name):
                self.terminal.tell("environment", name=name)
