"""What a Parley under test left behind: each line, page and file is looked into for its secrets when it is left."""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

SECRET_SETTINGS = ("DISCORD_TOKEN", "TELEGRAM_TOKEN", "LM_API_KEY", "WEB_TOKEN")
_WRITABLE = (".env",)
"""Where an owner writes secrets down."""


class Trace:
    """Of one Parley. `leaks` says where a secret was, never what it was; `looked_at` counts by kind."""

    def __init__(self, settings: dict[str, str]) -> None:
        given = [settings[name] for name in SECRET_SETTINGS if settings.get(name)]
        # Of a Telegram token the part before the colon is no secret: it is the bot's public id.
        self.secrets = frozenset(form for each in given for part in (each, each.rpartition(":")[2])
                                 for form in (part, quote(part, safe="")))  # fmt: skip
        self.leaks: list[str] = []
        self.looked_at = {"lines": 0, "pages": 0, "files": 0}
        TRACES.append(self)

    def line(self, text: str) -> None:
        """Something it printed."""
        self._look("lines", text.encode(), f"a printed line: {text[:40]!r}...")

    def page(self, address: str, body: bytes) -> None:
        """Something it answered."""
        self._look("pages", body, f"the page {address}")

    def files(self, folder: Path) -> None:
        """All that it keeps on disk at this moment."""
        for file in folder.rglob("*"):
            if file.is_file() and file.name not in _WRITABLE:
                self._look("files", file.read_bytes(), f"the file {file.relative_to(folder)}")

    def _look(self, kind: str, content: bytes, where: str) -> None:
        self.looked_at[kind] += 1
        self.leaks += [where for secret in self.secrets if secret.encode() in content]


TRACES: list[Trace] = []
"""Of every Parley since the tests began."""


def secrets_in(texts: Iterable[str]) -> list[str]:
    """Which of these texts hold a secret of any Parley, each by its beginning."""
    secrets = {secret for trace in TRACES for secret in trace.secrets}
    return [text[:40] for text in texts if any(secret in text for secret in secrets)]
