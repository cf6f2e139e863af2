"""The cache of computed results: each is found again by a key, a hash of everything that decides it.

An entry is one tar archive: first a manifest (a small JSON value, and the sha256 of every file), whose
name is its seal, then the files. Entries are compressed rows of one SQLite file, so that the
thousands of a study are not as many files; a large one is a file of its own, written beside its place and
moved there in one step. Either is whole or not there; later damage is noticed by the digests when it is
read. Files are copied in and out, never linked: a study may overwrite its own.

Entries hold rows of the user's tables, so nobody else may enter the folder. They also hold pickled
teachers (the models that label synthetic rows): a study unpickles one only after it fitted it itself
or read it from here, where its digest was checked against a manifest that was sealed with the key of this
home. Entries of another home, or that somebody changed, count as damaged and are computed again.
"""

from __future__ import annotations

import fcntl
import functools
import io
import logging
import os
import secrets
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.archive import Damaged, Seal, extract, members, pack
from realmix.tasks.runtime.study_folder import is_held

log = logging.getLogger("realmix")
# A study of 2,000 rows caches a few MiB, one of 10,000 rows and all synthesizers a few hundred: room
# for the last dozens of studies, and small beside one environment with torch in it.
MAX_BYTES = 1024**3
# Making room empties the cache to this share, so that it is not searched again at once.
SHARE_AFTER_CLEANING = 0.9
# A temporary file this old was left by a process that was killed.
STALE_SECONDS = 24 * 3600
# A larger archive is a file of its own, which is read and written in chunks.
LARGE_BYTES = 32 * 1024**2
DATABASE = "results.sqlite"
# Of zstd: the 45 MB of a study of 2,000 rows take 7 % less room than at level 1, and 0.4 s more.
LEVEL = 9
# Another process holds the file for milliseconds; under heavy load for seconds.
BUSY_SECONDS = 60
TABLES = """
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, used REAL, n_bytes INTEGER, packed BLOB);
"""
# Of a file that a running study holds; the time of its making is when the study began.
PIN = ".study"
# Under the home folder. Homes of earlier versions call it so too, and must stay readable.
FOLDER = "store"
# Beside that folder; whoever reads it can make entries, so its user alone may.
KEY = "cache-key"


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
    ...     cache = Cache(make_cache(Path(place)))
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
        self._is_made = False

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
        found = self._open(key)
        if found is None:
            return None
        try:
            with found as file:
                value = extract(file, into or {}, self._seal(key))
        except Damaged:
            self._remove_damaged(key)
            return None
        with self._lock:
            self.n_taken += 1
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
        temporary = self.folder / f".{uuid.uuid4().hex}.tmp"
        try:
            pack(temporary, value, dict(members(files or {})), self._seal(key))
            n_bytes = self._store(key, temporary)
        except (OSError, sqlite3.Error) as err:
            reason = getattr(err, "strerror", None) or str(err)
            log.warning("A result could not be cached (%s); a later run computes it again.", reason)
            return
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._count(n_bytes)

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """Keep every entry that is written or found during the block, whatever room others need.

        A cache that cannot be written is not pinned: what it loses is computed again.
        """
        with ExitStack() as stack:
            with suppress(OSError):
                stack.enter_context(self._pin())
            yield

    def remove_unused(self, before: float, *, is_dry: bool) -> tuple[int, int]:
        """Remove what was last used before a moment, in seconds since 1970, and by no study that still runs.

        Returns
        -------
        tuple of int
            How many entries, and their bytes; removed, or only counted.
        """
        before = min(before, self._pinned_since(time.time()))
        unused = [(size, place) for used, size, place in self._entries() if used < before]
        if not is_dry:
            self._remove([place for _, place in unused])
        return len(unused), sum(size for size, _ in unused)

    def clear(self) -> int:
        """Remove every entry; return how many there were.

        Raises
        ------
        BadInput
            While a study runs: it would write its results again.
        """
        now = time.time()
        if self._pinned_since(now) <= now:
            raise BadInput(
                "A study runs in this home, and uses the cache: wait until it has ended, then run this again."
            )
        places = [place for _, _, place in self._entries()]
        self._remove(places)
        for temporary in self.folder.glob(".*.tmp"):
            temporary.unlink(missing_ok=True)
        return len(places)

    @contextmanager
    def _pin(self) -> Iterator[None]:
        """Hold a locked file: its lock ends with the process, however it ends."""
        pin = self.folder / f"{uuid.uuid4().hex}{PIN}"
        begun = pin.with_name(f".{pin.stem}.tmp")
        with begun.open("w") as file:
            # Locked before it is called a pin: nobody may take it for that of a dead study.
            fcntl.flock(file, fcntl.LOCK_EX)
            begun.replace(pin)
            try:
                yield
            finally:
                with suppress(OSError):
                    pin.unlink()

    def _seal(self, name: str) -> Seal:
        return Seal(_key_in(self.folder.parent / KEY), name)

    def _open(self, key: str) -> IO[bytes] | None:
        """Open the archive of an entry, and note its use; None where there is none."""
        with suppress(OSError):
            file = self._path(key).open("rb")
            # The time of change of a file is its last use; another process may have removed it meanwhile.
            with suppress(OSError):
                os.utime(self._path(key))
            return file
        rows = self._try(
            "UPDATE entries SET used = ? WHERE key = ? RETURNING n_bytes, packed", time.time(), key
        )
        if not rows:
            return None
        try:
            return io.BytesIO(_decompress(*rows[0]))
        except OSError:
            self._remove_damaged(key)
            return None

    def _store(self, key: str, archive: Path) -> int:
        """Move an archive to its place; return the bytes that it takes there."""
        n_bytes = archive.stat().st_size
        if not 0 <= n_bytes <= LARGE_BYTES:
            self._path(key).parent.mkdir(exist_ok=True)
            archive.replace(self._path(key))
            return n_bytes
        packed = _compress(archive.read_bytes())
        with self._connected() as database:
            database.execute("REPLACE INTO entries VALUES (?, ?, ?, ?)", (key, time.time(), n_bytes, packed))
        return len(packed)

    def _remove_damaged(self, key: str) -> None:
        log.warning("A cached result is damaged and is computed again.")
        self._path(key).unlink(missing_ok=True)
        self._try("DELETE FROM entries WHERE key = ?", key)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Open the database for one transaction; remove it if it is damaged."""
        try:
            with closing(sqlite3.connect(self.folder / DATABASE, timeout=BUSY_SECONDS)) as database, database:
                if not self._is_made:
                    # Most entries take 3 to 5 KB: a twentieth of the file would be empty ends of larger pages.
                    database.execute("PRAGMA page_size = 1024")
                    database.execute("PRAGMA auto_vacuum = FULL")
                    database.executescript(TABLES)
                    self._is_made = True
                # Lost with the machine's power, a result is computed again: no wait for the disk.
                database.execute("PRAGMA synchronous = OFF")
                yield database
        except sqlite3.OperationalError:
            self._is_made = False
            raise
        except sqlite3.DatabaseError:
            log.warning("The cache's file is damaged and is begun anew.")
            self._is_made = False
            (self.folder / DATABASE).unlink(missing_ok=True)
            raise

    def _try(self, statement: str, *values: Any) -> list[Any]:
        """Execute a statement, if the cache can be written."""
        try:
            with self._connected() as database:
                return database.execute(statement, values).fetchall()
        except sqlite3.Error:
            return []

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.tar"

    def _count(self, n_bytes: int) -> None:
        with self._lock:
            if self._n_bytes is None or self._n_bytes + n_bytes > self.max_bytes:
                self._n_bytes = self._make_room()
            else:
                self._n_bytes += n_bytes

    def _make_room(self) -> int:
        """Remove the least recently used entries until the cache is within its bound; return its bytes.

        What a study has used that still runs stays.
        """
        now = time.time()
        for temporary in self.folder.glob(".*.tmp"):
            with suppress(OSError):
                if temporary.stat().st_mtime < now - STALE_SECONDS:
                    temporary.unlink()
        found = self._entries()
        total = sum(size for _, size, _ in found)
        if total <= self.max_bytes:
            return total
        pinned_since = self._pinned_since(now)
        going = []
        for used, size, place in sorted(found, key=lambda entry: entry[0]):
            if total <= self.max_bytes * SHARE_AFTER_CLEANING or used >= pinned_since:
                break
            going.append(place)
            total -= size
        self._remove(going)
        return total

    def _pinned_since(self, now: float) -> float:
        """Return when the longest of the running studies began; in the future where none runs."""
        began = [now + 1]
        for pin in self.folder.glob(f"*{PIN}"):
            with suppress(OSError):  # it ended just now
                if is_held(pin):
                    began.append(pin.stat().st_mtime)
                else:
                    pin.unlink()
        return min(began)

    def _entries(self) -> list[tuple[float, int, Path | str]]:
        """List the last use, bytes and place of each entry: a file, or the key of a row."""
        entries: list[tuple[float, int, Path | str]] = []
        for path in self.folder.glob("*/*.tar"):
            with suppress(OSError):
                found = path.stat()
                entries.append((found.st_mtime, found.st_size, path))
        rows = self._try("SELECT used, length(packed), key FROM entries")
        return entries + [(used, size, key) for used, size, key in rows]

    def _remove(self, places: list[Path | str]) -> None:
        for path in (place for place in places if isinstance(place, Path)):
            with suppress(OSError):
                path.unlink(missing_ok=True)
        keys = [(place,) for place in places if isinstance(place, str)]
        with suppress(sqlite3.Error), self._connected() as database:
            database.executemany("DELETE FROM entries WHERE key = ?", keys)


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


@functools.cache
def _key_in(path: Path) -> bytes:
    """Read the key of a cache; make one where there is none, or others may read or have made it."""
    with suppress(FileNotFoundError):
        found = path.stat()
        if not found.st_mode & 0o077 and found.st_uid == os.getuid():
            return path.read_bytes()
        path.unlink()
    begun = path.with_name(f".{uuid.uuid4().hex}.tmp")
    with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(32))
    with suppress(FileExistsError):  # another process was faster
        path.hardlink_to(begun)
    begun.unlink()
    return path.read_bytes()


def _compress(archive: bytes) -> bytes:
    import pyarrow as pa

    packed: bytes = pa.Codec("zstd", compression_level=LEVEL).compress(archive, asbytes=True)
    return packed


def _decompress(n_bytes: int, packed: bytes) -> bytes:
    """Return an archive; raise OSError for one that is damaged, or says that it is larger than any here."""
    import pyarrow as pa

    try:
        if not 0 <= n_bytes <= LARGE_BYTES:
            raise OSError("too large")
        archive: bytes = pa.decompress(packed, decompressed_size=n_bytes, codec="zstd", asbytes=True)
    except (TypeError, ValueError, OverflowError) as err:
        raise OSError("damaged") from err
    return archive
