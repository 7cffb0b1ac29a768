"""`parley pair`: who waits to be let in and who was; a code confirmed; access taken back."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core import clock
from core.errors import SettingError
from core.intake.pairing import Pairing, Stranger
from core.lanes.lanes import Lanes
from core.settings import Settings
from core.store.redis import Store, open_store
from core.thinking import prompt

Say = Callable[[str], None]


async def show_pairing(settings: Settings) -> None:
    """Print who waits with a code, and who was let in by one."""
    async with open_store(settings.redis_url, settings.data_dir, settings.redis_fsync) as store:
        pairing = _pairing(store)
        waiting, let_in = await pairing.waiting(), await pairing.let_in()
    console = Console()
    console.print(_table("waiting", waiting, codes=True) if waiting else "Nobody waits with a code.")
    console.print(_table("let in", let_in, codes=False) if let_in else "Nobody was let in by a code.")


async def confirm(settings: Settings, code: str, say: Say) -> None:
    """Let in who has this code; SettingError when nobody has."""
    async with open_store(settings.redis_url, settings.data_dir, settings.redis_fsync) as store:
        found = await _pairing(store).confirm(code, at_the_machine=True)
    if found is None:
        raise SettingError("CODE", repr(code), "a code of the last hour, as `parley pair` shows them")
    say(f"{found.who} ({prompt.label(found.sender.name)}) may talk to Parley now.")
    if not found.group:
        say(f"To let them confirm others by /pair as well: OWNERS={found.who} in .env")


async def remove(settings: Settings, who: str, say: Say) -> None:
    """Take back what a code gave; SettingError when there is nothing to take."""
    async with open_store(settings.redis_url, settings.data_dir, settings.redis_fsync) as store:
        if not await _pairing(store).remove(who):
            raise SettingError("--remove", repr(who), "somebody of `parley pair` who was let in, such as telegram:123")
    say(f"{who} has no access any more, from ten seconds on.")


def _pairing(store: Store) -> Pairing:
    return Pairing(store, Lanes(store))


def _table(title: str, strangers: Sequence[Stranger], *, codes: bool) -> Table:
    """Names are what strangers chose, so nothing in them may be taken for markup."""
    table = Table("who", "asked by", *(("code", "good for") if codes else ()), title=title)
    for one in strangers:
        code = (one.code, f"{max(0.0, one.ends - clock.now()) / 60:.0f} min") if codes else ()
        table.add_row(one.who, Text(prompt.label(one.sender.name)), *code)
    return table
