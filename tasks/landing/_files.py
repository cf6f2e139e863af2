"""What landing places that hold files have in common."""

from __future__ import annotations

import hashlib
from typing import Any

from realmix.tasks.core.contracts.specs import Landed
from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources._delimited import read_table

# Marks what else in a place is complete; as Hadoop and Spark write it.
MARKER = "_SUCCESS"
# A name that begins so is hidden, for a shell and for Spark; files on their way end so.
HIDDEN = (".", "_")
UNFINISHED = (".tmp", ".part", f".{MARKER}", "~")


def is_batch_name(path: str) -> bool:
    """Whether a path below a landing place is one of a batch: not hidden, temporary or a marker.

    Examples
    --------
    >>> [is_batch_name(path) for path in ("june.csv", "day=1/part-0", ".june.csv", "june.csv.part", "_temporary/0")]
    [True, True, False, False, False]
    """
    return not path.endswith(UNFINISHED) and not any(part.startswith(HIDDEN) for part in path.split("/"))


def read_batch(content: bytes, name: str, cursor: Any, source: dict[str, Any]) -> Landed:
    """Make a batch of the bytes of a file, or say why they are no table.

    Parameters
    ----------
    content : bytes
    name : str
    cursor : JSON-able
        How far the place is read with this file.
    source : dict
        Where the file lies.
    """
    try:
        rows, detected = read_table(content, name)
    except BadInput as err:
        fingerprint = hashlib.sha256(content).hexdigest()
        return Landed(cursor, name, refusal=str(err), fingerprint=fingerprint)
    return Landed(cursor, name, rows=rows, source={**source, **detected})
