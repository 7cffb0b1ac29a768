"""Faults come from outside: signals, and servers that refuse, hold or hang. What was measured is printed."""

import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.fault.discord_world import Both, joined
from tests.fault.world import World, living

REPORTS: list[str] = []
"""What pytest keeps of each test that ran: why it failed, and what it printed."""
_LAST = "test_23"
Note = Callable[[str], None]


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="parley-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
async def world(data: Path) -> AsyncIterator[World]:
    async with living(data) as world:
        yield world


@pytest.fixture
async def both(data: Path) -> AsyncIterator[Both]:
    async with joined(data) as both:
        yield both


@pytest.fixture
def note(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Note:
    """Prints a line now, whatever is captured."""

    def say(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{request.node.name}: {text}\n")
            sys.stdout.flush()

    return say


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks at all that the other tests left behind comes last."""
    items.sort(key=lambda item: item.name.startswith(_LAST))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep each report."""
    REPORTS.extend([report.longreprtext, *(text for _, text in report.sections)])


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line of all."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        counts = {kind: len(reporter.stats.get(kind, ())) for kind in ("passed", "failed", "error")}
        reporter.write_line(f"{counts['passed']} passed, {counts['failed'] + counts['error']} failed")
