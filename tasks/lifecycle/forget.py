"""Remove a person's rows from all that a home keeps of a registered table, and name what was made from them.

May be killed anywhere and run again: the snapshots, by which everything made from the rows is found, go last. The
rows of other tables are left alone, even those of the same person.
"""

from __future__ import annotations

import getpass
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from realmix.tasks.core.errors import BadInput, RegistryRefused
from realmix.tasks.core.lifecycle.entries import Forgotten
from realmix.tasks.core.lifecycle.forget_rows import forgotten_lines, person_column
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.lifecycle.find_person import (
    Person,
    at_landing_place,
    cells_of,
    copies_elsewhere,
    in_use_elsewhere,
    kept_files,
    lineages_of,
    other_tables,
    snapshot_path,
    snapshots_with,
    study_folders,
)
from realmix.tasks.runtime.cache import cache_at, make_cache
from realmix.tasks.runtime.cache_keys import file_digest
from realmix.tasks.runtime.database import registered_table, replace_rows
from realmix.tasks.runtime.leases import table_lock
from realmix.tasks.runtime.lineage_index import Kept
from realmix.tasks.runtime.snapshots import (
    Snapshot,
    open_snapshot,
    redirect_snapshot,
    take_snapshot,
    write_atomically,
)
from realmix.tasks.runtime.study_folder import StudyFolder, home, stored_snapshot

# Files in which a study or a release says what it measured.
REPORTS = ("report.html", "verdict.json", "release.json", "release.txt")
STALE, STALE_REASON = "stale", "rows that it learned from were removed at a person's request: retrain"


def forget(name: str, keys: Sequence[str]) -> list[str]:
    """Remove the rows of people from a registered table, and say what became of what was made from them.

    Parameters
    ----------
    name : str
    keys : sequence of str
        Values in the card's `group` column, else in its `key`.

    Returns
    -------
    list of str
        Sentences, without a key.

    Raises
    ------
    BadInput
        If nothing is found, nothing would be left, or a study runs in this home.
    RegistryRefused
        If MLflow does not answer: nothing was removed.
    """
    with table_lock(name):
        table = registered_table(name)
        person = Person(table, person_column(table.card), keys)
        present = {digest: _without(digest, person) for digest in snapshots_with(person)}
        files = [path for path in kept_files(name) if person.among(cells_of(path, person.column)).any()]
        _check_removal(person, present, files)
        made = [kept for kept in lineages_of(name) if kept.lineage.raw.digest in present]
        versions = _versions_of(name, {*present})
        left = [*copies_elsewhere(made), *other_tables(person), *at_landing_place(person)]
        n_cached = cache_at(make_cache(home())).clear()
        _mark_stale(name, versions)
        _clear_work(name)
        entry = Forgotten.build(
            {
                "by": getpass.getuser(),
                "column": person.column,
                "n_keys": len(keys),
                **_rows_left(table, present),
                "snapshots": {digest: snapshot.digest for digest, snapshot in present.items()},
                "files": {path.relative_to(home()).as_posix(): _rewrite(path, person) for path in files},
                "n_cached": n_cached,
                "studies": sorted({kept.lineage.study for kept in made}),
                "versions": [str(version.version) for version in versions],
                "derived": [part for kept in made for part in _derived(kept)],
                "left": left,
                "retraining": _next_step(name),
            }
        )
        unlabelled = table.unlabelled and present.get(table.unlabelled, stored_snapshot(table.unlabelled))
        recorded = replace_rows(
            name,
            entry.to_dict(),
            before=table.snapshot,
            snapshot=entry.snapshot,
            unlabelled=unlabelled.digest if unlabelled and unlabelled.n_rows else None,
        )
        for digest, snapshot in present.items():
            if digest in in_use_elsewhere(name):
                continue
            redirect_snapshot(snapshot_path(digest), snapshot.digest)
        return list(forgotten_lines(entry, table=name, digest=recorded.digest, made_at=recorded.made_at))


def _check_removal(person: Person, present: Mapping[str, Snapshot], files: Sequence[Path]) -> None:
    """Refuse to remove nothing, or all."""
    name = person.table.name
    if not (present or files):
        raise BadInput(
            f"Nothing that is kept of '{name}' holds a row with this `{person.column}`. Write it exactly as in the "
            "table; where the person has another one in an earlier file, forget that, too."
        )
    if person.table.snapshot in present and not present[person.table.snapshot].n_rows:
        raise BadInput(
            f"No row of '{name}' would be left. Remove the table instead: realmix unregister {name}."
        )


def _without(digest: str, person: Person) -> Snapshot:
    """Store what a snapshot holds of all others, beside it."""
    former = open_snapshot(snapshot_path(digest))
    rows = former.read()
    return take_snapshot(rows[~person.among(rows)], snapshot_path(digest).parent, source=former.source)


def _rewrite(path: Path, person: Person) -> dict[str, str]:
    """Remove a person's rows from a Parquet file, whose metadata stay; return its digests before and after."""
    before, stored = file_digest(path), pq.read_table(path)
    kept = stored.filter(pa.array(~person.among(stored.select([person.column]).to_pandas())))
    write_atomically(path, lambda file: pq.write_table(kept, file))
    if (note := path.with_suffix(".json")).exists():
        described = json.loads(note.read_text(encoding="utf-8")) | {"n_rows": kept.num_rows}
        write_atomically(
            note, lambda file: file.write_text(json.dumps(described, indent=1), encoding="utf-8")
        )
    return {"before": before, "after": file_digest(path)}


def _clear_work(name: str) -> None:
    """Remove the intermediate files of a table's studies; one that was interrupted begins again on what is left."""
    for folder in study_folders(name):
        if (folder / "verdict.json").exists() and (folder / "work").exists():
            StudyFolder(folder).clear_work()
        else:
            shutil.rmtree(folder / "work", ignore_errors=True)


def _rows_left(table: Registered, present: Mapping[str, Snapshot]) -> dict[str, Any]:
    """Count the rows that are removed from a table as it is now, and name its snapshot without them."""
    now = [digest for digest in (table.snapshot, table.unlabelled) if digest and digest in present]
    n_rows = sum(open_snapshot(snapshot_path(digest)).n_rows - present[digest].n_rows for digest in now)
    is_in = table.snapshot in present
    return {"n_rows": n_rows, "snapshot": present[table.snapshot].digest if is_in else table.snapshot}


def _derived(kept: Kept) -> Iterator[dict[str, Any]]:
    """Yield what a study or a release made: pools, the training or shared table, models and reports."""
    lineage = kept.lineage
    made = [(f"pool of {pool.synthesizer} ({pool.scope})", pool.sha256) for pool in lineage.pools]
    made += [(lineage.made, lineage.training.sha256)]
    made += [(f"folder {role}/", sha256) for role, sha256 in lineage.models.items()]
    made += [(name, lineage.files[name]) for name in REPORTS if name in lineage.files]
    yield from ({"study": lineage.study, "what": what, "sha256": sha256} for what, sha256 in made)


def _next_step(name: str) -> str:
    return (
        f"realmix retrain {name} (under `realmix up` it starts by itself), then realmix promote {name}: a model without "
        "the rows takes over because you say so, not because it is better."
    )


def _versions_of(name: str, snapshots: set[str]) -> list[Any]:
    """Return the versions in MLflow whose studies had one of these snapshots.

    Raises
    ------
    RegistryRefused
    """
    from mlflow import MlflowClient

    try:
        found = MlflowClient().search_model_versions(f"name = '{name}'")
    except Exception as err:  # whatever a store or its driver raises
        raise RegistryRefused(
            f"MLflow does not answer ({type(err).__name__}), so its versions cannot be marked as stale. Nothing was "
            "removed: start it, and run this again."
        ) from err
    return sorted((v for v in found if v.tags.get("snapshot") in snapshots), key=lambda v: int(v.version))


def _mark_stale(name: str, versions: Sequence[Any]) -> None:
    from mlflow import MlflowClient

    client = MlflowClient()
    for version in versions:
        client.set_model_version_tag(name, version.version, STALE, STALE_REASON)
        if version.run_id:
            client.set_tag(version.run_id, STALE, STALE_REASON)
