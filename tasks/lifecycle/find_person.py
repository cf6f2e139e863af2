"""Find what a home keeps of a person, and what was made from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.lifecycle.forget_rows import rows_of_person
from realmix.tasks.core.lifecycle.read_batch import read_batch_rows
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.urls import reveal, without_secrets
from realmix.tasks.landing import find_landing
from realmix.tasks.runtime.database import decisions, registered_tables
from realmix.tasks.runtime.lineage_index import Kept, kept_lineages
from realmix.tasks.runtime.study_folder import home, stored_snapshot


@dataclass(frozen=True)
class Person:
    """Whose rows are removed: their values in a column of a table."""

    table: Registered
    column: str
    keys: Sequence[str]

    def among(self, rows: pd.DataFrame) -> Any:
        """Return which rows are theirs."""
        return rows_of_person(rows, self.column, self.keys)


def snapshot_path(digest: str) -> Path:
    """Return where the home keeps a snapshot."""
    return home() / "snapshots" / f"{digest}.parquet"


def snapshots_with(person: Person) -> list[str]:
    """Find the snapshots of a table that hold a person's rows: those that its records name, or of its columns.

    Of those that another registered table has now, only this table's present ones: it gets rows of its own.
    """
    table = person.table
    columns = {name for name, _ in stored_snapshot(table.snapshot).columns}
    named = {str(value) for entry in decisions(table.name) for value in entry.document.values()}
    named |= {table.snapshot, table.unlabelled or "", table.decided or ""}
    named |= {kept.lineage.raw.digest for kept in lineages_of(table.name)}
    found, elsewhere = [], in_use_elsewhere(table.name)
    for path in sorted((home() / "snapshots").glob("*.parquet")):
        is_own = path.stem in named or {*pq.read_schema(path).names} == columns
        is_now = path.stem in (table.snapshot, table.unlabelled)
        if is_now or (is_own and path.stem not in elsewhere):
            found += [path.stem] if person.among(cells_of(path, person.column)).any() else []
    return found


def in_use_elsewhere(name: str) -> dict[str, str]:
    """Return the present snapshots of the other registered tables, with the table's name."""
    others = [table for table in registered_tables() if table.name != name]
    return {
        digest: table.name
        for table in others
        for digest in (table.snapshot, table.unlabelled, table.decided)
        if digest
    }


def lineages_of(name: str) -> list[Kept]:
    """List what was made from a table."""
    return [kept for kept in kept_lineages() if kept.lineage.table == name]


def kept_files(name: str) -> Iterator[Path]:
    """Yield the files of a table, besides its snapshots, that may hold rows: batches, quarantine, training tables."""
    place = home() / "tables" / name
    yield from sorted((place / "batches").glob("*.parquet"))
    yield from sorted((place / "quarantine").rglob("quarantine.parquet"))
    for folder in study_folders(name):
        yield from (path for path in [folder / "training.parquet"] if path.exists())
        yield from sorted((folder / "validation").rglob("quarantine.parquet"))


def study_folders(name: str) -> list[Path]:
    """List the folders of a table's studies in this home."""
    numbered = re.compile(rf"{re.escape(name)}-\d{{4}}-[0-9a-f]{{8}}")
    studies = home() / "studies"
    found = {path for path in studies.glob("*") if numbered.fullmatch(path.name)}
    found |= {kept.path for kept in lineages_of(name) if kept.path.parent == studies and kept.path.exists()}
    return sorted(found)


def cells_of(path: Path, column: str) -> pd.DataFrame:
    """Read one column of a Parquet file; no column where it has none of this name."""
    names = [column] if column in pq.read_schema(path).names else []
    return pd.read_parquet(path, columns=names, engine="pyarrow")


def copies_elsewhere(made: Sequence[Kept]) -> list[str]:
    """Name the folders outside of the home that hold the rows, too, and the tables that were shared."""
    studies = [kept.path for kept in made if kept.lineage.kind == "study"]
    outside = [path for path in studies if home() not in path.parents and path.exists()]
    releases = [kept for kept in made if kept.lineage.kind == "release"]
    return [
        f"{path} holds results of a study with the rows, {path.name}/training.parquet among them: remove it."
        for path in outside
    ] + [
        f"The release '{kept.lineage.study}' was drawn from a model of the rows: ask those who have its table (sha256 "
        f"{kept.lineage.training.sha256}) to delete it, remove {kept.path}, and release the table again."
        for kept in releases
    ]


def other_tables(person: Person) -> list[str]:
    """Name the other registered tables that have this value in a column of the same name."""
    found = {
        name
        for digest, name in in_use_elsewhere(person.table.name).items()
        if snapshot_path(digest).exists()
        and person.among(cells_of(snapshot_path(digest), person.column)).any()
    }
    return [
        f"The table '{name}' has rows with this `{person.column}`, too: if they are of the same person, forget them there."
        for name in sorted(found)
    ]


def at_landing_place(person: Person) -> list[str]:
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
