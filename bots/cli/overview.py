"""`parley lanes`: what waits, since when and with whom, what failed for good, and a way to try that again."""

from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from core import clock
from core.errors import SettingError
from core.lanes.admin import Standing, Upkeep
from core.lanes.lanes import Lanes
from core.settings import Settings
from core.store.redis import open_store
from core.values.channel import ChannelKey

_COLUMNS = ("channel", "waiting", "unsent", "oldest", "process", "tries", "failed")


async def show_lanes(settings: Settings) -> None:
    """Print every lane in which something waits or failed for good."""
    async with open_store(settings.redis_url, settings.data_dir, settings.redis_fsync) as store:
        standings = [standing async for standing in Upkeep(store).standings()]
    table = Table(*_COLUMNS)
    for standing in standings:
        table.add_row(*_row(standing), style="red" if standing.dead else None)
    Console().print(table if standings else "Nothing waits, and nothing failed.")


async def replay(settings: Settings, channel: str, say: Callable[[str], None]) -> None:
    """Have the oldest event or part of a channel that failed for good tried again."""
    wrong = SettingError("--replay", repr(channel), "a channel of `parley lanes` in which something failed")
    try:
        key = ChannelKey.parse(channel)
    except ValueError:
        raise wrong from None
    async with open_store(settings.redis_url, settings.data_dir, settings.redis_fsync) as store:
        if not await Lanes(store).replay(key):
            raise wrong
    say(f"{channel}: back to work.")


def _row(standing: Standing) -> tuple[str, ...]:
    age = "" if standing.since is None else _age(clock.now() - standing.since)
    counts = (standing.events, standing.parts, age, standing.worker_id, standing.attempts, standing.dead)
    return (str(standing.channel), *(str(count) for count in counts))


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{max(0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
