"""Remove a person's rows from all that a home keeps of a registered table, and name what was made from them.

May be killed anywhere and run again: the snapshots, by which everything made from the rows is found, go last. The
rows of other tables are left alone, even those of the same person.
"""

from __future__ import annotations

import getpass
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from realmix.tasks.core.errors import BadInput, RegistryRefused
from realmix.tasks.core.lifecycle.entries import Forgotten
from realmix.tasks.core.lifecycle.forget_rows import forgotten_lines, person_column, rows_of_person
from realmix.tasks.core.lifecycle.read_batch import read_batch_rows
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.urls import reveal, without_secrets
from realmix.tasks.landing import find_landing
from realmix.tasks.runtime.cache import cache_at, make_cache
from realmix.tasks.runtime.cache_keys import file_digest
from realmix.tasks.runtime.database import decisions, registered_table, registered_tables, replace_rows
from realmix.tasks.runtime.leases import table_lock
from realmix.tasks.runtime.lineage_index import Kept, kept_lineages
from realmix.tasks.runtime.snapshots import (
    Snapshot,
    open_snapshot,
    redirect_snapshot,
    take_snapshot,
    write_atomically,
)
from realmix.tasks.runtime.study_folder import StudyFolder, home, stored_snapshot

STALE, STALE_REASON = "stale", "rows that it learned from were removed at a person's request: retrain"


@dataclass(frozen=True)
class Person:
    """Whose rows are removed: their values in a column of a table."""

    table: Registered
    column: str
    keys: Sequence[str]

    def among(self, rows: pd.DataFrame) -> Any:
        """Return which rows are theirs."""
        return rows_of_person(rows, self.column, self.keys)


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
        present = {digest: _without(digest, person) for digest in _snapshots_with(person)}
        files = [path for path in _kept_files(name) if person.among(_cells(path, person.column)).any()]
        _check_removal(person, present, files)
        made = [kept for kept in _lineages(name) if kept.lineage.raw.digest in present]
        versions = _versions_of(name, {*present})
        left = [*_copies_elsewhere(made), *_other_tables(person), *_at_landing_place(person)]
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
            if digest in _in_use_elsewhere(name):
                continue
            redirect_snapshot(_place(digest), snapshot.digest)
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


def _place(digest: str) -> Path:
    return home() / "snapshots" / f"{digest}.parquet"


def _without(digest: str, person: Person) -> Snapshot:
    """Store what a snapshot holds of all others, beside it."""
    former = open_snapshot(_place(digest))
    rows = former.read()
    return take_snapshot(rows[~person.among(rows)], _place(digest).parent, source=former.source)


def _snapshots_with(person: Person) -> list[str]:
    """Find the snapshots of a table that hold a person's rows: those that its records name, or of its columns.

    Of those that another registered table has now, only this table's present ones: it gets rows of its own.
    """
    table = person.table
    columns = {name for name, _ in stored_snapshot(table.snapshot).columns}
    named = {str(value) for entry in decisions(table.name) for value in entry.document.values()}
    named |= {table.snapshot, table.unlabelled or "", table.decided or ""}
    named |= {kept.lineage.raw.digest for kept in _lineages(table.name)}
    found, elsewhere = [], _in_use_elsewhere(table.name)
    for path in sorted((home() / "snapshots").glob("*.parquet")):
        is_own = path.stem in named or {*pq.read_schema(path).names} == columns
        is_now = path.stem in (table.snapshot, table.unlabelled)
        if is_now or (is_own and path.stem not in elsewhere):
            found += [path.stem] if person.among(_cells(path, person.column)).any() else []
    return found


def _in_use_elsewhere(name: str) -> dict[str, str]:
    """Return the present snapshots of the other registered tables, with the table's name."""
    others = [table for table in registered_tables() if table.name != name]
    return {
        digest: table.name
        for table in others
        for digest in (table.snapshot, table.unlabelled, table.decided)
        if digest
    }


def _lineages(name: str) -> list[Kept]:
    return [kept for kept in kept_lineages() if kept.lineage.table == name]


def _kept_files(name: str) -> Iterator[Path]:
    """Yield the files of a table, besides its snapshots, that may hold rows: batches, quarantine, training tables."""
    place = home() / "tables" / name
    yield from sorted((place / "batches").glob("*.parquet"))
    yield from sorted((place / "quarantine").rglob("quarantine.parquet"))
    for folder in _study_folders(name):
        yield from (path for path in [folder / "training.parquet"] if path.exists())
        yield from sorted((folder / "validation").rglob("quarantine.parquet"))


def _study_folders(name: str) -> list[Path]:
    """List the folders of a table's studies in this home."""
    numbered = re.compile(rf"{re.escape(name)}-\d{{4}}-[0-9a-f]{{8}}")
    studies = home() / "studies"
    found = {path for path in studies.glob("*") if numbered.fullmatch(path.name)}
    found |= {kept.path for kept in _lineages(name) if kept.path.parent == studies and kept.path.exists()}
    return sorted(found)


def _cells(path: Path, column: str) -> pd.DataFrame:
    """Read one column of a Parquet file; no column where it has none of this name."""
    names = [column] if column in pq.read_schema(path).names else []
    return pd.read_parquet(path, columns=names, engine="pyarrow")


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
    for folder in _study_folders(name):
        if (folder / "verdict.json").exists() and (folder / "work").exists():
            StudyFolder(folder).clear_work()
        else:
            shutil.rmtree(folder / "work", ignore_errors=True)


def _rows_left(table: Registered, present: Mapping[str, Snapshot]) -> dict[str, Any]:
    """Count the rows that are removed from a table as it is now, and name its snapshot without them."""
    now = [digest for digest in (table.snapshot, table.unlabelled) if digest and digest in present]
    n_rows = sum(open_snapshot(_place(digest)).n_rows - present[digest].n_rows for digest in now)
    is_in = table.snapshot in present
    return {"n_rows": n_rows, "snapshot": present[table.snapshot].digest if is_in else table.snapshot}


def _derived(kept: Kept) -> Iterator[dict[str, Any]]:
    """Yield what a study made: pools, the training table, models and report."""
    lineage = kept.lineage
    made = [(f"pool of {pool.synthesizer} ({pool.scope})", pool.sha256) for pool in lineage.pools]
    made += [("release" if lineage.kind == "release" else "training table", lineage.training.sha256)]
    made += [(f"model {role}", sha256) for role, sha256 in lineage.models.items()]
    made += [(name, lineage.files[name]) for name in ("report.html", "verdict.json") if name in lineage.files]
    yield from ({"study": lineage.study, "what": what, "sha256": sha256} for what, sha256 in made)


def _copies_elsewhere(made: Sequence[Kept]) -> list[str]:
    """Name the folders outside of the home that hold the rows, too."""
    outside = [kept.path for kept in made if home() not in kept.path.parents and kept.path.exists()]
    return [
        f"{path} holds results of a study with the rows, {path.name}/training.parquet among them: remove it."
        for path in outside
    ]


def _other_tables(person: Person) -> list[str]:
    """Name the other registered tables that have this value in a column of the same name."""
    found = {
        name
        for digest, name in _in_use_elsewhere(person.table.name).items()
        if _place(digest).exists() and person.among(_cells(_place(digest), person.column)).any()
    }
    return [
        f"The table '{name}' has rows with this `{person.column}`, too: if they are of the same person, forget them there."
        for name in sorted(found)
    ]


def _at_landing_place(person: Person) -> list[str]:
    """Name the files of a landing folder that hold the rows; they are not ours to change."""
    card = person.table.card
    location = card.operation.landing
    if location is None:
        return []
    landing = find_landing(location)
    if landing.name != "folder":
        return [f"{without_secrets(location)} was not searched: remove the rows there."]
    try:
        with closing(landing.read(reveal(location), card.operation, None)) as steps:
            tables = {landed.name: landed.rows for landed in steps if landed.rows is not None}
        found = [name for name, rows in tables.items() if person.among(read_batch_rows(rows, card)[0]).any()]
    except BadInput as err:
        return [f"{location} could not be searched: {err}"]
    return [f"{Path(location) / name} holds the rows, as it was sent: remove them there." for name in found]


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
