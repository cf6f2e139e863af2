"""Functions that the landing places with files share."""

from __future__ import annotations

import hashlib
from typing import Any

from realmix.tasks.core.contracts.specs import Landed
from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources._compressed import check_bytes
from realmix.tasks.sources._table import read_content

# A file that marks the others in its folder as complete, as Hadoop and Spark write it.
MARKER = "_SUCCESS"
# Prefixes of hidden files, for a shell and for Spark; endings of files that are being written.
HIDDEN = (".", "_")
UNFINISHED = (".tmp", ".part", f".{MARKER}", "~")


def is_batch_name(path: str) -> bool:
    """Return whether a path below a landing place is that of a batch: not hidden, temporary or a marker.

    Examples
    --------
    >>> [is_batch_name(path) for path in ("june.csv", "day=1/part-0", ".june.csv", "june.csv.part", "_temporary/0")]
    [True, True, False, False, False]
    """
    return not path.endswith(UNFINISHED) and not any(part.startswith(HIDDEN) for part in path.split("/"))


def refuse_too_large(n_bytes: int, name: str, cursor: Any) -> Landed | None:
    """Refuse a file by its size, before it is read: at each poll it would be read again; None for any other file."""
    try:
        check_bytes(n_bytes, name)
    except BadInput as err:
        fingerprint = hashlib.sha256(f"{name}\n{n_bytes}".encode(errors="surrogateescape")).hexdigest()
        return Landed(cursor, name, refusal=str(err), fingerprint=fingerprint)
    return None


def read_batch(content: bytes, name: str, cursor: Any, source: dict[str, Any]) -> Landed:
    """Read a file's bytes as a batch, or give the reason why they are not a table.

    Parameters
    ----------
    content : bytes
    name : str
    cursor : JSON-able
        How far the place is read, this file included.
    source : dict
        Kind and location of the file.
    """
    fingerprint = hashlib.sha256(content).hexdigest()
    try:
        rows, detected = read_content(content, name)
    except BadInput as err:
        # With the name: two files of equal content are refused for reasons that name each of them.
        fingerprint = hashlib.sha256(f"{name}\n".encode(errors="surrogateescape") + content).hexdigest()
        return Landed(cursor, name, refusal=str(err), fingerprint=fingerprint)
    return Landed(cursor, name, rows=rows, fingerprint=fingerprint, source={**source, **detected})
