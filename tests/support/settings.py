"""Settings as a test wants them."""

from typing import Any

from core.settings import Settings


def settings_of(**chosen: Any) -> Settings:
    """The usual ones but for those chosen; no .env is read."""
    return Settings(_env_file=None, **chosen)  # pyright: ignore[reportCallIssue]
