"""Remove what nothing needs any longer from the home folder and from MLflow.

Whatever a running study, a champion, its challenger or an open decision needs stays, whatever its age; so do
decisions and MLflow's runs with their numbers, verdicts and reports. Folders go of studies that retrainings of a
registered table have superseded; other studies lose their intermediate files alone. What cannot be removed is
logged, and left for the next time like what a killed process leaves.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.lifecycle.champion_record import CLEANED
from realmix.tasks.core.lifecycle.entries import CleanedVersions
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.lifecycle.retention import Needed, needed
from realmix.tasks.core.lifecycle.retraining_entry import RETRAINING
from realmix.tasks.lifecycle.drift import next_folder_path
from realmix.tasks.runtime.cache import cache_at, make_cache
from realmix.tasks.runtime.database import (
    batches,
    decisions,
    record_decision,
    registered_names,
    registered_tables,
    untracked_studies,
)
from realmix.tasks.runtime.study_folder import KEPT as KEPT_FILES
from realmix.tasks.runtime.study_folder import StudyFolder, home, present_digest
from realmix.tasks.study.track import MODELS

log = logging.getLogger("realmix")
KEPT = timedelta(days=30)
# No study runs for so long.
LEAST_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Removal:
    """Something that nothing needs: its kind, its bytes, and how to remove it."""

    kind: str
    n_bytes: int
    remove: Callable[[], object]


@dataclass(frozen=True)
class Cleaned:
    """How much of a kind was removed, or would be."""

    kind: str
    n_removed: int
    n_bytes: int


def clean(older_than: timedelta = KEPT, *, is_dry: bool = False) -> list[Cleaned]:
    """Remove what was superseded longer ago than this.

    Parameters
    ----------
    older_than : timedelta
        At least a day. Intermediate files of a finished study are removed at any age.
    is_dry : bool
        Count only.

    Returns
    -------
    list of Cleaned
        By kind.

    Raises
    ------
    BadInput
        If `older_than` is less than a day.
    """
    if older_than < LEAST_KEPT:
        raise BadInput(f"--older-than is {older_than}; expected a day or more, for example 30d.")
    before = time.time() - older_than.total_seconds()
    # First: it needs neither the record nor MLflow.
    n_entries, n_bytes = cache_at(make_cache(home())).remove_unused(before, is_dry=is_dry)
    found: dict[str, list[int]] = {}
    for removal in removals(before):
        if is_dry or _is_removed(removal):
            found.setdefault(removal.kind, []).append(removal.n_bytes)
    cleaned = [Cleaned(kind, len(sizes), sum(sizes)) for kind, sizes in found.items()]
    return [*cleaned, *([Cleaned("cached results", n_entries, n_bytes)] if n_entries else [])]


def _is_removed(removal: Removal) -> bool:
    """Remove something; what goes wrong is logged, and stops nothing else."""
    try:
        removal.remove()
    except Exception as err:  # whatever a disk, a store or its driver raises
        log.warning("One of the %s cannot be removed (%s)", removal.kind, type(err).__name__)
        return False
    return True


@task(task_run_name="clean", cache_policy=NO_CACHE)
def clean_up() -> None:
    """Clean after a retraining; what goes wrong is logged, for the retraining is done."""
    try:
        clean()
    except Exception as err:  # whatever a disk, a store or its driver raises
        log.warning("Cleaning failed (%s); `realmix clean` repeats it", type(err).__name__)


def removals(before: float) -> Iterator[Removal]:
    """Find everything that can be removed, as of a moment in seconds since 1970."""
    tables = registered_tables()
    entries = {table.name: decisions(table.name) for table in tables}
    of_tables = {table.name: needed(table, entries[table.name]) for table in tables}
    named = {
        str(entry.document.get("study"))
        for each in entries.values()
        for entry in each
        if entry.kind == RETRAINING
    }
    yield from old_studies(tables, of_tables.values(), named, before)
    for table in tables:
        yield from old_batches(table.name, before)
    try:
        of_models = list(models_in_mlflow())
    except Exception as err:  # whatever a store raises: which snapshots its versions need is not known
        log.warning(
            "MLflow does not answer (%s): nothing of it, and no snapshot, is cleaned", type(err).__name__
        )
        return
    served = {version.tags.get("snapshot", "") for _, versions, aliased in of_models for version in versions
              if str(version.version) in aliased}  # fmt: skip
    if {table.name for table in tables} != set(registered_names()):
        return  # of a table whose card cannot be used, nobody knows what it needs
    yield from old_snapshots(served.union(*(kept.snapshots for kept in of_tables.values())), before)
    for name, versions, aliased in of_models:
        if name in of_tables:
            yield from old_versions(name, versions, aliased | of_tables[name].versions, before)


def old_studies(
    tables: Iterable[Registered], kept: Iterable[Needed], named: set[str], before: float
) -> Iterator[Removal]:
    """Find folders of studies that were superseded, and intermediate files of others.

    Parameters
    ----------
    tables : iterable of Registered
    kept : iterable of Needed
        By these tables.
    named : set of str
        Folders that their retrainings name: any other may be the only one of its verdict.
    before : float
        Seconds since 1970.
    """
    names = {next_folder_path(table).name for table in tables}.union(*(each.studies for each in kept))
    untracked = set(untracked_studies())
    for folder in sorted((home() / "studies").glob("*")):
        if folder in untracked:
            continue
        is_old = folder.name not in names and _last_change(folder) < before
        if is_old and folder.name in named:
            yield _of_folder("superseded studies", folder)
        elif (is_old or _is_tracked(folder)) and (n_bytes := _n_intermediate(folder / "work")):
            # Of studies that were ended before their last step, or are of an earlier version.
            of = "finished" if _is_tracked(folder) else "interrupted"
            yield Removal(f"intermediate files of {of} studies", n_bytes, StudyFolder(folder).clear_work)


def _n_intermediate(work: Path) -> int:
    """Return the bytes of what a finished study need not keep."""
    files = [path for path in work.rglob("*") if path.is_file()]
    return sum(_size(path) for path in files if path.parent != work or path.name not in KEPT_FILES)


def _is_tracked(folder: Path) -> bool:
    """Return whether a study is finished: logging it to MLflow is its last step."""
    with suppress(OSError, ValueError):
        return bool(json.loads((folder / "tracking.json").read_text(encoding="utf-8"))["run_id"])
    return False


def old_batches(table: str, before: float) -> Iterator[Removal]:
    """Find batches that were admitted or refused, and rows in quarantine."""
    place = home() / "tables" / table
    waiting = {batch.digest for batch in batches(table, "waiting")}
    for file in sorted((place / "batches").glob("*")):
        if file.stem not in waiting and _last_change(file) < before:
            yield _of_file("batches that were read", file)
    for folder in sorted((place / "quarantine").glob("*")):
        if folder.name not in waiting and _last_change(folder) < before:
            yield _of_folder("rows in quarantine", folder)


def old_snapshots(kept: set[str], before: float) -> Iterator[Removal]:
    """Find snapshots that nothing references; a study notes that it uses one by its note's time."""
    kept = kept | {present for digest in kept if (present := present_digest(digest))}
    for note in sorted((home() / "snapshots").glob("*.json")):
        if note.stem not in kept and _last_change(note) < before:
            yield _of_file("snapshots that nothing references", note)
            yield _of_file("snapshots that nothing references", note.with_suffix(".parquet"))


def models_in_mlflow() -> Iterator[tuple[str, list[Any], set[str]]]:
    """Yield each registered model's name, its versions, and the numbers of those with an alias."""
    from mlflow import MlflowClient

    client = MlflowClient()
    for model in _pages(client.search_registered_models):
        versions = _pages(partial(client.search_model_versions, f"name = '{model.name}'"))
        yield model.name, list(versions), {str(number) for number in model.aliases.values()}


def _pages(search: Callable[..., Any]) -> Iterator[Any]:
    token = None
    while True:
        page = search(page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def old_versions(name: str, versions: Iterable[Any], kept: set[str], before: float) -> Iterator[Removal]:
    """Find model versions that were superseded; their runs keep verdict, report and numbers."""
    for version in versions:
        if str(version.version) not in kept and version.creation_timestamp / 1000 < before:
            yield Removal(
                "model versions in MLflow", _n_bytes_of(version), partial(_remove_version, name, version)
            )


def _n_bytes_of(version: Any) -> int:
    """Return the bytes of a version's models; 0 where MLflow does not tell them."""
    from mlflow import MlflowClient

    def total(path: str) -> int:
        found = client.list_artifacts(version.run_id, path)
        return sum(total(item.path) if item.is_dir else item.file_size or 0 for item in found)

    client = MlflowClient()
    try:
        return sum(total(path) for path in MODELS) if _run_of(version) else 0
    except Exception as err:  # whatever a store or its driver raises
        log.warning("MLflow does not tell the size of a model version (%s)", type(err).__name__)
        return 0


def _run_of(version: Any) -> Any | None:
    """Return the run of a model version; None where it is gone, as after `mlflow gc`."""
    from mlflow import MlflowClient, MlflowException

    try:
        return MlflowClient().get_run(version.run_id) if version.run_id else None
    except MlflowException as err:
        if err.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


def _remove_version(name: str, version: Any) -> None:
    """Remove a version and its models; the record is told before, once, so that no rollback leads to it."""
    from mlflow import MlflowClient
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    number, run = str(version.version), _run_of(version)
    told = {
        gone for entry in decisions(name, CLEANED) for gone in CleanedVersions.read(entry.document).versions
    }
    if number not in told:
        record_decision(name, CLEANED, CleanedVersions(versions=(number,)).to_dict())
    if run:
        artifacts = get_artifact_repository(run.info.artifact_uri)
        for path in MODELS:
            artifacts.delete_artifacts(Path(path).parts[0])
    MlflowClient().delete_model_version(name, number)


def _of_folder(kind: str, folder: Path) -> Removal:
    n_bytes = sum(_size(path) for path in folder.rglob("*") if path.is_file())
    return Removal(kind, n_bytes, partial(shutil.rmtree, folder, ignore_errors=True))


def _of_file(kind: str, file: Path) -> Removal:
    return Removal(kind, _size(file), partial(file.unlink, missing_ok=True))


def _size(file: Path) -> int:
    with suppress(OSError):  # a running study removes files of its own, and another process cleans, too
        return file.stat().st_size
    return 0


def _last_change(place: Path) -> float:
    """Return when a file, or anything in a folder, last changed, in seconds since 1970; infinity where it is gone."""
    times = []
    for path in (place, *place.rglob("*")):
        with suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times, default=math.inf)
