"""`parley lanes`: what waits, since when and with whom, what was set aside, and a way to put that back to work."""

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

_COLUMNS = ("channel", "waiting", "unsent", "oldest", "owner", "tries", "set aside")


async def show_lanes(settings: Settings) -> None:
    """Print every lane in which something waits or was set aside."""
    async with open_store(settings.redis_url, settings.data_dir, settings.redis_fsync) as store:
        standings = [standing async for standing in Upkeep(store).standings()]
    table = Table(*_COLUMNS)
    for standing in standings:
        table.add_row(*_row(standing), style="red" if standing.dead else None)
    Console().print(table if standings else "Nothing waits, and nothing was set aside.")


async def replay(settings: Settings, channel: str, say: Callable[[str], None]) -> None:
    """Put the oldest event or part that was set aside in a channel back to work."""
    wrong = SettingError("--replay", repr(channel), "a channel of `parley lanes` with something set aside")
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
    counts = (standing.events, standing.parts, age, standing.owner, standing.tries, standing.dead)
    return (str(standing.channel), *(str(count) for count in counts))


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{max(0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
