"""Archives of results: a sealed manifest with the sha256 of every file, then the files.

The seal is a keyed hash (HMAC-SHA256) of the manifest: whoever does not know the key can neither change an
archive nor make one, and an archive that is moved to the place of another one is not taken for it.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.runtime.cache_keys import file_digest

CHUNK_BYTES = 1024**2


class Damaged(Exception):
    """An archive differs from its manifest, or was not sealed with this key under this name."""


def members(files: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Yield files with their names in an entry; those of a folder are called ``name/path/in/folder``."""
    for name, path in files.items():
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            yield from ((f"{name}/{p.relative_to(path).as_posix()}", p) for p in inside)
        elif path.exists():
            yield name, path


@dataclass(frozen=True)
class Seal:
    """Secret key of a cache or of a study, and the name under which an archive is found there."""

    key: bytes
    name: str

    def of(self, manifest: bytes) -> str:
        """Return the seal of a manifest."""
        return hmac.new(self.key, self.name.encode() + b"\0" + manifest, "sha256").hexdigest()


def pack(target: Path, value: dict[str, Any], members: Mapping[str, Path], seal: Seal) -> None:
    """Write an archive of a JSON-able value and files."""
    digests = {name: file_digest(path) for name, path in members.items()}
    text = json.dumps({"value": to_jsonable(value), "sha256": digests}).encode()
    with tarfile.open(target, "w") as tar:
        head = tarfile.TarInfo(seal.of(text))
        head.size = len(text)
        tar.addfile(head, io.BytesIO(text))
        for name, path in members.items():
            info = tarfile.TarInfo(name)
            info.size = path.stat().st_size
            with path.open("rb") as file:
                tar.addfile(info, file)


def extract(file: IO[bytes], into: Mapping[str, Path], seal: Seal) -> dict[str, Any]:
    """Copy the files of an archive out, once the whole of it is found to be undamaged.

    Parameters
    ----------
    file : binary file
        Open for reading.
    into : mapping of name to Path
        Where each file or folder goes; others are checked only.
    seal : Seal

    Returns
    -------
    dict
        The archive's value.

    Raises
    ------
    Damaged
        Nothing is written to `into` then.
    """
    partial: dict[Path, Path] = {}
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            value = _unpack(tar, into, partial, seal)
        for temporary, target in partial.items():
            temporary.replace(target)
    except tarfile.TarError as err:
        raise Damaged from err
    finally:
        for temporary in partial:
            temporary.unlink(missing_ok=True)
    return value


def _unpack(
    tar: tarfile.TarFile, into: Mapping[str, Path], partial: dict[Path, Path], seal: Seal
) -> dict[str, Any]:
    """Check a whole archive and copy its files beside their targets, which are added to `partial`."""
    head = tar.next()
    text = _content(tar, head).read() if head else b""
    if head is None or not hmac.compare_digest(seal.of(text).encode(), os.fsencode(head.name)):
        raise Damaged
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
            raise Damaged
        found.add(member.name)
    if found != manifest["sha256"].keys():
        raise Damaged
    value: dict[str, Any] = manifest["value"]
    return value


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member) if member.isreg() else None
    if content is None:
        raise Damaged
    return content


def _copy(source: IO[bytes], sink: IO[bytes] | None, digest: Any) -> None:
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        if sink is not None:
            sink.write(chunk)


def _target(name: str, into: Mapping[str, Path]) -> Path | None:
    """Return where a file of an entry goes; a name never leads out of the folder that was given."""
    if {"", ".", ".."} & set(name.split("/")):
        raise Damaged
    root, _, rest = name.partition("/")
    if root not in into:
        return None
    return into[root] / rest if rest else into[root]
