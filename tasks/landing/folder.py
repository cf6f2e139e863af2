"""Files in a folder: CSV, CSV.gz or Parquet, each one a batch."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import time
from collections.abc import Generator, Iterator
from pathlib import Path

from realmix.tasks.core.contracts.specs import Landed, LandingSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card_parts import Operation
from realmix.tasks.landing._files import MARKER, is_batch_name, read_batch, refuse_too_large

log = logging.getLogger("realmix")
# A file that is being copied changes size or time several times a second, over a slow line every second.
SETTLE_SECONDS = 3.0

# Size in bytes and time of the last change in nanoseconds.
Version = list[int]


def read_folder(
    location: str, operation: Operation, cursor: dict[str, Version] | None
) -> Generator[Landed, None, None]:
    """Read the files that are new and complete, the oldest first.

    A file is complete when its size and time of change stay the same for `SETTLE_SECONDS`, or when
    there is a marker that is not older: ``<file>._SUCCESS``, or ``_SUCCESS`` for the whole folder.
    Hidden and temporary files, subfolders and links, which may lead to any file of this machine, are ignored.

    Parameters
    ----------
    location : str
        The folder; ``~`` is the home folder.
    operation : Operation
    cursor : dict of name to version, optional
        Files that were read already, each with its version then.

    Raises
    ------
    BadInput
        If the folder cannot be read.
    """
    folder = Path(location).expanduser()
    listed, misnamed = _list_files(folder), _list_misnamed(folder)
    known = cursor or {}
    seen = {name: version for name, version in known.items() if name in listed or name in misnamed}
    if seen != known:
        yield Landed(seen)
    for name, version in misnamed.items():
        if seen.get(name) != version:
            seen = {**seen, name: version}
            reason = f"The name of the file '{name}' is not UTF-8. Rename it."
            fingerprint = hashlib.sha256(f"{name} {version}".encode()).hexdigest()
            yield Landed(seen, name, refusal=reason, fingerprint=fingerprint)
    new = {name: version for name, version in listed.items() if seen.get(name) != version}
    for name in _complete(folder, new):
        read = {**seen, name: new[name]}
        landed = refuse_too_large(new[name][0], name, read) or _read_unchanged(folder / name, new[name], read)
        if landed is not None:
            seen = read
            yield landed


def _list_files(folder: Path) -> dict[str, Version]:
    try:
        found = {path.name: _version(path) for path in _batches_in(folder) if _is_utf8(path.name)}
    except OSError as err:
        raise BadInput(
            f"The landing folder '{folder}' cannot be read: {err.strerror}. Create it, or correct "
            "`operation.landing` in the card."
        ) from err
    return {name: version for name, version in found.items() if version is not None}


def _list_misnamed(folder: Path) -> dict[str, Version]:
    """List the files whose name is not UTF-8, which no database could hold, with its bytes escaped."""
    found = {
        os.fsencode(path.name).decode("utf-8", "backslashreplace"): _version(path)
        for path in _batches_in(folder)
        if not _is_utf8(path.name)
    }
    return {name: version for name, version in found.items() if version is not None}


def _batches_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if is_batch_name(path.name))


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _version(path: Path) -> Version | None:
    """Return the version of a file; None where there is none, or none any longer."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns] if stat.S_ISREG(found.st_mode) else None


def _complete(folder: Path, new: dict[str, Version]) -> list[str]:
    """List the names of the complete files, the oldest first."""
    whole = [name for name, version in new.items() if _is_marked(folder, name, version)]
    if len(whole) < len(new):
        time.sleep(SETTLE_SECONDS)
        again = _list_files(folder)
        whole += [name for name in new.keys() - set(whole) if again.get(name) == new[name]]
    return sorted(whole, key=lambda name: (new[name][1], name))


def _is_marked(folder: Path, name: str, version: Version) -> bool:
    markers = (_version(folder / marker) for marker in (f"{name}.{MARKER}", MARKER))
    return any(marker is not None and marker[1] >= version[1] for marker in markers)


def _read_unchanged(path: Path, version: Version, cursor: dict[str, Version]) -> Landed | None:
    """Read a file; None where it is gone, unreadable or changed: the next poll tries again."""
    try:
        content = path.read_bytes()
    except OSError as err:
        log.warning("%s cannot be read now (%s); the next poll tries again", path.name, err.strerror)
        return None
    if _version(path) != version:
        return None
    return read_batch(content, path.name, cursor, {"kind": "folder", "location": str(path)})


SPEC = LandingSpec(
    name="folder",
    matches=lambda location: "://" not in location and not location.startswith("sql:"),
    read=read_folder,
)
