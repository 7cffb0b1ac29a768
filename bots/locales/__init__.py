"""What Parley says itself: one TOML file a language, named by its BCP 47 tag.

`[say]` holds the sentences that people read in a chat, `[commands]` what each command does in a few words, `[page]` the
words of the web page, `[setup]` what `parley setup` asks in the terminal. Adding a language is adding one file; English
fills what another file lacks.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

FALLBACK = "en"
_FOLDER = Path(__file__).parent


def language_of_terminal() -> str:
    """The BCP 47 tag that the terminal's LANG names, "" for none."""
    return os.environ.get("LANG", "").partition(".")[0].replace("_", "-")


class Phrases:
    """All languages, read once."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._say: dict[str, dict[str, str]] = {}
        self._page: dict[str, dict[str, str]] = {}
        self._commands: dict[str, dict[str, str]] = {}
        self._setup: dict[str, dict[str, str]] = {}
        for file in sorted(folder.glob("*.toml")):
            words = tomllib.loads(file.read_text("utf-8"))
            self._say[file.stem] = words["say"]
            self._page[file.stem] = words["page"]
            self._commands[file.stem] = words["commands"]
            self._setup[file.stem] = words.get("setup", {})

    @property
    def languages(self) -> tuple[str, ...]:
        """The tags that have a file."""
        return tuple(self._say)

    def closest(self, tag: str) -> str:
        """The language with a file that is nearest to a BCP 47 tag: `zh-CN` and `zh` find `zh-Hans`."""
        lowered = tag.replace("_", "-").lower()
        for known in self._say:
            if known.lower() == lowered:
                return known
        base = lowered.split("-")[0]
        return next((known for known in self._say if known.lower().split("-")[0] == base), FALLBACK)

    def say(self, key: str, language: str, /, **params: object) -> str:
        """One sentence with its blanks filled; KeyError when no language has it."""
        words = self._say[self.closest(language)]
        return (words.get(key) or self._say[FALLBACK][key]).format(**params)

    def command(self, name: str, language: str) -> str:
        """What a command does, in a few words."""
        return self._commands[self.closest(language)].get(name) or self._commands[FALLBACK][name]

    def setup(self, language: str, key: str, /, **params: object) -> str:
        """What `parley setup` says, its blanks filled; KeyError when no language has it."""
        words = self._setup[self.closest(language)]
        return (words.get(key) or self._setup[FALLBACK][key]).format(**params)

    def page(self, language: str) -> Mapping[str, str]:
        """The web page's words, English filling the gaps."""
        return {**self._page[FALLBACK], **self._page[self.closest(language)]}
