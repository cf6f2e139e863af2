"""The cache of computed results: each is found again by a key, a hash of everything that decides it.

An entry is one tar file: first a manifest (a small JSON value, and the sha256 of every file), whose
name is its own sha256, then the files. It is written beside its place and moved there in one
step, so it is whole or not there; later damage is noticed by the digests when it is read.
Files are copied in and out, never linked: a study may overwrite its own.

Entries hold rows of the user's tables, so nobody else may enter the folder. They also hold pickled
teachers (the models that label synthetic rows): a study unpickles one only after it fitted it itself
or read it from here, where its digest was checked against a manifest that this program wrote.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import logging
import os
import tarfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.runtime.cache_keys import file_digest

log = logging.getLogger("realmix")
# A study of 2,000 rows caches a few MiB, one of 10,000 rows and all synthesizers a few hundred: room
# for the last dozens of studies, and small beside one environment with torch in it.
MAX_BYTES = 4 * 1024**3
# Making room empties the cache to this share, so that it is not searched again at once.
SHARE_AFTER_CLEANING = 0.9
# A temporary file this old was left by a process that was killed.
STALE_SECONDS = 24 * 3600
CHUNK_BYTES = 1024**2
# Under the home folder. Homes of earlier versions call it so too, and must stay readable.
FOLDER = "store"


class Cache:
    """Results under their keys, bounded in size; processes may share one.

    Parameters
    ----------
    folder : Path
        Must exist for an entry to be written: a machine of a cluster that does not share it caches nothing.
    max_bytes : int
        Where it is exceeded, the least recently used entries are removed.

    Attributes
    ----------
    n_taken : int
        Results found through this object.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     cache = Cache(Path(place))
    ...     cache.put("some key", {"score": 0.5})
    ...     cache.get("some key"), cache.get("other key")
    ({'score': 0.5}, None)
    """

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.n_taken = 0
        self._n_bytes: int | None = None  # of all entries, as far as known; not known before the first one
        self._lock = threading.Lock()

    def get(self, key: str, into: Mapping[str, Path] | None = None) -> dict[str, Any] | None:
        """Find an entry and copy its files out.

        Parameters
        ----------
        key : str
        into : mapping of name to Path, optional
            Where each file or folder of the entry is copied to; others are checked only.

        Returns
        -------
        dict or None
            The entry's value. None where there is no entry, or a damaged one, which is removed;
            nothing is written to `into` then.
        """
        path = self._path(key)
        try:
            file = path.open("rb")
        except OSError:
            return None
        partial: dict[Path, Path] = {}
        try:
            with file, tarfile.open(fileobj=file, mode="r:") as tar:
                value = _unpack(tar, into or {}, partial)
            for temporary, target in partial.items():
                temporary.replace(target)
        except (_Damaged, tarfile.TarError):
            log.warning("A cached result is damaged and is computed again.")
            path.unlink(missing_ok=True)
            return None
        finally:
            for temporary in partial:
                temporary.unlink(missing_ok=True)
        with self._lock:
            self.n_taken += 1
        # The time of change of an entry is its last use; another process may have removed it meanwhile.
        with suppress(OSError):
            os.utime(path)
        return value

    def put(self, key: str, value: dict[str, Any], files: Mapping[str, Path] | None = None) -> None:
        """Store a result; if the cache cannot be written, a warning is logged and nothing else is lost.

        Parameters
        ----------
        key : str
        value : dict
            JSON-able.
        files : mapping of name to Path, optional
            Files and folders; what does not exist is left out.
        """
        path, temporary = self._path(key), self.folder / f".{uuid.uuid4().hex}.tmp"
        try:
            path.parent.mkdir(exist_ok=True)
            _pack(temporary, value, dict(_members(files or {})))
            n_bytes = temporary.stat().st_size
            temporary.replace(path)
        except OSError as err:
            log.warning("A result could not be cached (%s); a later run computes it again.", err.strerror)
            return
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._count(n_bytes)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.tar"

    def _count(self, n_bytes: int) -> None:
        with self._lock:
            if self._n_bytes is None or self._n_bytes + n_bytes > self.max_bytes:
                self._n_bytes = self._make_room()
            else:
                self._n_bytes += n_bytes

    def _make_room(self) -> int:
        """Remove the least recently used entries until the cache is within its bound; return its bytes."""
        oldest = time.time() - STALE_SECONDS
        for temporary in self.folder.glob(".*.tmp"):
            with suppress(OSError):
                if temporary.stat().st_mtime < oldest:
                    temporary.unlink()
        entries = []
        for path in self.folder.glob("*/*.tar"):
            with suppress(OSError):
                found = path.stat()
                entries.append((found.st_mtime_ns, found.st_size, path))
        total = sum(size for _, size, _ in entries)
        target = self.max_bytes * SHARE_AFTER_CLEANING if total > self.max_bytes else total
        for _, size, path in sorted(entries):
            if total <= target:
                break
            with suppress(OSError):
                path.unlink(missing_ok=True)
                total -= size
        return total


@functools.cache
def cache_at(folder: Path) -> Cache:
    """Return the cache in a folder, one object for all threads of this process."""
    return Cache(folder)


def make_cache(home: Path) -> Path:
    """Create the cache's folder under a home, which nobody else may enter.

    Returns
    -------
    Path
    """
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


class _Damaged(Exception):
    """An entry differs from its manifest."""


def _members(files: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Yield files with their names in an entry; those of a folder are called ``name/path/in/folder``."""
    for name, path in files.items():
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            yield from ((f"{name}/{p.relative_to(path).as_posix()}", p) for p in inside)
        elif path.exists():
            yield name, path


def _pack(target: Path, value: dict[str, Any], members: Mapping[str, Path]) -> None:
    """Write an entry."""
    digests = {name: file_digest(path) for name, path in members.items()}
    text = json.dumps({"value": to_jsonable(value), "sha256": digests}).encode()
    with tarfile.open(target, "w") as tar:
        head = tarfile.TarInfo(hashlib.sha256(text).hexdigest())
        head.size = len(text)
        tar.addfile(head, io.BytesIO(text))
        for name, path in members.items():
            info = tarfile.TarInfo(name)
            info.size = path.stat().st_size
            with path.open("rb") as file:
                tar.addfile(info, file)


def _unpack(tar: tarfile.TarFile, into: Mapping[str, Path], partial: dict[Path, Path]) -> dict[str, Any]:
    """Check a whole entry and copy its files beside their targets, which are added to `partial`."""
    head = tar.next()
    text = _content(tar, head).read() if head else b""
    if head is None or hashlib.sha256(text).hexdigest() != head.name:
        raise _Damaged
    manifest: dict[str, Any] = json.loads(text)
    found = set()
    while member := tar.next():
        target = _target(member.name, into)
        digest = hashlib.sha256()
        with _content(tar, member) as source:
            if target is None:
                _copy(source, None, digest)
            else:
                temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
                partial[temporary] = target
                target.parent.mkdir(parents=True, exist_ok=True)
                with temporary.open("wb") as sink:
                    _copy(source, sink, digest)
        if manifest["sha256"].get(member.name) != digest.hexdigest():
            raise _Damaged
        found.add(member.name)
    if found != manifest["sha256"].keys():
        raise _Damaged
    value: dict[str, Any] = manifest["value"]
    return value


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member) if member.isreg() else None
    if content is None:
        raise _Damaged
    return content


def _copy(source: IO[bytes], sink: IO[bytes] | None, digest: Any) -> None:
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        if sink is not None:
            sink.write(chunk)


def _target(name: str, into: Mapping[str, Path]) -> Path | None:
    """Return where a file of an entry goes; a name never leads out of the folder that was given."""
    root, _, rest = name.partition("/")
    if root not in into or ".." in rest.split("/"):
        return None
    return into[root] / rest if rest else into[root]
