"""The cache: each thing is computed once, and found again by a key of everything that decides it.

An entry is one tar file: first a manifest (a small JSON value, and the sha256 of every file) that
is called by its own sha256, then the files. It is written beside its place and moved there in one
step, so it is whole or not there; what is damaged later is noticed by its digests when it is read.
Files are copied in and out, never linked: a study may write over its own.

Entries hold rows of the user's tables, so nobody else may enter the folder. They also hold the
studies' own pickled teachers: one is unpickled only after its study fitted it or took it from here,
where its digest was checked against a manifest that this program wrote.
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
# A study of 2,000 rows files away a few MiB, one of 10,000 rows and all synthesizers a few hundred: room
# for the last dozens of studies, and small beside one environment with torch in it.
MAX_BYTES = 4 * 1024**3
# Making room empties the cache to this share, so that it is not searched again at once.
KEPT_SHARE = 0.9
# A temporary file this old was left by a process that was killed.
STALE_SECONDS = 24 * 3600
CHUNK_BYTES = 1024**2
FOLDER = "store"


class Cache:
    """Results filed under their keys, bounded in size; processes may share one.

    Parameters
    ----------
    folder : Path
        Must be there to take an entry: a machine of a cluster that does not share it stores nothing.
    max_bytes : int
        Where it is exceeded, the entries that were not used for longest go.

    Attributes
    ----------
    n_taken, n_filed : int
        Results found and results filed through this object.

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
        self.n_filed = 0
        self._n_bytes: int | None = None  # as far as this object knows; not known before the first entry
        self._lock = threading.Lock()

    def get(self, key: str, into: Mapping[str, Path] | None = None) -> dict[str, Any] | None:
        """Find an entry and copy its files out.

        Parameters
        ----------
        key : str
        into : mapping of name to Path, optional
            Where each file or folder of the entry goes; others are checked and left.

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
            log.warning("a stored result is damaged: it is computed again")
            path.unlink(missing_ok=True)
            return None
        finally:
            for temporary in partial:
                temporary.unlink(missing_ok=True)
        self._use(path)
        return value

    def put(self, key: str, value: dict[str, Any], files: Mapping[str, Path] | None = None) -> None:
        """File a result away; a cache that cannot be written costs only the repetition.

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
            log.warning("a result could not be stored (%s): it would be computed again", err.strerror)
            return
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._count(n_bytes)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.tar"

    def _use(self, path: Path) -> None:
        """Note that an entry was used just now: its time of change is its last use."""
        with self._lock:
            self.n_taken += 1
        with suppress(OSError):  # another process may have made room meanwhile
            os.utime(path)

    def _count(self, n_bytes: int) -> None:
        with self._lock:
            self.n_filed += 1
            if self._n_bytes is None or self._n_bytes + n_bytes > self.max_bytes:
                self._n_bytes = self._make_room()
            else:
                self._n_bytes += n_bytes

    def _make_room(self) -> int:
        """Remove what was not used for longest until the cache is within its bound; bytes that stay."""
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
        target = self.max_bytes * KEPT_SHARE if total > self.max_bytes else total
        for _, size, path in sorted(entries):
            if total <= target:
                break
            with suppress(OSError):
                path.unlink(missing_ok=True)
                total -= size
        return total


@functools.cache
def cache_at(folder: Path) -> Cache:
    """The cache in a folder, one object for all threads of this process."""
    return Cache(folder)


def make_cache(home: Path) -> Path:
    """Make the cache's folder under a home, which nobody else may enter.

    Returns
    -------
    Path
    """
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


class _Damaged(Exception):
    """An entry is not what its manifest says."""


def _members(files: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Files by their name in an entry; those of a folder are called ``name/path/in/folder``."""
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
    """Check a whole entry and copy its files beside their targets, which are noted in `partial`."""
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
    """Where a file of an entry goes; a name never leads out of the folder that was given."""
    root, _, rest = name.partition("/")
    if root not in into or ".." in rest.split("/"):
        return None
    return into[root] / rest if rest else into[root]
