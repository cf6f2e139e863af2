"""Where a study stores its files."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.provenance.permission import Permission
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.hints.hint import Hint
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.runtime.settings import settings
from realmix.tasks.runtime.snapshots import Snapshot, explain_os_error, open_snapshot

# The drift that a retraining measured before its study, in the study's folder.
DRIFT = "work/drift.json"
# Folder of intermediate files for later runs; it is no part of the results.
WORK = "work"
# Results of expectations, in the study's folder.
VALIDATION = "validation"
# Of the intermediate files, those that a finished study keeps: how rows were divided (no rows), what each
# synthesizer drew, and the output of fits.
KEPT = ("folds.npz", "pools.json", "workers.log")
# In the folder of results; held while they are written.
LOCK = "work/lock"
# Pools, predictions and models of a small study; a study of a large table needs more.
MIN_FREE_BYTES = 200 * 1024**2


def home() -> Path:
    """Return the folder of everything that outlives a study: snapshots, table registrations, MLflow.

    ``REALMIX_HOME``, by default ``.realmix`` under the current folder.
    """
    return settings().home


def home_id() -> str:
    """Return a name of this home that no other one has, wherever it is mounted; made when first asked for."""
    path = home() / "id"
    if not path.exists():
        begun = path.with_name(f".{uuid.uuid4().hex}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            begun.write_text(uuid.uuid4().hex, encoding="utf-8")
            with suppress(FileExistsError):  # another process was faster
                path.hardlink_to(begun)
        except OSError as err:
            raise explain_os_error(err, path) from err
        finally:
            with suppress(OSError):
                begun.unlink(missing_ok=True)
    return path.read_text(encoding="utf-8")


def stored_snapshot(digest: str) -> Snapshot:
    """Open the snapshot with this digest under the home folder."""
    return open_snapshot(home() / "snapshots" / f"{digest}.parquet")


def present_digest(digest: str) -> str | None:
    """Return the digest of what is stored for a snapshot: another one's after rows were removed; None if it is gone."""
    with suppress(BadInput):
        return stored_snapshot(digest).digest
    return None


def check_output_folder(out: Path) -> None:
    """Refuse a folder that cannot take the results, before anything is computed.

    Raises
    ------
    BadInput
        If it holds a finished study or anything else that is not an interrupted study,
        cannot be written, or its disk is nearly full.
    """
    place = out.absolute()
    if place.exists() and not place.is_dir():
        raise BadInput(f"--out {out} is a file, expected a folder: choose another name.")
    if (out / "verdict.json").exists():
        raise BadInput(
            f"{out} holds a finished study that is not known to be of this very table, card and options: "
            "choose another --out, or remove that folder."
        )
    is_ours = any((out / name).exists() for name in (LOCK, "work/context.json"))
    if place.exists() and not is_ours and any(place.iterdir()):
        raise BadInput(f"{out} holds other files, expected a new or empty folder: choose another --out.")
    if is_ours and (link := next((path for path in place.rglob("*") if path.is_symlink()), None)):
        # What is written next would go where somebody else wants it.
        raise BadInput(f"{link} is a link, and no study makes one: choose another --out, or remove it.")
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise BadInput(f"Cannot write to {place}: change its permissions, or choose another --out.")
    free = shutil.disk_usage(place).free
    if free < MIN_FREE_BYTES:
        raise BadInput(
            f"No space left: {free / 1024**2:.0f} MiB are free under {place}, a study needs at least "
            f"{MIN_FREE_BYTES / 1024**2:.0f} MiB. Free some, or choose another --out."
        )


@contextmanager
def only_study_in(out: Path) -> Iterator[None]:
    """Hold a folder for one study while the context is open; the lock ends with the process, however it ends.

    Raises
    ------
    BadInput
        If another process studies into it.
    """
    (out / LOCK).parent.mkdir(parents=True, exist_ok=True)
    with (out / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise BadInput(
                f"Another study is being written to {out}: wait for it, or choose another --out."
            ) from err
        yield


def is_held(lock: Path) -> bool:
    """Return whether a process that runs holds this file locked."""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@dataclass(frozen=True)
class Storage:
    """The place of one study in an object store, see :mod:`realmix.tasks.runtime.shared_storage`.

    Attributes
    ----------
    url : str
    secret : bytes
        Seals what lies there: whoever writes to the store without it changes no result.
    """

    url: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class StudyFolder:
    """The folder of one study's results; `work` holds the intermediate files of its fits.

    Attributes
    ----------
    path : Path
    cache : Path or None
        Folder of the cache in which fits are looked up and stored; None computes everything.
    storage : Storage or None
        For workers that do not see `path`.
    """

    path: Path
    cache: Path | None = None
    storage: Storage | None = None

    @property
    def work(self) -> Path:
        """Folder of intermediate files."""
        return self.path / WORK

    def scope(self, name: str) -> Path:
        """Return the folder of a scope (one fold, or the final fit), by its name."""
        return self.work / name

    def clear_work(self) -> None:
        """Remove the intermediate files of a finished study, but `KEPT`: results are in the cache, too."""
        for path in self.work.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in KEPT:
                path.unlink(missing_ok=True)

    def write_json(self, name: str, data: Any) -> Path:
        """Write a JSON file in one step: a killed process leaves the old file or the new one."""
        target = self.path / name
        partial = target.with_name(f".{target.name}")
        partial.write_text(json.dumps(data, indent=1, allow_nan=False), encoding="utf-8")
        return partial.replace(target)

    def read_json(self, name: str) -> Any:
        """Read a JSON file."""
        return json.loads((self.path / name).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Table:
    """A table that was read, checked and stored as a snapshot.

    Attributes
    ----------
    name : str
        The MLflow experiment and model have this name.
    snapshot : Snapshot
    source : dict
        What was read, and what was detected in it.
    card : DataCard
    schema : Schema
    hints : tuple of Hint
        What the table says about its split and its target and its card leaves open.
    permission : Permission
        To make synthetic rows of it.
    """

    name: str
    snapshot: Snapshot
    source: dict[str, Any]
    card: DataCard
    schema: Schema
    hints: tuple[Hint, ...] = ()
    permission: Permission = field(default_factory=Permission)


def new_folder(request: StudyRequest) -> Path:
    """Name a folder for a study that was requested without one, as deployments do."""
    name = (request.table or "study").rpartition(":")[2]
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[-40:]
    return home() / "studies" / f"{safe}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
