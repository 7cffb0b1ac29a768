"""Uses of the assistant: one TOML file each, read once at start.

A profile is the system words the model is shown and how long its answers may get. To add one, add a file.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources

from core.errors import SettingError
from core.values.sampling import Sampling


@dataclass(frozen=True, slots=True)
class Profile:
    """One use: its name, the system words by language (BCP 47; "en" is always there), the longest answer in tokens
    and how tokens are drawn (by default as the model itself has it).
    """

    name: str
    words: Mapping[str, str]
    max_new_tokens: int
    sampling: Sampling = field(default_factory=Sampling)

    def words_in(self, language: str) -> str:
        """System words in `language`, in English when there are none."""
        return self.words.get(language) or self.words["en"]


def names() -> tuple[str, ...]:
    """Every profile there is, in alphabetical order."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def load(name: str) -> Profile:
    """The profile of that name; SettingError names the ones there are when it is unknown."""
    if name not in names():
        raise SettingError("PROFILE", got=repr(name), wants="one of " + ", ".join(names()))
    fields = tomllib.loads((resources.files(__name__) / f"{name}.toml").read_text("utf-8"))
    return Profile(name, dict(fields["words"]), int(fields["max_new_tokens"]), Sampling(**fields.get("sampling", {})))
