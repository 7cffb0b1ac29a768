"""The model hub: what a repository holds, and one file of it, gone on with where it broke off.

HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and proxies are huggingface_hub's own. The bytes are read here and not by its
`snapshot_download`, which can neither be stopped nor told how long to wait for a silent hub.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from threading import Event
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, get_session

from core.errors import PermanentError
from core.models.aside import Stopped

_CONNECT_S = 5.0
STALL_S = 6.0
"""Without a byte for so long, a connection is given up."""
_TRIES = 2
"""In a row that bring nothing."""
_PAUSE_S = 1.0
_CHUNK = 1 << 20
_EARS = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
_TRANSFORMERS = ("*.json", "*.safetensors", "*.jinja", "tokenizer.model", "merges.txt", "vocab.txt")
_BEST = ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_1", "q4_0", "bf16", "f16")
"""Of a GGUF repository's files: weights are computed with in int8, and what is stored in less has lost already."""
_PART_OF_SEVERAL = re.compile(r"-\d+-of-\d+\.gguf$|mmproj", re.IGNORECASE)


def host() -> str:
    """Where the hub is: HF_ENDPOINT's, as it is shown."""
    return urlsplit(constants.ENDPOINT).netloc


Told = Callable[[str, int], None]
"""Is told the file and how many bytes of it came."""


class NoHub(Exception):
    """The hub does not answer, or not as one; the text says how."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository; `size` in bytes, `digest` in hexadecimal digits.

    Git's own digest is SHA-1 over a header and the bytes (git-hash-object); large files have a SHA-256.
    """

    path: str
    size: int
    digest: str
    algorithm: Literal["sha256", "git-sha1"]

    @property
    def name(self) -> str:
        """Without the repository's folders."""
        return self.path.rsplit("/", 1)[-1]

    def hasher(self) -> Any:
        """A new digest of hashlib, to be fed the file's bytes."""
        if self.algorithm == "sha256":
            return hashlib.sha256()
        return hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """A repository at one commit: the files of it that are wanted."""

    hub: str
    commit: str
    files: tuple[RemoteFile, ...]
    licence: str


def listing(hub: str, revision: str, wanted: Sequence[str]) -> Listing:
    """What is to be fetched of a repository; without `wanted`, what its kind of model needs.

    NoHub when nobody answers; PermanentError when it has no such model, or it is not given to us. Blocks.
    """
    try:
        info = HfApi().model_info(hub, revision=revision, files_metadata=True, timeout=_CONNECT_S)
    except GatedRepoError as error:
        raise PermanentError(
            f"{hub} is given only to those who accepted its licence at {host()}: set HF_TOKEN"
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        raise PermanentError(f"there is no model {hub} at {host()}") from error
    except HfHubHTTPError as error:
        raise _refusal(hub, error.response.status_code) from error
    except OfflineModeIsEnabled as error:
        raise PermanentError(f"{hub} is not here, and HF_HUB_OFFLINE is set") from error
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise NoHub(reason(error)) from error
    found = {each.rfilename: each for each in info.siblings or ()}
    files = tuple(_file(hub, found[path]) for path in chosen(tuple(found), wanted))
    if not files:
        raise PermanentError(f"{hub} has no {' or '.join(wanted) or 'model that Parley can load'}")
    if len({file.name for file in files}) < len(files):
        raise PermanentError(f"{hub} has several files of one name in several folders: name the one that is wanted")
    return Listing(hub, str(info.sha), files, str((info.card_data or {}).get("license") or ""))


def chosen(paths: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """Of a repository's paths those to fetch: the wanted ones, or those that its kind of model needs."""
    if wanted:
        return tuple(path for path in paths if path in wanted)
    top = [path for path in paths if "/" not in path]

    def of(patterns: Sequence[str]) -> tuple[str, ...]:
        return tuple(path for path in top if any(fnmatch(path, pattern) for pattern in patterns))

    if "model.bin" in top and of(["vocabulary.*"]):
        return of(_EARS)
    if of(["*.safetensors"]):
        return of(_TRANSFORMERS)
    if of(["pytorch_model*.bin"]):  # of before safetensors; torch reads no code out of them since 2.6
        return of((*_TRANSFORMERS, "pytorch_model*.bin"))
    files = [path for path in top if path.endswith(".gguf") and not _PART_OF_SEVERAL.search(path)]
    if best := next((path for kind in _BEST for path in files if kind in path.lower()), None):
        return (best,)
    voices = of(["*.onnx", "*.onnx.json"])
    return voices if len(voices) == 2 else ()


def download(source: Listing, file: RemoteFile, target: Path, stop: Event, told: Told) -> None:
    """The bytes of a file, those that `target` holds left out. Blocks; nothing is written after `stop`.

    NoHub when it stays silent or breaks off twice without a byte; PermanentError for bytes of another digest, which
    are thrown away.
    """
    tries = 0
    while (there := target.stat().st_size if target.exists() else 0) < file.size:
        try:
            _stream(source, file, target, there, stop, told)
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            broke_off = reason(error)
        else:
            broke_off = "it broke off"
        if (came := target.stat().st_size if target.exists() else 0) < file.size:
            tries = 0 if came > there else tries + 1
            if tries >= _TRIES:
                raise NoHub(broke_off)
            stop.wait(_PAUSE_S)
    if _digest(target, file.hasher()) != file.digest:
        target.unlink()
        raise PermanentError(
            f"{file.name} came from {host()} with another digest than {source.hub} names: it was thrown away"
        )


def sha256(path: Path) -> str:
    """In hexadecimal digits. Blocks: a second or two for a gigabyte."""
    return _digest(path, hashlib.sha256())


def reason(error: Exception) -> str:
    """In a few words, why nothing came."""
    if isinstance(error, httpx2.TimeoutException):
        return "no answer in time"
    said = (str(error).splitlines() or [""])[0]
    return re.sub(r"^\[Errno -?\d+\] ", "", said) or type(error).__name__


def _stream(source: Listing, file: RemoteFile, target: Path, there: int, stop: Event, told: Told) -> None:
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    url = hf_hub_url(source.hub, file.path, revision=source.commit)
    timeout = httpx2.Timeout(STALL_S, connect=_CONNECT_S)
    with get_session().stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as answer:
        if answer.status_code == 416:  # it has less than what is here, which therefore is not of it
            target.unlink()
            raise httpx2.RemoteProtocolError("it does not go on with what is here")
        if answer.status_code not in (200, 206):
            raise _refusal(f"{source.hub}/{file.path}", answer.status_code)
        goes_on = answer.status_code == 206
        if there and not goes_on:
            told(file.name, -there)
        left = file.size - (there if goes_on else 0)
        with target.open("ab" if goes_on else "wb") as out:
            for (
                chunk
            ) in answer.iter_raw():  # as they come: a size would keep some back, and lose them when it breaks off
                if stop.is_set():
                    raise Stopped
                out.write(chunk)
                told(file.name, len(chunk))
                left -= len(chunk)
                if left < 0:  # more than it is to be: its digest will not fit
                    return


def _digest(path: Path, hasher: Any) -> str:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def _file(hub: str, sibling: Any) -> RemoteFile:
    path, size = str(sibling.rfilename), sibling.size
    if size is not None and sibling.lfs:
        return RemoteFile(path, size, sibling.lfs.sha256, "sha256")
    if size is not None and sibling.blob_id:
        return RemoteFile(path, size, sibling.blob_id, "git-sha1")
    raise PermanentError(f"{host()} names no digest of {hub}/{path}, so that it cannot be checked")


def _refusal(what: str, status: int) -> Exception:
    if status >= 500 or status in (408, 429):
        return NoHub(f"it answers {status}")
    return PermanentError(f"{host()} does not give {what} ({status})")
