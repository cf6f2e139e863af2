"""Change what lies in a cache so that all digests fit again."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pyarrow


def put_into_entries(database: Path, name: str, content: bytes) -> int:
    """Put a file of this name into each entry that has one; return how many there were."""
    with closing(sqlite3.connect(database)) as opened, opened:
        rows = opened.execute("SELECT key, n_bytes, packed FROM entries").fetchall()
        changed = 0
        for key, n_bytes, packed in rows:
            archive = pyarrow.decompress(packed, decompressed_size=n_bytes, codec="zstd", asbytes=True)
            if (made := _with_file(archive, name, content)) is not None:
                packed = pyarrow.compress(made, codec="zstd", asbytes=True)
                opened.execute(
                    "UPDATE entries SET n_bytes = ?, packed = ? WHERE key = ?", (len(made), packed, key)
                )
                changed += 1
    return changed


def _with_file(archive: bytes, name: str, content: bytes) -> bytes | None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = [(member, tar.extractfile(member)) for member in tar]
        files = {member.name: file.read() for member, file in members if file is not None}
    if name not in files:
        return None
    files[name] = content
    head = next(iter(files))
    manifest = json.loads(files.pop(head))
    manifest["sha256"][name] = hashlib.sha256(content).hexdigest()
    text = json.dumps(manifest).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for each, data in {hashlib.sha256(text).hexdigest(): text, **files}.items():
            info = tarfile.TarInfo(each)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
