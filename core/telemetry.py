"""Logs without secrets, and metrics.

Message text and tokens are never logged at INFO or above. The formatter replaces whatever looks like a token, and what
pydantic quotes, so that a library's own message cannot leak one either.
"""

import logging
import re
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

from core import clock

TURNS = Counter("parley_turns", "Turns by platform and outcome", ["platform", "outcome"])
PERHAPS_TWICE = Counter(
    "parley_perhaps_twice", "Parts that may have arrived although nobody said so", ["platform", "kind"]
)
FENCED = Counter("parley_fenced", "Writes refused because another worker had taken the lane")
REACTIONS = Counter("parley_reactions", "Reactions by rating", ["rating"])
TOKENS = Counter("parley_tokens", "Tokens that the language model read and wrote, where it tells", ["direction"])
TOKENS_KEPT = Counter("parley_tokens_kept", "Of the tokens read, those that were kept from before, where it tells")
VOICE_FAILURES = Counter("parley_voice_failures", "Answers whose voice note could not be made or sent")
CACHE_BYTES = Gauge("parley_lm_cache_bytes", "Bytes of what the local language model keeps of running and past turns")
STAGE = Histogram(
    "parley_stage_seconds",
    "Where the time of a turn goes",
    ["stage"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

_TELEGRAM_TOKEN = re.compile(r"\b\d{6,}:[\w-]{20,}|(?<=/bot)[^/\s]+(?=/)")
_DISCORD_TOKEN = re.compile(r"(/(?:webhooks|interactions)/\d+/)[^/\s?]+")
_QUOTED = re.compile(r"input_value=.*?(?=, input_type=)", re.DOTALL)
"""What pydantic quotes of a value that it refuses: words of people."""
_QUIET = (
    "httpx",
    "httpx2",
    "httpcore",
    "openai",
    "discord",
    "telegram",
    "uvicorn.access",
    "faster_whisper",
    "aiohttp.access",
)


def log(room: str) -> logging.Logger:
    """The logger of one room of Parley."""
    return logging.getLogger(f"parley.{room}")


class _Formatter(logging.Formatter):
    """Redacts the finished line: message, arguments and traceback alike."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s  %(message)s", datefmt="%H:%M:%S")
        self._secrets = tuple(secret for secret in secrets if secret)

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        for secret in self._secrets:
            line = line.replace(secret, "***")
        line = _QUOTED.sub("input_value=***", line)
        return _DISCORD_TOKEN.sub(r"\1***", _TELEGRAM_TOKEN.sub("***", line))


def start_logging(level: str, secrets: Iterable[str] = ()) -> None:
    """Log to stderr; `secrets` are never printed. httpx stays at WARNING: at INFO it logs Telegram's token in URLs."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for library in _QUIET:
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


def count_tokens(read: int, kept: int, written: int) -> None:
    """What one answer took; of the tokens read so many were kept from before."""
    TOKENS.labels("in").inc(read)
    TOKENS.labels("out").inc(written)
    TOKENS_KEPT.inc(kept)


Watcher = Callable[[str, float], None]
_watchers: list[Watcher] = []


@contextmanager
def timed(stage: str) -> Generator[None]:
    """Measure one stage of a turn, in seconds."""
    start = clock.monotonic()
    try:
        yield
    finally:
        seconds = clock.monotonic() - start
        STAGE.labels(stage).observe(seconds)
        for watch in _watchers:
            watch(stage, seconds)


def watch_stages(watcher: Watcher) -> None:
    """Call `watcher(stage, seconds)` for each stage from here on: for benchmarks, which need every sample."""
    _watchers.append(watcher)
