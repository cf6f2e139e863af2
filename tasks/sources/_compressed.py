"""Decompress a file, within a limit that holds before and while it grows."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any

from realmix.tasks.core.errors import BadInput

# Text of a million rows and a hundred columns; a table that needs more is not held in memory anyway.
MAX_FILE_BYTES = 2 << 30
MAX_LAYERS = 2
# Behind the name of a file, in messages on its content.
DECOMPRESSED = " (decompressed)"
CHUNK_BYTES = 1 << 22


def _open_xz(content: bytes) -> IO[bytes]:
    return lzma.open(io.BytesIO(content))


def _open_zstd(content: bytes) -> IO[bytes]:
    import pyarrow

    return pyarrow.CompressedInputStream(pyarrow.BufferReader(content), "zstd")


OPENERS: tuple[tuple[bytes, str, Callable[[bytes], Any]], ...] = (
    (b"\x1f\x8b", "gzip", lambda content: gzip.GzipFile(fileobj=io.BytesIO(content))),
    (b"BZh", "bzip2", lambda content: bz2.BZ2File(io.BytesIO(content))),
    (b"\xfd7zXZ", "xz", _open_xz),
    (b"\x28\xb5\x2f\xfd", "zstd", _open_zstd),
    (b"PK\x03\x04", "zip", lambda content: _open_member(content)),
)
LABELS = {"zip": "a ZIP archive or Excel workbook"}


def decompress(content: bytes, where: str) -> tuple[bytes, tuple[str, ...]]:
    """Undo gzip, bzip2, XZ, Zstandard and ZIP with one member, recognized by content.

    Parameters
    ----------
    content : bytes
    where : str
        Name of the file, for messages.

    Returns
    -------
    content : bytes
        At most `MAX_FILE_BYTES`. Workbooks, which are ZIP archives, are returned as they are.
    compression : tuple of str
        What was undone, outermost first.

    Raises
    ------
    BadInput
        If the file is damaged, too large, compressed more than `MAX_LAYERS` times, or an
        archive of several files.

    Examples
    --------
    >>> decompress(gzip.compress(b"a,b"), "t.csv.gz")
    (b'a,b', ('gzip',))
    """
    found: list[str] = []
    while (layer := _layer(content)) is not None:
        name, opener = layer
        if len(found) == MAX_LAYERS:
            raise BadInput(
                f"{where} is compressed more than {MAX_LAYERS} times. Compress the table once, or not at all."
            )
        content = _read(opener, content, name, where)
        found.append(name)
    return content, tuple(found)


def is_workbook(content: bytes) -> bool:
    """Return whether a file is an Excel or OpenDocument workbook."""
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return True
    if not content.startswith(b"PK\x03\x04"):
        return False
    try:
        names = set(zipfile.ZipFile(io.BytesIO(content)).namelist())
    except zipfile.BadZipFile:
        return False
    return bool({"[Content_Types].xml", "content.xml"} & names)


def check_bytes(n_bytes: int, where: str) -> None:
    """Refuse a file that is too large, before or while it is read.

    Raises
    ------
    BadInput
    """
    if n_bytes > MAX_FILE_BYTES:
        raise BadInput(
            f"{where} holds more than {MAX_FILE_BYTES >> 30} GiB, the most that is read. "
            "Give a sample of the rows, fewer columns, or Parquet."
        )


def _layer(content: bytes) -> tuple[str, Callable[[bytes], Any]] | None:
    if is_workbook(content):
        return None
    return next(((name, opener) for magic, name, opener in OPENERS if content.startswith(magic)), None)


def _read(opener: Callable[[bytes], Any], content: bytes, name: str, where: str) -> bytes:
    out = io.BytesIO()
    try:
        if name == "zip":
            _check_one_member(content, where)
        with opener(content) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                out.write(chunk)
                check_bytes(out.tell(), f"{where}{DECOMPRESSED}")
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as err:
        raise BadInput(
            f"{where} starts like {LABELS.get(name, f'a {name} file')} but cannot be decompressed ({len(content):,} bytes): "
            "it is damaged, cut short or has a password. Write or download it again, or export the table as CSV."
        ) from err
    return out.getvalue()


def _members(content: bytes) -> list[str]:
    # Archives made on a Mac hold a second tree of file attributes.
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    return [name for name in names if not name.endswith("/") and not name.startswith("__MACOSX/")]


def _check_one_member(content: bytes, where: str) -> None:
    n_members = len(_members(content))
    if n_members != 1:
        raise BadInput(
            f"{where} is a ZIP archive of {n_members} files; expected one, the table. Give an archive with the "
            "table alone, or unpack it and name the file."
        )


def _open_member(content: bytes) -> IO[bytes]:
    return zipfile.ZipFile(io.BytesIO(content)).open(_members(content)[0])
