"""Chain the entries of the decision record by hashes, so that a later change is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def chain_digest(previous: str, *entry: str) -> str:
    """Hash an entry together with the digest of the entry before it.

    Parameters
    ----------
    previous : str
        Digest of the previous entry; empty for the first.
    *entry : str
        Table, moment, kind and document, as they are stored.

    Returns
    -------
    str
        sha256 in hexadecimal.
    """
    return hashlib.sha256(json.dumps([previous, *entry]).encode()).hexdigest()


def find_broken_link(rows: Iterable[Mapping[str, Any]]) -> int | None:
    """Return the id of the first entry that does not follow from the ones before it; None if all do.

    Parameters
    ----------
    rows : iterable of mapping
        ``id``, ``table_name``, ``made_at``, ``kind``, ``document``, ``previous`` and ``digest`` of every
        entry of every table, oldest first.

    Examples
    --------
    >>> entry = {"table_name": "bank", "made_at": "2026-01-01", "kind": "retraining", "document": "{}"}
    >>> row = entry | {"id": 1, "previous": "", "digest": chain_digest("", *entry.values())}
    >>> find_broken_link([row]), find_broken_link([row | {"document": '{"level": "skip"}'}])
    (None, 1)
    """
    previous = ""
    for row in rows:
        entry = (row["table_name"], row["made_at"], row["kind"], row["document"])
        if row["previous"] != previous or row["digest"] != chain_digest(previous, *entry):
            return int(row["id"])
        previous = row["digest"]
    return None
