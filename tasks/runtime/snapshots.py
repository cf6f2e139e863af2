"""Tables on disk: snapshots named by a hash of their content, which tasks pass instead of rows."""

from __future__ import annotations

import datetime
import errno
import hashlib
import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.with_columns import with_columns

FORMAT_VERSION = 1
# In the note of a snapshot whose rows were removed: the digest of what is left of them.
REPLACED_BY = "replaced_by"
NEXT_STEPS = {
    errno.ENOSPC: ("no space is left on the device", "Free some space, or choose another --out."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space, or choose another --out."),
    errno.EACCES: ("it is not writable", "Change its permissions, or choose another --out."),
    errno.EPERM: ("it is not writable", "Change its permissions, or choose another --out."),
    errno.EROFS: ("the file system is read-only", "Choose another --out."),
    errno.ENOTDIR: ("a part of the path is a file", "Choose another --out."),
    errno.EEXIST: ("a part of the path is a file", "Choose another --out."),
}


@dataclass(frozen=True)
class Snapshot:
    """The rows of a source at one moment.

    Attributes
    ----------
    path : Path
        ``<digest>.parquet``; beside it ``<digest>.json``.
    digest : str
        sha256 over names, types and values.
    n_rows : int
    columns : tuple of (name, type)
    source : dict
        The source's description, without secrets.
    taken_at : str
        ISO 8601, UTC: when this content was first seen; empty where it is not stored yet.
    in_memory : list of DataFrame
        The rows, where a caller has just read them and hands them on; else nothing, and the file is read.
    """

    path: Path
    digest: str
    n_rows: int
    columns: tuple[tuple[str, str], ...]
    source: dict[str, Any]
    taken_at: str
    in_memory: list[pd.DataFrame] = field(default_factory=list, compare=False, repr=False)

    def forget_rows(self) -> None:
        """Free the rows in memory, for whoever else holds this snapshot as well: Prefect keeps the results of tasks."""
        self.in_memory.clear()

    def read(self) -> pd.DataFrame:
        """Read the rows.

        Raises
        ------
        BadInput
            If the file is gone or damaged.
        """
        return self.in_memory[0] if self.in_memory else read_parquet(self.path)


def take_snapshot(raw: pd.DataFrame, folder: Path, *, source: dict[str, Any]) -> Snapshot:
    """Store a table under the hash of its content; the same content is stored once.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
        As a source loaded it. The index is left out; columns of mixed types become text.
    folder : Path
        Made as needed.
    source : dict
        The source's description. Where its ``row_order`` is ``"unspecified"`` (a database
        without ORDER BY), the digest does not depend on the order of the rows, and the
        order in which this content was first seen stays the order of the snapshot.

    Returns
    -------
    Snapshot

    Raises
    ------
    BadInput
        If the folder cannot be written; no partial file is left.
    """
    snapshot = store(describe_snapshot(raw, folder, source=source))
    snapshot.forget_rows()
    return snapshot


def describe_snapshot(raw: pd.DataFrame, folder: Path, *, source: dict[str, Any]) -> Snapshot:
    """Return the snapshot that :func:`take_snapshot` would take, with its rows, and write nothing."""
    rows, is_ordered = storable(raw.reset_index(drop=True)), source.get("row_order") != "unspecified"
    digest = frame_digest(rows, is_ordered=is_ordered)
    path = folder / f"{digest}.parquet"
    if _is_stored(path):
        known = open_snapshot(path)
        return replace(known, in_memory=[rows if is_ordered else known.read()])
    columns = tuple((str(name), str(dtype)) for name, dtype in rows.dtypes.items())
    return Snapshot(path, digest, len(rows), columns, source, "", [rows])


def store(snapshot: Snapshot) -> Snapshot:
    """Write a snapshot that has its rows, unless it is stored already."""
    path = snapshot.path
    if snapshot.in_memory and not _is_stored(path):
        rows = snapshot.read()
        note = _note(rows, snapshot.digest, snapshot.source)
        write_atomically(path, lambda file: rows.to_parquet(file, engine="pyarrow", index=False))
        # The note is written last: where it exists, the snapshot is complete.
        write_atomically(path.with_suffix(".json"), lambda file: file.write_text(note, encoding="utf-8"))
    else:
        path.with_suffix(".json").touch()  # its last use, by which old ones are cleaned away
    return replace(open_snapshot(path), in_memory=snapshot.in_memory)


def _is_stored(path: Path) -> bool:
    return path.exists() and path.with_suffix(".json").exists()


def open_snapshot(path: Path) -> Snapshot:
    """Open the snapshot of a Parquet file by the note beside it, or the one that took its place.

    Raises
    ------
    BadInput
        If its note is missing or damaged.
    """
    try:
        note = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if REPLACED_BY in note:
            return open_snapshot(path.with_name(f"{note[REPLACED_BY]}.parquet"))
        columns = tuple((column["name"], column["type"]) for column in note["columns"])
        return Snapshot(path, note["digest"], note["n_rows"], columns, note["source"], note["taken_at"])
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise BadInput(
            f"The snapshot {path} has no readable note {path.stem}.json beside it. "
            "Delete both files and run again."
        ) from err


def redirect_snapshot(path: Path, present: str) -> None:
    """Remove the rows of a snapshot; who opens it by its digest gets another one.

    Parameters
    ----------
    path : Path
        Of its Parquet file.
    present : str
        Digest of the other one, in the same folder.
    """
    note = json.dumps({"format_version": FORMAT_VERSION, "digest": path.stem, REPLACED_BY: present})
    write_atomically(path.with_suffix(".json"), lambda file: file.write_text(note, encoding="utf-8"))
    path.unlink(missing_ok=True)


def _note(raw: pd.DataFrame, digest: str, source: dict[str, Any]) -> str:
    note = {
        "format_version": FORMAT_VERSION,
        "digest": digest,
        "n_rows": len(raw),
        "columns": [{"name": name, "type": str(dtype)} for name, dtype in raw.dtypes.items()],
        "source": source,
        "taken_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    return json.dumps(note, indent=1, ensure_ascii=False, default=str) + "\n"


def frame_digest(frame: pd.DataFrame, *, is_ordered: bool = True) -> str:
    """Hash the content of a table, whatever file it comes from.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        The index counts unless it is 0, 1, 2, ....
    is_ordered : bool
        False to give equal digests to the same rows in any order.

    Returns
    -------
    str
        sha256 in hexadecimal.

    Examples
    --------
    >>> one, other = pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [2, 1]})
    >>> frame_digest(one) == frame_digest(other)
    False
    >>> frame_digest(one, is_ordered=False) == frame_digest(other, is_ordered=False)
    True
    """
    has_index = not frame.index.equals(pd.RangeIndex(len(frame)))
    header = [len(frame), [[str(name), str(dtype)] for name, dtype in frame.dtypes.items()], is_ordered]
    # NaN has many bit patterns, of which Parquet preserves one.
    floats = {name: frame[name].where(frame[name].notna()) for name in frame.select_dtypes(np.floating)}
    rows = pd.util.hash_pandas_object(with_columns(frame, floats), index=has_index).to_numpy(np.uint64)
    digest = hashlib.sha256(json.dumps(header).encode())
    digest.update((rows if is_ordered else np.sort(rows)).astype("<u8").tobytes())
    return digest.hexdigest()


def storable(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert every column to one that Parquet returns exactly as it was written.

    Columns of mixed types become text, categories their values, missing text None.
    """
    changed = {name: _storable(frame[name]) for name in frame.columns if frame[name].dtype.kind == "O"}
    return with_columns(frame, changed) if changed else frame


def _storable(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    present = values.notna()
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    if inferred == "boolean" and present.all():
        return values.astype(bool)
    if inferred not in ("string", "boolean", "empty"):
        values = values.astype(str)
    return values.astype(object).where(present, None)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it there in one step.

    Raises
    ------
    BadInput
        If the operating system refuses; the temporary file is removed.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.replace(path)
    except OSError as err:
        raise explain_os_error(err, path) from err
    finally:
        # Where the folder itself cannot be reached nothing was written, and that error is being raised.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def explain_os_error(err: OSError, path: Path) -> BadInput:
    """Turn an error of the operating system into a sentence: why a file cannot be written.

    Examples
    --------
    >>> print(explain_os_error(OSError(errno.ENOSPC, "..."), Path("runs/a/verdict.json")))
    Cannot write runs/a/verdict.json: no space is left on the device. Free some space, or choose another --out.
    """
    reason, step = NEXT_STEPS.get(err.errno or 0, (err.strerror or str(err), "Choose another --out."))
    return BadInput(f"Cannot write {path}: {reason}. {step}")


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet file; raise BadInput where it is gone or damaged."""
    import pyarrow

    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (OSError, pyarrow.ArrowException) as err:
        raise BadInput(
            f"The stored table {path} is missing or damaged. Delete it, if it is there, and run again."
        ) from err
